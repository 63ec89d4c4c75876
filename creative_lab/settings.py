"""The platform's settings: the only module that reads the environment.

Every setting can be given as an environment variable with the prefix ``CREATIVE_LAB_`` (``CREATIVE_LAB_HOME``,
``CREATIVE_LAB_PROFILE`` and so on). Secrets are :class:`pydantic.SecretStr`: they print as stars and never reach a
log, an event, a picture or a table.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Profile = Literal["miniature", "studio", "hosted"]

REPOSITORY_ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds ``creative_lab/`` and ``data/``."""


class Settings(BaseSettings):
    """Everything that may differ from one installation to another."""

    model_config = SettingsConfigDict(env_prefix="CREATIVE_LAB_", extra="ignore", frozen=True)

    home: Path = Field(
        default=REPOSITORY_ROOT / ".creative_lab",
        description="Folder of everything that the platform writes: lake, warehouse, embedded Postgres, logs, reports.",
    )
    data_dir: Path = Field(
        default=REPOSITORY_ROOT / "data", description="Shipped reference data, sample spots and presets (read only)."
    )
    profile: Profile = Field(
        default="miniature",
        description="Which models fill the roles: miniature (laptop, offline), studio (open weights), hosted (APIs).",
    )
    postgres_url: SecretStr | None = Field(
        default=None, description="URL of a Postgres server to use instead of the embedded one."
    )
    dagster_yaml: Path = Field(
        default=REPOSITORY_ROOT / "dagster.yaml", description="Configuration of the Dagster instance; see deploy/."
    )
    executor: Literal["in_process", "multiprocess", "ray", "kubernetes"] = Field(
        default="in_process", description="How the steps of a run are executed; see deploy/ for the last two."
    )
    lake_url: str | None = Field(
        default=None, description="Root of the lake as an fsspec URL, such as s3://bucket/lake; default: HOME/lake."
    )
    offline: bool = Field(default=False, description="Refuse every network call except to loopback addresses.")
    review: bool = Field(
        default=False, description="Require a person's approval before anything downstream of an adapted script runs."
    )

    time_zone: str = Field(
        default="Europe/Berlin", description="IANA name of the lab's local time, which decides what day it is."
    )

    looks_sweep_s: int = Field(
        default=600, ge=5, description="Seconds between two looks for pictures without masks (segmentation)."
    )

    llm_api_base: str | None = Field(
        default=None, description="URL of an OpenAI-compatible server (vLLM, Ollama, llama.cpp) that serves all models."
    )
    llm_api_key: SecretStr | None = Field(default=None, description="Key for llm_api_base, if it asks for one.")
    openai_api_key: SecretStr | None = Field(default=None, description="Key for models whose id begins with openai/.")
    anthropic_api_key: SecretStr | None = Field(default=None, description="Key for models with anthropic/ in front.")
    gemini_api_key: SecretStr | None = Field(default=None, description="Key for models with gemini/ in front.")
    hosted_model: str = Field(
        default="openai/gpt-4o-mini",
        description="litellm model that stands in, in the hosted profile, for models without a hosted provider.",
    )
    llm_timeout_s: float = Field(default=120.0, gt=0, description="Time limit of one call to a language model.")
    llm_max_retries: int = Field(default=2, ge=0, le=10, description="Retries of one call after passing failures.")
    run_budget_usd: float = Field(default=5.0, ge=0, description="Most that the language calls of one run may cost.")

    models_dir: Path | None = Field(
        default=None, description="Folder of downloaded image models and LoRAs; default: HOME/models."
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        default="auto", description="Where pictures are drawn; auto takes a GPU where there is one."
    )
    content_credentials: bool = Field(
        default=False, description="Sign drawn pictures with Content Credentials (C2PA), by a key made in HOME/keys."
    )
    hf_token: SecretStr | None = Field(default=None, description="Token for gated models of the Hugging Face Hub.")
    civitai_api_key: SecretStr | None = Field(default=None, description="Key for LoRA downloads from Civitai.")
    replicate_api_token: SecretStr | None = Field(default=None, description="Key for hosted models of Replicate.")

    sql_timeout_s: float = Field(default=30.0, gt=0, description="Time limit of one query of creative-lab sql.")
    sql_memory_mb: int = Field(default=1024, ge=64, description="Memory limit of one query of creative-lab sql.")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is no IANA time zone, such as Europe/Berlin")
        return value

    @field_validator("home", "data_dir", "dagster_yaml")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def lake_root(self) -> str:
        """Root of the lake as a path or fsspec URL."""
        return self.lake_url or str(self.home / "lake")

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file of views that analysts open."""
        return self.home / "warehouse.duckdb"

    @property
    def postgres_dir(self) -> Path:
        """Data folder of the embedded Postgres server."""
        return self.home / "postgres"

    @property
    def models_root(self) -> Path:
        """Where downloaded weights are."""
        return self.models_dir or self.home / "models"

    @property
    def reports_dir(self) -> Path:
        """Where documents for people (scripts, XLIFF files, reports) are written."""
        return self.home / "reports"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once (tests that change the environment call ``cache_clear``)."""
    return Settings()
