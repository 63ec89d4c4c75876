"""The first schema: markets, audiences, brands, spots, language, localisation, targets and approvals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table('approvals',
    sa.Column('number', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('subject_kind', sa.String(length=50), nullable=False, comment='What is decided about, such as adapted_script'),
    sa.Column('partition_key', sa.String(length=200), nullable=False),
    sa.Column('content_hash', sa.String(length=64), nullable=False, comment='SHA-256 of exactly what was looked at'),
    sa.Column('decision', sa.String(length=20), nullable=False),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('note', sa.Text(), server_default='', nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('prev_hash', sa.String(length=64), nullable=False),
    sa.Column('entry_hash', sa.String(length=64), nullable=False),
    sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name=op.f('ck_approvals_content_hash_pattern')),
    sa.CheckConstraint("decision IN ('approved', 'rejected', 'changes_requested', 'expired')", name=op.f('ck_approvals_decision_known')),
    sa.CheckConstraint("entry_hash ~ '^[0-9a-f]{64}$'", name=op.f('ck_approvals_entry_hash_pattern')),
    sa.CheckConstraint("partition_key ~ '\\S'", name=op.f('ck_approvals_partition_key_not_blank')),
    sa.CheckConstraint("prev_hash ~ '^[0-9a-f]{64}$'", name=op.f('ck_approvals_prev_hash_pattern')),
    sa.CheckConstraint("subject_kind ~ '\\S'", name=op.f('ck_approvals_subject_kind_not_blank')),
    sa.CheckConstraint("who ~ '\\S'", name=op.f('ck_approvals_who_not_blank')),
    sa.CheckConstraint('number >= 1', name=op.f('ck_approvals_number_positive')),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_approvals')),
    sa.UniqueConstraint('entry_hash', name=op.f('uq_approvals_entry_hash')),
    sa.UniqueConstraint('prev_hash', name=op.f('uq_approvals_prev_hash')),
    schema='creative_lab'
    )
    op.create_index(op.f('ix_approvals_subject_kind_partition_key_content_hash'), 'approvals', ['subject_kind', 'partition_key', 'content_hash'], unique=False, schema='creative_lab')
    op.create_table('brands',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.String(length=50), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('guidelines', sa.Text(), server_default='', nullable=False),
    sa.Column('category', sa.String(length=50), server_default='', nullable=False),
    sa.Column('do_not_translate', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('banned_words', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('required_words', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False, comment='List of {text, language}; language * means every language'),
    sa.Column('legal_lines', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='Country code to the legal line shown there, verbatim'),
    sa.Column('insights', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("code ~ '\\S'", name=op.f('ck_brands_code_not_blank')),
    sa.CheckConstraint("jsonb_typeof(banned_words) = 'array'", name=op.f('ck_brands_banned_words_is_array')),
    sa.CheckConstraint("jsonb_typeof(do_not_translate) = 'array'", name=op.f('ck_brands_do_not_translate_is_array')),
    sa.CheckConstraint("jsonb_typeof(legal_lines) = 'object'", name=op.f('ck_brands_legal_lines_is_object')),
    sa.CheckConstraint("jsonb_typeof(required_words) = 'array'", name=op.f('ck_brands_required_words_is_array')),
    sa.CheckConstraint("name ~ '\\S'", name=op.f('ck_brands_name_not_blank')),
    sa.CheckConstraint('jsonb_typeof(insights) = \'array\' AND NOT jsonb_path_exists(insights, \'strict $[*] ? (@.type() != "object")\', \'{}\', true) AND NOT jsonb_path_exists(insights, \'$[*] ? (!(@.heading.type() == "string" && @.points.type() == "array"))\') AND NOT jsonb_path_exists(insights, \'strict $[*].points[*] ? (@.type() != "string")\', \'{}\', true)', name=op.f('ck_brands_insights_shape')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_brands')),
    sa.UniqueConstraint('code', name=op.f('uq_brands_code')),
    schema='creative_lab'
    )
    op.create_table('dynamic_definitions',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('definition', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("jsonb_typeof(definition) = 'object'", name=op.f('ck_dynamic_definitions_definition_is_object')),
    sa.CheckConstraint("key ~ '^[a-z0-9][a-z0-9_-]{0,63}$'", name=op.f('ck_dynamic_definitions_key_pattern')),
    sa.CheckConstraint("kind ~ '^[a-z][a-z_]{0,39}$'", name=op.f('ck_dynamic_definitions_kind_pattern')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dynamic_definitions')),
    sa.UniqueConstraint('kind', 'key', name=op.f('uq_dynamic_definitions_kind_key')),
    schema='creative_lab'
    )
    op.create_table('equivalents',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('concept', sa.String(length=100), nullable=False),
    sa.Column('forms', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False, comment='Country code to names; the first is the one to write'),
    sa.Column('note', sa.Text(), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("concept ~ '\\S'", name=op.f('ck_equivalents_concept_not_blank')),
    sa.CheckConstraint("jsonb_typeof(forms) = 'object'", name=op.f('ck_equivalents_forms_is_object')),
    sa.CheckConstraint("kind IN ('vocabulary', 'holiday', 'sport', 'institution', 'food', 'given_name', 'family_name', 'place', 'school', 'season')", name=op.f('ck_equivalents_kind_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_equivalents')),
    sa.UniqueConstraint('kind', 'concept', name=op.f('uq_equivalents_kind_concept')),
    schema='creative_lab'
    )
    op.create_table('llm_models',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('model_id', sa.String(length=200), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('notes', sa.Text(), server_default='', nullable=False),
    sa.Column('load_in_4bit', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.CheckConstraint("model_id ~ '\\S'", name=op.f('ck_llm_models_model_id_not_blank')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_llm_models')),
    sa.UniqueConstraint('model_id', name=op.f('uq_llm_models_model_id')),
    schema='creative_lab'
    )
    op.create_table('prompt_templates',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('slug', sa.String(length=100), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('category', sa.String(length=20), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('template', sa.Text(), nullable=False),
    sa.Column('expected_variables', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('usage_count', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("category IN ('adaptation', 'enhancement', 'concept', 'evaluation')", name=op.f('ck_prompt_templates_category_known')),
    sa.CheckConstraint("jsonb_typeof(expected_variables) = 'object'", name=op.f('ck_prompt_templates_expected_variables_is_object')),
    sa.CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]*$'", name=op.f('ck_prompt_templates_slug_pattern')),
    sa.CheckConstraint('usage_count >= 0', name=op.f('ck_prompt_templates_usage_count_not_negative')),
    sa.CheckConstraint('version >= 1', name=op.f('ck_prompt_templates_version_positive')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_prompt_templates')),
    sa.UniqueConstraint('slug', 'version', name=op.f('uq_prompt_templates_slug_version')),
    schema='creative_lab'
    )
    op.create_index('uq_prompt_templates_active_slug', 'prompt_templates', ['slug'], unique=True, schema='creative_lab', postgresql_where=sa.text('is_active'))
    op.create_table('regions',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('insights', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("code ~ '\\S'", name=op.f('ck_regions_code_not_blank')),
    sa.CheckConstraint("name ~ '\\S'", name=op.f('ck_regions_name_not_blank')),
    sa.CheckConstraint('jsonb_typeof(insights) = \'array\' AND NOT jsonb_path_exists(insights, \'strict $[*] ? (@.type() != "object")\', \'{}\', true) AND NOT jsonb_path_exists(insights, \'$[*] ? (!(@.heading.type() == "string" && @.points.type() == "array"))\') AND NOT jsonb_path_exists(insights, \'strict $[*].points[*] ? (@.type() != "string")\', \'{}\', true)', name=op.f('ck_regions_insights_shape')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_regions')),
    sa.UniqueConstraint('code', name=op.f('uq_regions_code')),
    schema='creative_lab'
    )
    op.create_table('segments',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('category', sa.String(length=20), nullable=False),
    sa.Column('vector', sa.String(length=100), nullable=False),
    sa.Column('value', sa.String(length=100), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('insights', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("category IN ('DEMOGRAPHIC', 'BEHAVIORAL', 'PSYCHOGRAPHIC')", name=op.f('ck_segments_category_known')),
    sa.CheckConstraint("value ~ '\\S'", name=op.f('ck_segments_value_not_blank')),
    sa.CheckConstraint("vector ~ '\\S'", name=op.f('ck_segments_vector_not_blank')),
    sa.CheckConstraint('jsonb_typeof(insights) = \'array\' AND NOT jsonb_path_exists(insights, \'strict $[*] ? (@.type() != "object")\', \'{}\', true) AND NOT jsonb_path_exists(insights, \'$[*] ? (!(@.heading.type() == "string" && @.points.type() == "array"))\') AND NOT jsonb_path_exists(insights, \'strict $[*].points[*] ? (@.type() != "string")\', \'{}\', true)', name=op.f('ck_segments_insights_shape')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_segments')),
    sa.UniqueConstraint('category', 'vector', 'value', name=op.f('uq_segments_category_vector_value')),
    schema='creative_lab'
    )
    op.create_table('spellings',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('american', sa.String(length=100), nullable=False),
    sa.Column('british', sa.String(length=100), nullable=False),
    sa.Column('canadian', sa.String(length=100), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("american ~ '\\S'", name=op.f('ck_spellings_american_not_blank')),
    sa.CheckConstraint("british ~ '\\S'", name=op.f('ck_spellings_british_not_blank')),
    sa.CheckConstraint("canadian ~ '\\S'", name=op.f('ck_spellings_canadian_not_blank')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_spellings')),
    sa.UniqueConstraint('american', name=op.f('uq_spellings_american')),
    schema='creative_lab'
    )
    op.create_table('campaigns',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('job_id', sa.String(length=100), nullable=False),
    sa.Column('spot_key', sa.String(length=64), nullable=False),
    sa.Column('script_title', sa.String(length=200), nullable=False),
    sa.Column('client_name', sa.String(length=200), nullable=False),
    sa.Column('product_name', sa.String(length=200), server_default='', nullable=False),
    sa.Column('brand_name', sa.String(length=200), server_default='', nullable=False, comment='As the script names it, when no brand is known by it'),
    sa.Column('brand_id', sa.BigInteger(), nullable=True),
    sa.Column('original_script_data', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("spot_key ~ '^[a-z0-9][a-z0-9_-]{0,63}$'", name=op.f('ck_campaigns_spot_key_pattern')),
    sa.ForeignKeyConstraint(['brand_id'], ['creative_lab.brands.id'], name=op.f('fk_campaigns_brand_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_campaigns')),
    sa.UniqueConstraint('job_id', name=op.f('uq_campaigns_job_id')),
    sa.UniqueConstraint('spot_key', name=op.f('uq_campaigns_spot_key')),
    schema='creative_lab'
    )
    op.create_table('languages',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.String(length=10), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('base_language', sa.String(length=10), nullable=False),
    sa.Column('primary_model_id', sa.BigInteger(), nullable=False),
    sa.Column('notes', sa.Text(), server_default='', nullable=False),
    sa.Column('insights', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("code ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'", name=op.f('ck_languages_code_pattern')),
    sa.CheckConstraint("name ~ '\\S'", name=op.f('ck_languages_name_not_blank')),
    sa.CheckConstraint('jsonb_typeof(insights) = \'array\' AND NOT jsonb_path_exists(insights, \'strict $[*] ? (@.type() != "object")\', \'{}\', true) AND NOT jsonb_path_exists(insights, \'$[*] ? (!(@.heading.type() == "string" && @.points.type() == "array"))\') AND NOT jsonb_path_exists(insights, \'strict $[*].points[*] ? (@.type() != "string")\', \'{}\', true)', name=op.f('ck_languages_insights_shape')),
    sa.ForeignKeyConstraint(['primary_model_id'], ['creative_lab.llm_models.id'], name=op.f('fk_languages_primary_model_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_languages')),
    sa.UniqueConstraint('code', name=op.f('uq_languages_code')),
    schema='creative_lab'
    )
    op.create_index(op.f('ix_languages_base_language_is_active'), 'languages', ['base_language', 'is_active'], unique=False, schema='creative_lab')
    op.create_table('pipeline_settings',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('global_default_model_id', sa.BigInteger(), nullable=True),
    sa.Column('concept_default_model_id', sa.BigInteger(), nullable=True),
    sa.Column('culture_default_model_id', sa.BigInteger(), nullable=True),
    sa.Column('format_gate_default_model_id', sa.BigInteger(), nullable=True),
    sa.Column('culture_gate_default_model_id', sa.BigInteger(), nullable=True),
    sa.Column('concept_gate_default_model_id', sa.BigInteger(), nullable=True),
    sa.Column('brand_gate_default_model_id', sa.BigInteger(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_pipeline_settings_singleton')),
    sa.ForeignKeyConstraint(['brand_gate_default_model_id'], ['creative_lab.llm_models.id'], name=op.f('fk_pipeline_settings_brand_gate_default_model_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['concept_default_model_id'], ['creative_lab.llm_models.id'], name=op.f('fk_pipeline_settings_concept_default_model_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['concept_gate_default_model_id'], ['creative_lab.llm_models.id'], name=op.f('fk_pipeline_settings_concept_gate_default_model_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['culture_default_model_id'], ['creative_lab.llm_models.id'], name=op.f('fk_pipeline_settings_culture_default_model_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['culture_gate_default_model_id'], ['creative_lab.llm_models.id'], name=op.f('fk_pipeline_settings_culture_gate_default_model_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['format_gate_default_model_id'], ['creative_lab.llm_models.id'], name=op.f('fk_pipeline_settings_format_gate_default_model_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['global_default_model_id'], ['creative_lab.llm_models.id'], name=op.f('fk_pipeline_settings_global_default_model_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pipeline_settings')),
    schema='creative_lab'
    )
    op.create_table('countries',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.String(length=2), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('default_language_id', sa.BigInteger(), nullable=True),
    sa.Column('notes', sa.Text(), server_default='', nullable=False),
    sa.Column('insights', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("code ~ '^[A-Z]{2}$'", name=op.f('ck_countries_code_pattern')),
    sa.CheckConstraint("name ~ '\\S'", name=op.f('ck_countries_name_not_blank')),
    sa.CheckConstraint('jsonb_typeof(insights) = \'array\' AND NOT jsonb_path_exists(insights, \'strict $[*] ? (@.type() != "object")\', \'{}\', true) AND NOT jsonb_path_exists(insights, \'$[*] ? (!(@.heading.type() == "string" && @.points.type() == "array"))\') AND NOT jsonb_path_exists(insights, \'strict $[*].points[*] ? (@.type() != "string")\', \'{}\', true)', name=op.f('ck_countries_insights_shape')),
    sa.ForeignKeyConstraint(['default_language_id'], ['creative_lab.languages.id'], name=op.f('fk_countries_default_language_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_countries')),
    sa.UniqueConstraint('code', name=op.f('uq_countries_code')),
    schema='creative_lab'
    )
    op.create_table('language_alternative_models',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('language_id', sa.BigInteger(), nullable=False),
    sa.Column('llm_model_id', sa.BigInteger(), nullable=False),
    sa.Column('order_index', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint('order_index >= 0', name=op.f('ck_language_alternative_models_order_index_not_negative')),
    sa.ForeignKeyConstraint(['language_id'], ['creative_lab.languages.id'], name=op.f('fk_language_alternative_models_language_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['llm_model_id'], ['creative_lab.llm_models.id'], name=op.f('fk_language_alternative_models_llm_model_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_language_alternative_models')),
    sa.UniqueConstraint('language_id', 'llm_model_id', name=op.f('uq_language_alternative_models_language_id_llm_model_id')),
    schema='creative_lab'
    )
    op.create_table('country_languages',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('country_id', sa.BigInteger(), nullable=False),
    sa.Column('language_id', sa.BigInteger(), nullable=False),
    sa.Column('is_primary', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.ForeignKeyConstraint(['country_id'], ['creative_lab.countries.id'], name=op.f('fk_country_languages_country_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['language_id'], ['creative_lab.languages.id'], name=op.f('fk_country_languages_language_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_country_languages')),
    sa.UniqueConstraint('country_id', 'language_id', name=op.f('uq_country_languages_country_id_language_id')),
    schema='creative_lab'
    )
    op.create_index(op.f('ix_country_languages_language_id'), 'country_languages', ['language_id'], unique=False, schema='creative_lab')
    op.create_table('country_regions',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('country_id', sa.BigInteger(), nullable=False),
    sa.Column('region_id', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['country_id'], ['creative_lab.countries.id'], name=op.f('fk_country_regions_country_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['region_id'], ['creative_lab.regions.id'], name=op.f('fk_country_regions_region_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_country_regions')),
    sa.UniqueConstraint('country_id', 'region_id', name=op.f('uq_country_regions_country_id_region_id')),
    schema='creative_lab'
    )
    op.create_index(op.f('ix_country_regions_region_id'), 'country_regions', ['region_id'], unique=False, schema='creative_lab')
    op.create_table('market_packs',
    sa.Column('country_code', sa.String(length=2), nullable=False),
    sa.Column('pack', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("jsonb_typeof(pack) = 'object'", name=op.f('ck_market_packs_pack_is_object')),
    sa.ForeignKeyConstraint(['country_code'], ['creative_lab.countries.code'], name=op.f('fk_market_packs_country_code'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('country_code', name=op.f('pk_market_packs')),
    schema='creative_lab'
    )
    op.create_table('personas',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('region_id', sa.BigInteger(), nullable=True),
    sa.Column('country_id', sa.BigInteger(), nullable=True),
    sa.Column('language_id', sa.BigInteger(), nullable=True),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("name ~ '\\S'", name=op.f('ck_personas_name_not_blank')),
    sa.ForeignKeyConstraint(['country_id'], ['creative_lab.countries.id'], name=op.f('fk_personas_country_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['language_id'], ['creative_lab.languages.id'], name=op.f('fk_personas_language_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['region_id'], ['creative_lab.regions.id'], name=op.f('fk_personas_region_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_personas')),
    sa.UniqueConstraint('name', name=op.f('uq_personas_name')),
    schema='creative_lab'
    )
    op.create_table('wvs_profiles',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('country_id', sa.BigInteger(), nullable=False),
    sa.Column('wave', sa.Integer(), nullable=False),
    sa.Column('traditional_secular', sa.Double(), nullable=True),
    sa.Column('survival_self_expression', sa.Double(), nullable=True),
    sa.Column('interpersonal_trust', sa.Double(), nullable=True),
    sa.Column('tolerance', sa.Double(), nullable=True),
    sa.Column('gender_equality', sa.Double(), nullable=True),
    sa.Column('civic_participation', sa.Double(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('civic_participation BETWEEN 0 AND 1', name=op.f('ck_wvs_profiles_civic_participation_range')),
    sa.CheckConstraint('gender_equality BETWEEN 0 AND 1', name=op.f('ck_wvs_profiles_gender_equality_range')),
    sa.CheckConstraint('interpersonal_trust BETWEEN 0 AND 1', name=op.f('ck_wvs_profiles_interpersonal_trust_range')),
    sa.CheckConstraint('survival_self_expression BETWEEN -5 AND 5', name=op.f('ck_wvs_profiles_survival_self_expression_range')),
    sa.CheckConstraint('tolerance BETWEEN 0 AND 1', name=op.f('ck_wvs_profiles_tolerance_range')),
    sa.CheckConstraint('traditional_secular BETWEEN -5 AND 5', name=op.f('ck_wvs_profiles_traditional_secular_range')),
    sa.CheckConstraint('wave BETWEEN 1 AND 20', name=op.f('ck_wvs_profiles_wave_range')),
    sa.ForeignKeyConstraint(['country_id'], ['creative_lab.countries.id'], name=op.f('fk_wvs_profiles_country_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_wvs_profiles')),
    sa.UniqueConstraint('country_id', name=op.f('uq_wvs_profiles_country_id')),
    schema='creative_lab'
    )
    op.create_table('persona_segments',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('persona_id', sa.BigInteger(), nullable=False),
    sa.Column('segment_id', sa.BigInteger(), nullable=False),
    sa.Column('order_index', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.ForeignKeyConstraint(['persona_id'], ['creative_lab.personas.id'], name=op.f('fk_persona_segments_persona_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['segment_id'], ['creative_lab.segments.id'], name=op.f('fk_persona_segments_segment_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_persona_segments')),
    sa.UniqueConstraint('persona_id', 'segment_id', name=op.f('uq_persona_segments_persona_id_segment_id')),
    schema='creative_lab'
    )
    op.create_index(op.f('ix_persona_segments_segment_id'), 'persona_segments', ['segment_id'], unique=False, schema='creative_lab')
    op.create_table('targets',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('persona_id', sa.BigInteger(), nullable=True),
    sa.Column('region_id', sa.BigInteger(), nullable=True),
    sa.Column('country_id', sa.BigInteger(), nullable=True),
    sa.Column('language_id', sa.BigInteger(), nullable=True),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("code ~ '^[a-z0-9][a-z0-9_-]{0,63}$'", name=op.f('ck_targets_code_pattern')),
    sa.CheckConstraint("name ~ '\\S'", name=op.f('ck_targets_name_not_blank')),
    sa.CheckConstraint('num_nonnulls(persona_id, country_id, language_id) >= 1', name=op.f('ck_targets_aims_at_something')),
    sa.ForeignKeyConstraint(['country_id'], ['creative_lab.countries.id'], name=op.f('fk_targets_country_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['language_id'], ['creative_lab.languages.id'], name=op.f('fk_targets_language_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['persona_id'], ['creative_lab.personas.id'], name=op.f('fk_targets_persona_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['region_id'], ['creative_lab.regions.id'], name=op.f('fk_targets_region_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_targets')),
    sa.UniqueConstraint('code', name=op.f('uq_targets_code')),
    schema='creative_lab'
    )
    op.create_table('ad_units',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('campaign_id', sa.BigInteger(), nullable=False),
    sa.Column('source_ad_unit_id', sa.BigInteger(), nullable=True),
    sa.Column('target_id', sa.BigInteger(), nullable=True),
    sa.Column('ad_unit_type', sa.String(length=10), server_default='VIDEO', nullable=False),
    sa.Column('origin_or_adaptation', sa.String(length=10), nullable=False),
    sa.Column('code', sa.String(length=50), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('persona_id', sa.BigInteger(), nullable=True),
    sa.Column('region_id', sa.BigInteger(), nullable=True),
    sa.Column('country_id', sa.BigInteger(), nullable=True),
    sa.Column('language_id', sa.BigInteger(), nullable=True),
    sa.Column('llm_model_id', sa.BigInteger(), nullable=True),
    sa.Column('brand_id', sa.BigInteger(), nullable=True),
    sa.Column('use_pipeline', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('concept_brief', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('cultural_brief', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('evaluation_history', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('pipeline_metadata', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('pipeline_model_config', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='Node to model_id'),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('run_id', sa.String(length=64), nullable=True, comment='Run that works on the unit'),
    sa.Column('error_message', sa.Text(), server_default='', nullable=False),
    sa.Column('duration', sa.Numeric(precision=8, scale=3), nullable=True, comment='Runtime of a video unit in seconds'),
    sa.Column('visual_style_prompt', sa.Text(), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(origin_or_adaptation = 'ORIGIN') = (source_ad_unit_id IS NULL)", name=op.f('ck_ad_units_only_adaptations_have_a_source')),
    sa.CheckConstraint("ad_unit_type IN ('VIDEO', 'AUDIO', 'PRINT')", name=op.f('ck_ad_units_ad_unit_type_known')),
    sa.CheckConstraint("jsonb_typeof(evaluation_history) = 'array'", name=op.f('ck_ad_units_evaluation_history_is_array')),
    sa.CheckConstraint("jsonb_typeof(pipeline_metadata) = 'object'", name=op.f('ck_ad_units_pipeline_metadata_is_object')),
    sa.CheckConstraint("jsonb_typeof(pipeline_model_config) = 'object'", name=op.f('ck_ad_units_pipeline_model_config_is_object')),
    sa.CheckConstraint("origin_or_adaptation IN ('ORIGIN', 'ADAPTATION')", name=op.f('ck_ad_units_origin_or_adaptation_known')),
    sa.CheckConstraint("status IN ('pending', 'processing', 'concept_analysis', 'cultural_analysis', 'writing', 'revising', 'format_evaluation', 'cultural_evaluation', 'concept_evaluation', 'brand_evaluation', 'completed', 'failed')", name=op.f('ck_ad_units_status_known')),
    sa.CheckConstraint('duration > 0', name=op.f('ck_ad_units_duration_positive')),
    sa.CheckConstraint('source_ad_unit_id <> id', name=op.f('ck_ad_units_not_its_own_source')),
    sa.ForeignKeyConstraint(['brand_id'], ['creative_lab.brands.id'], name=op.f('fk_ad_units_brand_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['campaign_id'], ['creative_lab.campaigns.id'], name=op.f('fk_ad_units_campaign_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['country_id'], ['creative_lab.countries.id'], name=op.f('fk_ad_units_country_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['language_id'], ['creative_lab.languages.id'], name=op.f('fk_ad_units_language_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['llm_model_id'], ['creative_lab.llm_models.id'], name=op.f('fk_ad_units_llm_model_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['persona_id'], ['creative_lab.personas.id'], name=op.f('fk_ad_units_persona_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['region_id'], ['creative_lab.regions.id'], name=op.f('fk_ad_units_region_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['source_ad_unit_id'], ['creative_lab.ad_units.id'], name=op.f('fk_ad_units_source_ad_unit_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['target_id'], ['creative_lab.targets.id'], name=op.f('fk_ad_units_target_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ad_units')),
    sa.UniqueConstraint('campaign_id', 'target_id', name=op.f('uq_ad_units_campaign_id_target_id')),
    schema='creative_lab'
    )
    op.create_index(op.f('ix_ad_units_source_ad_unit_id'), 'ad_units', ['source_ad_unit_id'], unique=False, schema='creative_lab')
    op.create_index(op.f('ix_ad_units_target_id'), 'ad_units', ['target_id'], unique=False, schema='creative_lab')
    op.create_index('uq_ad_units_one_origin', 'ad_units', ['campaign_id'], unique=True, schema='creative_lab', postgresql_where=sa.text("origin_or_adaptation = 'ORIGIN'"))
    op.create_table('ad_unit_script_rows',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('ad_unit_id', sa.BigInteger(), nullable=False),
    sa.Column('order_index', sa.Integer(), nullable=False),
    sa.Column('shot_number', sa.String(length=20), nullable=False),
    sa.Column('timecode_start', sa.String(length=12), nullable=True, comment='HH:MM:SS:FF or HH:MM:SS.mmm'),
    sa.Column('duration_seconds', sa.Double(), nullable=True),
    sa.Column('visual_text', sa.Text(), nullable=False),
    sa.Column('audio_text', sa.Text(), nullable=False),
    sa.CheckConstraint("timecode_start ~ '^[0-9]{2}:[0-5][0-9]:[0-5][0-9](:[0-5][0-9]|[.][0-9]{3})$'", name=op.f('ck_ad_unit_script_rows_timecode_start_pattern')),
    sa.CheckConstraint('duration_seconds >= 0', name=op.f('ck_ad_unit_script_rows_duration_not_negative')),
    sa.CheckConstraint('order_index >= 0', name=op.f('ck_ad_unit_script_rows_order_index_not_negative')),
    sa.ForeignKeyConstraint(['ad_unit_id'], ['creative_lab.ad_units.id'], name=op.f('fk_ad_unit_script_rows_ad_unit_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ad_unit_script_rows')),
    sa.UniqueConstraint('ad_unit_id', 'order_index', name=op.f('uq_ad_unit_script_rows_ad_unit_id_order_index')),
    schema='creative_lab'
    )

    # Approvals are only ever added: the database itself refuses to change or remove one.
    op.execute(
        """
        CREATE FUNCTION creative_lab.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER approvals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON creative_lab.approvals
        FOR EACH STATEMENT EXECUTE FUNCTION creative_lab.refuse_change()
        """
    )


def downgrade() -> None:
    """Undo this revision."""
    op.drop_table('ad_unit_script_rows', schema='creative_lab')
    op.drop_table('ad_units', schema='creative_lab')
    op.drop_table('targets', schema='creative_lab')
    op.drop_table('persona_segments', schema='creative_lab')
    op.drop_table('wvs_profiles', schema='creative_lab')
    op.drop_table('personas', schema='creative_lab')
    op.drop_table('market_packs', schema='creative_lab')
    op.drop_table('country_regions', schema='creative_lab')
    op.drop_table('country_languages', schema='creative_lab')
    op.drop_table('language_alternative_models', schema='creative_lab')
    op.drop_table('countries', schema='creative_lab')
    op.drop_table('pipeline_settings', schema='creative_lab')
    op.drop_table('languages', schema='creative_lab')
    op.drop_table('campaigns', schema='creative_lab')
    op.drop_table('spellings', schema='creative_lab')
    op.drop_table('segments', schema='creative_lab')
    op.drop_table('regions', schema='creative_lab')
    op.drop_table('prompt_templates', schema='creative_lab')
    op.drop_table('llm_models', schema='creative_lab')
    op.drop_table('equivalents', schema='creative_lab')
    op.drop_table('dynamic_definitions', schema='creative_lab')
    op.drop_table('brands', schema='creative_lab')
    op.drop_table('approvals', schema='creative_lab')
    op.execute("DROP FUNCTION creative_lab.refuse_change()")
