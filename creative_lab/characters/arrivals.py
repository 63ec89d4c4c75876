"""What came in since the last look: characters to register as partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creative_lab.characters.record import characters

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def partition_keys(session: Session) -> list[str]:
    """Keys of the active characters, in order."""
    return [character.key for character in characters(session)]
