"""Studies with people, and their answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    now = sa.text('now()')
    op.create_table(
        'studies',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('key', sa.String(length=64), nullable=False),
        sa.Column('seed', sa.Integer(), nullable=False),
        sa.Column('definition', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.CheckConstraint("key ~ '^[a-z0-9][a-z0-9_-]{0,63}$'", name=op.f('ck_studies_key_pattern')),
        sa.CheckConstraint("jsonb_typeof(definition) = 'object'", name=op.f('ck_studies_definition_is_object')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_studies')),
        sa.UniqueConstraint('key', name=op.f('uq_studies_key')),
        schema='creative_lab',
    )
    op.create_table(
        'study_answers',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('study_id', sa.BigInteger(), nullable=False),
        sa.Column('form', sa.String(length=40), nullable=False, comment='Which form was filled in, such as form-01'),
        sa.Column('rater', sa.String(length=100), nullable=False, comment='What the rater calls themselves'),
        sa.Column('position', sa.Integer(), nullable=False, comment='0-based place of the item in the form'),
        sa.Column('item', sa.String(length=40), nullable=False, comment='Opaque name of what was shown'),
        sa.Column('question', sa.String(length=40), nullable=False),
        sa.Column('answer', sa.String(length=40), nullable=False),
        sa.Column('note', sa.Text(), server_default='', nullable=False),
        sa.Column('seconds', sa.Float(), nullable=False, comment='Time from showing the item to its answers'),
        sa.Column('synthetic', sa.Boolean(), nullable=False,
                  comment='Whether a program answered, to test the analysis'),
        sa.Column('answered_at', sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rater ~ '\\S'", name=op.f('ck_study_answers_rater_not_blank')),
        sa.CheckConstraint('position >= 0', name=op.f('ck_study_answers_position_not_negative')),
        sa.CheckConstraint('seconds >= 0', name=op.f('ck_study_answers_seconds_not_negative')),
        sa.ForeignKeyConstraint(
            ['study_id'], ['creative_lab.studies.id'], name=op.f('fk_study_answers_study_id'),
            ondelete='CASCADE',
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_study_answers')),
        sa.UniqueConstraint(
            'study_id', 'form', 'position', 'question', name=op.f('uq_study_answers_study_id_form_position_question')
        ),
        schema='creative_lab',
    )


def downgrade() -> None:
    """Undo this revision."""
    op.drop_table('study_answers', schema='creative_lab')
    op.drop_table('studies', schema='creative_lab')
