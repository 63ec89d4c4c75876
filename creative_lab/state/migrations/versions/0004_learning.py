"""Grades of looks, vocabulary, kill phrases and dials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table('grades',
    sa.Column('grade_id', sa.String(length=40), nullable=False),
    sa.Column('item', sa.String(length=140), nullable=False, comment='look_id, or look_id/garment_id'),
    sa.Column('item_kind', sa.String(length=10), nullable=False),
    sa.Column('look_id', sa.String(length=64), nullable=False),
    sa.Column('render_no', sa.Integer(), nullable=True),
    sa.Column('garment_id', sa.String(length=64), nullable=True),
    sa.Column('instance', sa.Integer(), nullable=True, comment='Number of the mask in its picture'),
    sa.Column('score', sa.SmallInteger(), nullable=False),
    sa.Column('note', sa.Text(), server_default='', nullable=False),
    sa.Column('tags', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('grader', sa.String(length=200), nullable=False),
    sa.Column('sitting', sa.String(length=100), nullable=False, comment='A second sitting is a new opinion of the same grader'),
    sa.Column('graded_on', sa.Date(), nullable=False, comment='Local day of the grade; it acts from the next day on'),
    sa.Column('graded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(item_kind = 'garment') = (garment_id IS NOT NULL)", name=op.f('ck_grades_a_garment_is_named')),
    sa.CheckConstraint("grader ~ '\\S'", name=op.f('ck_grades_grader_not_blank')),
    sa.CheckConstraint("item_kind IN ('look', 'garment')", name=op.f('ck_grades_item_kind_known')),
    sa.CheckConstraint("jsonb_typeof(tags) = 'array'", name=op.f('ck_grades_tags_is_array')),
    sa.CheckConstraint("look_id ~ '\\S'", name=op.f('ck_grades_look_id_not_blank')),
    sa.CheckConstraint("sitting ~ '\\S'", name=op.f('ck_grades_sitting_not_blank')),
    sa.CheckConstraint('score BETWEEN 1 AND 5', name=op.f('ck_grades_score_range')),
    sa.PrimaryKeyConstraint('grade_id', name=op.f('pk_grades')),
    sa.UniqueConstraint('grader', 'item', 'sitting', name=op.f('uq_grades_grader_item_sitting')),
    schema='creative_lab'
    )
    op.create_index(op.f('ix_grades_graded_on'), 'grades', ['graded_on'], unique=False, schema='creative_lab')
    op.execute(
        """
        CREATE TRIGGER grades_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON creative_lab.grades
        FOR EACH STATEMENT EXECUTE FUNCTION creative_lab.refuse_change()
        """
    )
    op.create_table('kill_phrases',
    sa.Column('phrase', sa.String(length=100), nullable=False, comment='In lower case'),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('decided_by', sa.String(length=200), nullable=False),
    sa.Column('decided_on', sa.Date(), nullable=False, comment='Local day of the decision; it acts from the next day on'),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("decided_by ~ '\\S'", name=op.f('ck_kill_phrases_decided_by_not_blank')),
    sa.CheckConstraint("phrase ~ '^\\S+( \\S+){0,4}$'", name=op.f('ck_kill_phrases_at_most_five_words')),
    sa.CheckConstraint("status IN ('active', 'retired')", name=op.f('ck_kill_phrases_status_known')),
    sa.PrimaryKeyConstraint('phrase', name=op.f('pk_kill_phrases')),
    schema='creative_lab'
    )


def downgrade() -> None:
    """Undo this revision."""
    op.drop_table('kill_phrases', schema='creative_lab')
    op.drop_table('grades', schema='creative_lab')
