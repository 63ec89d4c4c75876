"""Prompt templates of storyboards."""

from __future__ import annotations

from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

_BEFORE = "category IN ('adaptation', 'enhancement', 'concept', 'evaluation', 'looks')"
_AFTER = "category IN ('adaptation', 'enhancement', 'concept', 'evaluation', 'looks', 'storyboards')"


def _allow(categories: str) -> None:
    name = op.f('ck_prompt_templates_category_known')
    op.drop_constraint(name, 'prompt_templates', schema='creative_lab')
    op.create_check_constraint(name, 'prompt_templates', categories, schema='creative_lab')


def upgrade() -> None:
    """Apply this revision."""
    _allow(_AFTER)


def downgrade() -> None:
    """Undo this revision."""
    op.execute("DELETE FROM creative_lab.prompt_templates WHERE category = 'storyboards'")
    _allow(_BEFORE)
