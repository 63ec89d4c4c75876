"""Prompt templates in the database: versions, rollback, usage counts, rendering.

Every edit is a new version and becomes the active one; re-activating an older version is the rollback. The text is
read from the database at every render, in the same breath in which its use is counted, so an edit made in any process
holds from the next render on. There is no cache of texts to invalidate; what is kept is the compiled form, by the text
itself, in the worker process of the sandbox. Files are only the seed that an import brings into the database.

Variables of the four writing nodes and the four gates (``adaptation``, ``concept-extraction``, ``cultural-research``,
``eval-*``): all of them are given at every render, those that do not exist yet as empty strings.

- ``target_name``, ``target_code``, ``target_language`` (BCP-47), ``target_language_name``: texts
- ``market_rules``, ``brand_guidelines``: Markdown
- ``origin_json``, ``concept_brief_json``, ``cultural_brief_json``, ``draft_json``, ``feedback_json``,
  ``brand_rules_json``, ``time_budget_json``: JSON as text
- ``row_count``: whole number; ``creativity``: 0 to 1

``audience-insights``: ``video_analysis_json``. ``prompt-enhancer-system`` and ``prompt-enhancer-user``: ``prompt``,
``style``, ``creativity``, ``trigger_words`` (list), ``model_family``, ``supports_negative_prompt``, ``max_words``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from creative_lab.language.errors import TemplateError
from creative_lab.language.sandbox import Sandbox, shared_sandbox
from creative_lab.settings import Settings
from creative_lab.state.db import session_scope
from creative_lab.state.models import PromptTemplate


@dataclass(frozen=True)
class TemplateVersion:
    """One version of a template as people see it."""

    slug: str
    version: int
    name: str
    category: str
    description: str
    template: str
    expected_variables: Mapping[str, Any]
    is_active: bool
    usage_count: int
    last_used_at: datetime | None


@dataclass(frozen=True)
class RenderedPrompt:
    """A rendered template and the version that it came from."""

    text: str
    slug: str
    version: int


class TemplateStore:
    """The prompt templates of one lab. Safe to share between threads and processes."""

    def __init__(self, settings: Settings, *, sandbox: Sandbox | None = None) -> None:
        self._settings = settings
        self._sandbox = sandbox or shared_sandbox()

    def render(self, slug: str, values: Mapping[str, Any]) -> str:
        """The active version of ``slug`` with ``values``; counts the use.

        Raises :class:`TemplateError` for an unknown slug, a missing value and a template that reaches its limits.
        """
        return self.render_version(slug, values).text

    def render_version(self, slug: str, values: Mapping[str, Any]) -> RenderedPrompt:
        """Like :meth:`render`, and says which version it was."""
        with session_scope(self._settings) as session:
            found = session.execute(
                select(PromptTemplate.id, PromptTemplate.version, PromptTemplate.template).where(
                    PromptTemplate.slug == slug, PromptTemplate.is_active
                )
            ).one_or_none()
        if found is None:
            raise TemplateError(f"there is no active prompt template {slug!r}; import the reference data first")
        try:
            rendered = self._sandbox.render(found.template, values)
        except TemplateError as error:
            raise TemplateError(f"prompt template {slug} version {found.version}: {error}", error.line) from None
        with session_scope(self._settings) as session:
            # One statement, so that uses at the same moment all count; being used is not an edit.
            session.execute(
                update(PromptTemplate)
                .where(PromptTemplate.id == found.id)
                .values(
                    usage_count=PromptTemplate.usage_count + 1,
                    last_used_at=func.now(),
                    updated_at=PromptTemplate.updated_at,
                )
            )
        return RenderedPrompt(rendered, slug, found.version)

    def save(
        self,
        slug: str,
        template: str,
        *,
        name: str | None = None,
        category: str | None = None,
        description: str | None = None,
        expected_variables: Mapping[str, Any] | None = None,
    ) -> TemplateVersion:
        """Make ``template`` the active version of ``slug``; what is not given is taken from the former version.

        A template with a mistake is refused with its line, and nothing is saved. Saving what is already active changes
        nothing. A new slug needs ``name`` and ``category``.
        """
        self._sandbox.check(template)
        with session_scope(self._settings) as session:
            _one_editor(session, slug)
            latest = session.scalars(_versions(slug).limit(1)).first()
            active = session.scalars(_versions(slug).where(PromptTemplate.is_active)).first()
            former = active or latest
            if former is None and (name is None or category is None):
                raise TemplateError(f"{slug!r} is a new prompt template: it needs a name and a category")
            fields: dict[str, Any] = {
                "template": template,
                "name": _first(name, former and former.name),
                "category": _first(category, former and former.category),
                "description": _first(description, former and former.description, ""),
                "expected_variables": dict(_first(expected_variables, former and former.expected_variables, {})),
            }
            if active is not None and all(getattr(active, field) == value for field, value in fields.items()):
                return _shown(active)
            _deactivate(session, slug)
            made = PromptTemplate(slug=slug, version=(latest.version if latest else 0) + 1, is_active=True, **fields)
            session.add(made)
            session.flush()
            session.refresh(made)
            return _shown(made)

    def activate(self, slug: str, version: int) -> TemplateVersion:
        """Make ``version`` the active one again (rollback)."""
        with session_scope(self._settings) as session:
            _one_editor(session, slug)
            chosen = session.scalars(_versions(slug).where(PromptTemplate.version == version)).first()
            if chosen is None:
                raise TemplateError(f"there is no version {version} of the prompt template {slug!r}")
            # Text may have come by import, which checks less than a save.
            self._sandbox.check(chosen.template)
            if not chosen.is_active:
                _deactivate(session, slug)
                session.refresh(chosen)
                chosen.is_active = True
                session.flush()
            return _shown(chosen)

    def history(self, slug: str) -> list[TemplateVersion]:
        """All versions of ``slug``, the newest first; empty for an unknown slug."""
        with session_scope(self._settings) as session:
            return [_shown(row) for row in session.scalars(_versions(slug))]


def _versions(slug: str) -> Any:
    return select(PromptTemplate).where(PromptTemplate.slug == slug).order_by(PromptTemplate.version.desc())


def _one_editor(session: Session, slug: str) -> None:
    """Wait for other editors of ``slug``; the lock ends with the transaction."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"prompt_template:{slug}"})


def _deactivate(session: Session, slug: str) -> None:
    session.execute(
        update(PromptTemplate).where(PromptTemplate.slug == slug, PromptTemplate.is_active).values(is_active=False)
    )


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _shown(row: PromptTemplate) -> TemplateVersion:
    return TemplateVersion(
        slug=row.slug,
        version=row.version,
        name=row.name,
        category=row.category,
        description=row.description,
        template=row.template,
        expected_variables=dict(row.expected_variables),
        is_active=row.is_active,
        usage_count=row.usage_count,
        last_used_at=row.last_used_at,
    )
