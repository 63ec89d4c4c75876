"""What every table of the lake has in common.

A room declares its tables as dataframely schemas derived from :class:`TableSchema`; the description of a column is
its comment in the warehouse.
"""

from __future__ import annotations

import dataframely as dy


class TableSchema(dy.Schema):
    """Columns that every row of every table carries; the table store fills them in."""

    run_id = dy.String(nullable=False, metadata={"comment": "Dagster run that wrote the row"})
    written_at = dy.Datetime(
        nullable=False, time_zone="UTC", time_unit="us", metadata={"comment": "When the row was written (UTC)"}
    )
    backend = dy.Enum(
        ["miniature", "studio", "hosted"],
        nullable=False,
        metadata={"comment": "Profile whose models made the row; figures of different backends are not averaged"},
    )
