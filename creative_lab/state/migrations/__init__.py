"""Alembic migrations of the state database; run by ``creative_lab.state.db.upgrade``.

After a change to the models, write the next revision with the lab's own database at the newest one::

    alembic -c creative_lab/state/migrations/alembic.ini revision --autogenerate --rev-id 0002 -m "what changed"

and read what it wrote: Alembic does not see changed check constraints. The tests do.
"""
