"""Alembic migrations of the state database; run by ``creative_lab.state.db.upgrade``."""
