"""What Dagster loads: the assets of all rooms, their checks and sensors, and how they are stored and executed.

Nothing heavy is imported here: every start of a run pays for these imports.
"""

from __future__ import annotations

import dagster as dg

import creative_lab.catalogue  # noqa: F401 - registers the tables that the warehouse shows
from creative_lab.adaptation import assets as adaptation_assets
from creative_lab.adaptation.checks import adaptation_checks
from creative_lab.adaptation.sensors import approved_scripts, spot_arrivals
from creative_lab.characters import assets as characters_assets
from creative_lab.characters.sensors import character_arrivals
from creative_lab.imaging import assets as imaging_assets
from creative_lab.lake import assets as lake_assets
from creative_lab.lake.io_manager import TableIOManager
from creative_lab.launch.executors import executor
from creative_lab.looks import assets as looks_assets
from creative_lab.looks.checks import look_prompt_checks
from creative_lab.looks.feedback import assets as look_learning_assets
from creative_lab.looks.feedback.checks import no_picture_left_behind
from creative_lab.looks.rendering import assets as look_picture_assets
from creative_lab.looks.schedules import daily_learning, daily_looks, look_day, look_learning
from creative_lab.looks.sensors import segmentation_follow_up, segmentation_reconciliation
from creative_lab.metrics import assets as metrics_assets
from creative_lab.metrics.storyboards import assets as proof_assets
from creative_lab.metrics.storyboards.checks import consistency_checks
from creative_lab.reference import assets as reference_assets
from creative_lab.storyboards import assets as storyboards_assets
from creative_lab.storyboards.checks import storyboard_checks
from creative_lab.storyboards.sensors import storyboard_arrivals

automation = dg.AutomationConditionSensorDefinition(
    "automation",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Materializes what the assets' automation conditions ask for, such as the warehouse every 15 minutes.",
)

defs = dg.Definitions(
    assets=dg.load_assets_from_modules(
        [
            reference_assets,
            imaging_assets,
            adaptation_assets,
            characters_assets,
            storyboards_assets,
            looks_assets,
            look_picture_assets,
            look_learning_assets,
            metrics_assets,
            proof_assets,
            lake_assets,
        ],
        include_specs=True,
    ),
    asset_checks=[
        *adaptation_checks,
        *storyboard_checks,
        look_prompt_checks,
        no_picture_left_behind,
        consistency_checks,
    ],
    sensors=[
        spot_arrivals,
        approved_scripts,
        character_arrivals,
        storyboard_arrivals,
        segmentation_reconciliation,
        segmentation_follow_up,
        automation,
    ],
    jobs=[look_day, look_learning],
    schedules=[daily_looks, daily_learning],
    resources={"io_manager": TableIOManager()},
    executor=executor(),
)
