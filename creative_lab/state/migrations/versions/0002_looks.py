"""The wardrobe: designers, colourways, garments, outfit templates, vocabulary, Control settings, prompt ids."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""


def downgrade() -> None:
    """Undo this revision."""
