"""The wardrobe: designers, colourways, garments, outfit templates, vocabulary, Control settings, prompt ids."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.drop_constraint(op.f('ck_prompt_templates_category_known'), 'prompt_templates', schema='creative_lab')
    op.create_check_constraint(
        op.f('ck_prompt_templates_category_known'),
        'prompt_templates',
        "category IN ('adaptation', 'enhancement', 'concept', 'evaluation', 'looks')",
        schema='creative_lab',
    )
    op.create_table('brand_vocabulary',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('word', sa.String(length=60), nullable=False),
    sa.Column('substitute', sa.String(length=100), nullable=True, comment='Null where only a new text helps'),
    sa.Column('note', sa.Text(), server_default='', nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("word ~ '\\S'", name=op.f('ck_brand_vocabulary_word_not_blank')),
    sa.CheckConstraint('substitute <> word', name=op.f('ck_brand_vocabulary_substitute_differs')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_brand_vocabulary')),
    sa.UniqueConstraint('word', name=op.f('uq_brand_vocabulary_word')),
    schema='creative_lab'
    )
    op.create_table('colourways',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('mood', sa.Text(), server_default='', nullable=False),
    sa.Column('colours', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False, comment='List of {name, cloth}, the leading colour first'),
    sa.Column('seasons', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False, comment='Seasons in which it is dealt'),
    sa.Column('target_pct', sa.Double(), nullable=True, comment='Per cent of outfits that should have it (5 = 1 in 20); null leaves it to a fair share'),
    sa.Column('dial_locked', sa.Boolean(), server_default=sa.text('false'), nullable=False, comment='Whether only people may move the dial'),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("jsonb_typeof(colours) = 'array'", name=op.f('ck_colourways_colours_is_array')),
    sa.CheckConstraint("jsonb_typeof(seasons) = 'array'", name=op.f('ck_colourways_seasons_is_array')),
    sa.CheckConstraint("key ~ '^[a-z0-9][a-z0-9_-]{0,63}$'", name=op.f('ck_colourways_key_pattern')),
    sa.CheckConstraint("name ~ '\\S'", name=op.f('ck_colourways_name_not_blank')),
    sa.CheckConstraint('target_pct BETWEEN 0 AND 100', name=op.f('ck_colourways_target_pct_range')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_colourways')),
    sa.UniqueConstraint('key', name=op.f('uq_colourways_key')),
    sa.UniqueConstraint('name', name=op.f('uq_colourways_name')),
    schema='creative_lab'
    )
    op.create_table('designers',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('signature', sa.Text(), nullable=False, comment='How this designer works, in a sentence or two'),
    sa.Column('hero_categories', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False, comment='Garment categories that may be the hero of an outfit'),
    sa.Column('target_pct', sa.Double(), nullable=True, comment='Per cent of outfits that should have it (5 = 1 in 20); null leaves it to a fair share'),
    sa.Column('dial_locked', sa.Boolean(), server_default=sa.text('false'), nullable=False, comment='Whether only people may move the dial'),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("jsonb_typeof(hero_categories) = 'array'", name=op.f('ck_designers_hero_categories_is_array')),
    sa.CheckConstraint("key ~ '^[a-z0-9][a-z0-9_-]{0,63}$'", name=op.f('ck_designers_key_pattern')),
    sa.CheckConstraint("name ~ '\\S'", name=op.f('ck_designers_name_not_blank')),
    sa.CheckConstraint("signature ~ '\\S'", name=op.f('ck_designers_signature_not_blank')),
    sa.CheckConstraint('target_pct BETWEEN 0 AND 100', name=op.f('ck_designers_target_pct_range')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_designers')),
    sa.UniqueConstraint('key', name=op.f('uq_designers_key')),
    sa.UniqueConstraint('name', name=op.f('uq_designers_name')),
    schema='creative_lab'
    )
    op.create_table('garments',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('category', sa.String(length=40), nullable=False),
    sa.Column('cut', sa.String(length=40), nullable=False),
    sa.Column('pattern', sa.String(length=40), server_default='plain', nullable=False),
    sa.Column('silhouette_hint', sa.Text(), nullable=False, comment='The silhouette, which prompts repeat word for word'),
    sa.Column('fabric', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False, comment='Cloths that it is made in, the usual one first'),
    sa.Column('details', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False, comment='Details that belong to it'),
    sa.Column('colours', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False, comment='Cloth colours that it comes in'),
    sa.Column('seasons', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False, comment='Seasons in which it is worn'),
    sa.Column('target_pct', sa.Double(), nullable=True, comment='Per cent of outfits that should have it (5 = 1 in 20); null leaves it to a fair share'),
    sa.Column('dial_locked', sa.Boolean(), server_default=sa.text('false'), nullable=False, comment='Whether only people may move the dial'),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("category ~ '\\S'", name=op.f('ck_garments_category_not_blank')),
    sa.CheckConstraint("cut ~ '\\S'", name=op.f('ck_garments_cut_not_blank')),
    sa.CheckConstraint("jsonb_typeof(colours) = 'array'", name=op.f('ck_garments_colours_is_array')),
    sa.CheckConstraint("jsonb_typeof(details) = 'array'", name=op.f('ck_garments_details_is_array')),
    sa.CheckConstraint("jsonb_typeof(fabric) = 'array'", name=op.f('ck_garments_fabric_is_array')),
    sa.CheckConstraint("jsonb_typeof(seasons) = 'array'", name=op.f('ck_garments_seasons_is_array')),
    sa.CheckConstraint("key ~ '^[a-z0-9][a-z0-9_-]{0,63}$'", name=op.f('ck_garments_key_pattern')),
    sa.CheckConstraint("name ~ '\\S'", name=op.f('ck_garments_name_not_blank')),
    sa.CheckConstraint("pattern ~ '\\S'", name=op.f('ck_garments_pattern_not_blank')),
    sa.CheckConstraint("silhouette_hint ~ '\\S'", name=op.f('ck_garments_silhouette_hint_not_blank')),
    sa.CheckConstraint('target_pct BETWEEN 0 AND 100', name=op.f('ck_garments_target_pct_range')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_garments')),
    sa.UniqueConstraint('key', name=op.f('uq_garments_key')),
    sa.UniqueConstraint('name', name=op.f('uq_garments_name')),
    schema='creative_lab'
    )
    op.create_index(op.f('ix_garments_category'), 'garments', ['category'], unique=False, schema='creative_lab')
    op.create_table('look_batches',
    sa.Column('batch_id', sa.String(length=40), nullable=False),
    sa.Column('local_date', sa.Date(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('run_id', sa.String(length=64), nullable=False),
    sa.Column('dealt', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('exhausted', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('policy_version', sa.String(length=40), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('number >= 1', name=op.f('ck_look_batches_number_positive')),
    sa.PrimaryKeyConstraint('batch_id', name=op.f('pk_look_batches')),
    sa.UniqueConstraint('local_date', 'number', name=op.f('uq_look_batches_local_date_number')),
    schema='creative_lab'
    )
    op.create_table('look_control',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('looks_per_day', sa.Integer(), server_default=sa.text('6'), nullable=False),
    sa.Column('schedule_hour', sa.Integer(), server_default=sa.text('6'), nullable=False, comment='Local hour of the batch'),
    sa.Column('hemisphere', sa.String(length=5), server_default='north', nullable=False),
    sa.Column('image_model', sa.String(length=200), nullable=True, comment="Slug of data/presets.json that draws; null takes the profile's"),
    sa.Column('prompt_model', sa.String(length=200), server_default='gemini/gemini-2.5-flash', nullable=False),
    sa.Column('dedup_window', sa.Integer(), server_default=sa.text('200'), nullable=False),
    sa.Column('deal_tries', sa.Integer(), server_default=sa.text('40'), nullable=False, comment='Draws before a guard is relaxed'),
    sa.Column('stale_front', sa.Double(), server_default=sa.text('0.5'), nullable=False, comment='Share of a pool, longest unused first, that is dealt from'),
    sa.Column('share_window', sa.Integer(), server_default=sa.text('900'), nullable=False, comment='Newest outfits over which shares are measured'),
    sa.Column('innovation_rate', sa.Double(), server_default=sa.text('0.15'), nullable=False),
    sa.Column('vocabulary_share', sa.Double(), server_default=sa.text('0.5'), nullable=False),
    sa.Column('recompose_limit', sa.Integer(), server_default=sa.text('2'), nullable=False),
    sa.Column('words_least', sa.Integer(), server_default=sa.text('150'), nullable=False),
    sa.Column('words_most', sa.Integer(), server_default=sa.text('250'), nullable=False),
    sa.Column('negative_cap', sa.Integer(), server_default=sa.text('12'), nullable=False),
    sa.Column('negative_words', sa.Integer(), server_default=sa.text('5'), nullable=False),
    sa.Column('prompt_token_limit', sa.Integer(), server_default=sa.text('480'), nullable=False, comment="Tokens of the image model's prompt, suffix included"),
    sa.Column('render_tries', sa.Integer(), server_default=sa.text('3'), nullable=False),
    sa.Column('segment_tries', sa.Integer(), server_default=sa.text('5'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("hemisphere IN ('north', 'south')", name=op.f('ck_look_control_hemisphere_known')),
    sa.CheckConstraint("prompt_model ~ '\\S'", name=op.f('ck_look_control_prompt_model_not_blank')),
    sa.CheckConstraint('deal_tries BETWEEN 1 AND 1000', name=op.f('ck_look_control_deal_tries_range')),
    sa.CheckConstraint('dedup_window BETWEEN 1 AND 100000', name=op.f('ck_look_control_dedup_window_range')),
    sa.CheckConstraint('id = 1', name=op.f('ck_look_control_singleton')),
    sa.CheckConstraint('innovation_rate BETWEEN 0 AND 1', name=op.f('ck_look_control_innovation_rate_share')),
    sa.CheckConstraint('looks_per_day BETWEEN 1 AND 5000', name=op.f('ck_look_control_looks_per_day_range')),
    sa.CheckConstraint('negative_cap BETWEEN 0 AND 50', name=op.f('ck_look_control_negative_cap_range')),
    sa.CheckConstraint('negative_words BETWEEN 1 AND 10', name=op.f('ck_look_control_negative_words_range')),
    sa.CheckConstraint('prompt_token_limit BETWEEN 100 AND 100000', name=op.f('ck_look_control_prompt_token_limit_range')),
    sa.CheckConstraint('recompose_limit BETWEEN 0 AND 10', name=op.f('ck_look_control_recompose_limit_range')),
    sa.CheckConstraint('render_tries BETWEEN 1 AND 10', name=op.f('ck_look_control_render_tries_range')),
    sa.CheckConstraint('schedule_hour BETWEEN 0 AND 23', name=op.f('ck_look_control_schedule_hour_range')),
    sa.CheckConstraint('segment_tries BETWEEN 1 AND 20', name=op.f('ck_look_control_segment_tries_range')),
    sa.CheckConstraint('share_window BETWEEN 1 AND 100000', name=op.f('ck_look_control_share_window_range')),
    sa.CheckConstraint('stale_front BETWEEN 0 AND 1', name=op.f('ck_look_control_stale_front_share')),
    sa.CheckConstraint('vocabulary_share BETWEEN 0 AND 1', name=op.f('ck_look_control_vocabulary_share_share')),
    sa.CheckConstraint('words_least >= 1 AND words_least < words_most', name=op.f('ck_look_control_words_ordered')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_look_control')),
    schema='creative_lab'
    )
    op.create_table('look_scenes',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('opening', sa.Text(), nullable=False),
    sa.Column('closing', sa.Text(), nullable=False),
    sa.Column('invariants', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False, comment='backdrop, spacing, frame, length, model_count: the words of the scene that say so'),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("closing ~ '\\S'", name=op.f('ck_look_scenes_closing_not_blank')),
    sa.CheckConstraint("jsonb_typeof(invariants) = 'object'", name=op.f('ck_look_scenes_invariants_is_object')),
    sa.CheckConstraint("key ~ '^[a-z0-9][a-z0-9_-]{0,63}$'", name=op.f('ck_look_scenes_key_pattern')),
    sa.CheckConstraint("opening ~ '\\S'", name=op.f('ck_look_scenes_opening_not_blank')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_look_scenes')),
    sa.UniqueConstraint('key', name=op.f('uq_look_scenes_key')),
    schema='creative_lab'
    )
    op.create_index('uq_look_scenes_one_active', 'look_scenes', ['is_active'], unique=True, schema='creative_lab', postgresql_where=sa.text('is_active'))
    op.create_table('outfit_templates',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('hero_categories', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('slots', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False, comment='List of {slot, categories, chance}; chance is how often the slot is filled at all'),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("jsonb_typeof(hero_categories) = 'array'", name=op.f('ck_outfit_templates_hero_categories_is_array')),
    sa.CheckConstraint("jsonb_typeof(slots) = 'array'", name=op.f('ck_outfit_templates_slots_is_array')),
    sa.CheckConstraint("key ~ '^[a-z0-9][a-z0-9_-]{0,63}$'", name=op.f('ck_outfit_templates_key_pattern')),
    sa.CheckConstraint("name ~ '\\S'", name=op.f('ck_outfit_templates_name_not_blank')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outfit_templates')),
    sa.UniqueConstraint('key', name=op.f('uq_outfit_templates_key')),
    sa.UniqueConstraint('name', name=op.f('uq_outfit_templates_name')),
    schema='creative_lab'
    )
    op.create_table('look_prompt_ids',
    sa.Column('prompt_id', sa.String(length=40), nullable=False),
    sa.Column('local_date', sa.Date(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('batch_id', sa.String(length=40), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("prompt_id ~ '^P-[0-9]{4,}-[0-9]{8}$'", name=op.f('ck_look_prompt_ids_prompt_id_pattern')),
    sa.CheckConstraint('number >= 1', name=op.f('ck_look_prompt_ids_number_positive')),
    sa.ForeignKeyConstraint(['batch_id'], ['creative_lab.look_batches.batch_id'], name=op.f('fk_look_prompt_ids_batch_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('prompt_id', name=op.f('pk_look_prompt_ids')),
    sa.UniqueConstraint('local_date', 'number', name=op.f('uq_look_prompt_ids_local_date_number')),
    schema='creative_lab'
    )
    op.create_index(op.f('ix_look_prompt_ids_batch_id'), 'look_prompt_ids', ['batch_id'], unique=False, schema='creative_lab')


def downgrade() -> None:
    """Undo this revision."""
    op.drop_index(op.f('ix_look_prompt_ids_batch_id'), table_name='look_prompt_ids', schema='creative_lab')
    op.drop_table('look_prompt_ids', schema='creative_lab')
    op.drop_table('outfit_templates', schema='creative_lab')
    op.drop_index('uq_look_scenes_one_active', table_name='look_scenes', schema='creative_lab', postgresql_where=sa.text('is_active'))
    op.drop_table('look_scenes', schema='creative_lab')
    op.drop_table('look_control', schema='creative_lab')
    op.drop_table('look_batches', schema='creative_lab')
    op.drop_index(op.f('ix_garments_category'), table_name='garments', schema='creative_lab')
    op.drop_table('garments', schema='creative_lab')
    op.drop_table('designers', schema='creative_lab')
    op.drop_table('colourways', schema='creative_lab')
    op.drop_table('brand_vocabulary', schema='creative_lab')
    op.execute("DELETE FROM creative_lab.prompt_templates WHERE category = 'looks'")
    op.drop_constraint(op.f('ck_prompt_templates_category_known'), 'prompt_templates', schema='creative_lab')
    op.create_check_constraint(
        op.f('ck_prompt_templates_category_known'),
        'prompt_templates',
        "category IN ('adaptation', 'enhancement', 'concept', 'evaluation')",
        schema='creative_lab',
    )
