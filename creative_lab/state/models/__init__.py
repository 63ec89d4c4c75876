"""SQLAlchemy models of the state that people change, split by subject."""

from __future__ import annotations

from creative_lab.state.models.audiences import SEGMENT_CATEGORIES, Persona, PersonaSegment, Segment, WVSProfile
from creative_lab.state.models.base import SCHEMA, SLUG_PATTERN, Base, InsightBlock
from creative_lab.state.models.brands import Brand
from creative_lab.state.models.language import (
    PIPELINE_NODES,
    TEMPLATE_CATEGORIES,
    LLMModel,
    PipelineSettings,
    PromptTemplate,
)
from creative_lab.state.models.learning import GRADED_KINDS, PHRASE_DECISIONS, Grade, KillPhrase
from creative_lab.state.models.localisation import EQUIVALENT_KINDS, Equivalent, MarketPack, Spelling
from creative_lab.state.models.looks import (
    SCENE_INVARIANTS,
    SEASONS,
    BannedWord,
    Colourway,
    Designer,
    LookBatch,
    LookControl,
    LookPromptId,
    LookScene,
    OutfitTemplate,
    WardrobeGarment,
)
from creative_lab.state.models.markets import (
    Country,
    CountryLanguage,
    CountryRegion,
    Language,
    LanguageAlternativeModel,
    Region,
)
from creative_lab.state.models.segmentation import SEGMENTATION_STATES, SegmentationClaim
from creative_lab.state.models.spots import AD_UNIT_STATUSES, AdUnit, AdUnitScriptRow, Campaign
from creative_lab.state.models.study import Study, StudyAnswer
from creative_lab.state.models.work import DECISIONS, Approval, DynamicDefinition, Target

__all__ = [
    "AD_UNIT_STATUSES",
    "DECISIONS",
    "EQUIVALENT_KINDS",
    "GRADED_KINDS",
    "PHRASE_DECISIONS",
    "PIPELINE_NODES",
    "SCENE_INVARIANTS",
    "SCHEMA",
    "SEASONS",
    "SEGMENTATION_STATES",
    "SEGMENT_CATEGORIES",
    "SLUG_PATTERN",
    "TEMPLATE_CATEGORIES",
    "AdUnit",
    "AdUnitScriptRow",
    "Approval",
    "BannedWord",
    "Base",
    "Brand",
    "Campaign",
    "Colourway",
    "Country",
    "CountryLanguage",
    "CountryRegion",
    "Designer",
    "DynamicDefinition",
    "Equivalent",
    "Grade",
    "InsightBlock",
    "KillPhrase",
    "LLMModel",
    "Language",
    "LanguageAlternativeModel",
    "LookBatch",
    "LookControl",
    "LookPromptId",
    "LookScene",
    "MarketPack",
    "OutfitTemplate",
    "Persona",
    "PersonaSegment",
    "PipelineSettings",
    "PromptTemplate",
    "Region",
    "Segment",
    "SegmentationClaim",
    "Spelling",
    "Study",
    "StudyAnswer",
    "Target",
    "WVSProfile",
    "WardrobeGarment",
]
