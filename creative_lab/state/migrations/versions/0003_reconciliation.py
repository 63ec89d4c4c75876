"""Claims of renders that are being segmented."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table('segmentation_claims',
    sa.Column('look_id', sa.String(length=64), nullable=False),
    sa.Column('render_no', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('day', sa.String(length=10), nullable=False, comment='Day of the look, YYYY-MM-DD'),
    sa.Column('rendered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False, comment='Attempts that failed'),
    sa.Column('outages', sa.Integer(), nullable=False, comment='Times in a row that work could not begin'),
    sa.Column('token', sa.BigInteger(), nullable=False, comment='Grows with every claim, so that a late holder is noticed'),
    sa.Column('owner', sa.String(length=200), server_default='', nullable=False),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('retry_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('released_by', sa.String(length=200), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(state = 'claimed') = (lease_until IS NOT NULL)", name=op.f('ck_segmentation_claims_a_claim_has_a_lease')),
    sa.CheckConstraint("look_id ~ '\\S'", name=op.f('ck_segmentation_claims_look_id_not_blank')),
    sa.CheckConstraint("state <> 'failed' OR reason <> ''", name=op.f('ck_segmentation_claims_failures_have_a_reason')),
    sa.CheckConstraint("state IN ('waiting', 'claimed', 'done', 'failed')", name=op.f('ck_segmentation_claims_state_known')),
    sa.CheckConstraint('attempts >= 0 AND outages >= 0 AND token >= 0', name=op.f('ck_segmentation_claims_counts_not_negative')),
    sa.PrimaryKeyConstraint('look_id', 'render_no', name=op.f('pk_segmentation_claims')),
    schema='creative_lab'
    )
    op.create_index(op.f('ix_segmentation_claims_state_day'), 'segmentation_claims', ['state', 'day'], unique=False, schema='creative_lab')


def downgrade() -> None:
    """Undo this revision."""
    op.drop_table('segmentation_claims', schema='creative_lab')
