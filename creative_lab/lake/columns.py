"""Columns as tables declare them, each with the comment that the warehouse shows."""

from __future__ import annotations

import dataframely as dy


def text(comment: str, *, nullable: bool = False) -> dy.String:
    """A text."""
    return dy.String(nullable=nullable, metadata={"comment": comment})


def key(comment: str) -> dy.String:
    """A text that is (part of) the primary key."""
    return dy.String(nullable=False, primary_key=True, metadata={"comment": comment})


def position(comment: str) -> dy.Int64:
    """A 0-based place that is part of the primary key."""
    return dy.Int64(nullable=False, primary_key=True, min=0, metadata={"comment": comment})


def count(comment: str) -> dy.Int64:
    """A number of things."""
    return dy.Int64(nullable=False, min=0, metadata={"comment": comment})


def measure(comment: str, *, nullable: bool = False) -> dy.Float64:
    """A measure that cannot be negative: seconds, dollars."""
    return dy.Float64(nullable=nullable, min=0, metadata={"comment": comment})


def flag(comment: str) -> dy.Bool:
    """Yes or no."""
    return dy.Bool(nullable=False, metadata={"comment": comment})


def texts(comment: str, *, nullable: bool = False) -> dy.List:
    """A list of texts."""
    return dy.List(dy.String(nullable=False), nullable=nullable, metadata={"comment": comment})


def moment(comment: str) -> dy.Datetime:
    """A point in time in UTC, to the microsecond."""
    return dy.Datetime(nullable=False, time_zone="UTC", time_unit="us", metadata={"comment": comment})
