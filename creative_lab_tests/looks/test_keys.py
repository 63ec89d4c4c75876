"""The exact difference of rendered and segmented pictures, against plain sets."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.looks import keys as module
from creative_lab.looks.keys import Keys, compare

Triple = tuple[int, int, int]
SMALL = st.tuples(st.integers(20500, 20510), st.integers(0, 12), st.integers(0, 3))
WIDE = st.tuples(st.integers(0, 30000), st.integers(0, 2**24), st.integers(0, 2**16))


def columns(triples: list[Triple]) -> Keys:
    table = np.array(triples, np.int64).reshape(-1, 3)
    return Keys(table[:, 0].astype(np.int32), table[:, 1].astype(np.int32), table[:, 2].astype(np.int64))


def by_sets(renders: list[Triple], masks: list[Triple]) -> tuple[list[Triple], list[Triple], list[Triple]]:
    counts = Counter(masks)
    return (
        sorted(set(renders) - set(masks)),
        sorted(key for key, count in counts.items() if count > 1),
        sorted(set(masks) - set(renders)),
    )


@given(st.lists(SMALL, max_size=60), st.lists(SMALL, max_size=60))
def test_dense_keys_give_exactly_what_sets_give(renders: list[Triple], masks: list[Triple]) -> None:
    found = compare(columns(renders), columns(masks))
    assert (found.missing.tuples(), found.duplicates.tuples(), found.orphans.tuples()) == by_sets(renders, masks)


@given(st.lists(WIDE, max_size=40), st.lists(WIDE, max_size=40), st.data())
def test_sparse_keys_give_exactly_what_sets_give(
    renders: list[Triple], masks: list[Triple], data: st.DataObject
) -> None:
    masks += data.draw(st.lists(st.sampled_from(renders + masks), max_size=20)) if renders + masks else []
    found = compare(columns(renders), columns(masks))
    assert (found.missing.tuples(), found.duplicates.tuples(), found.orphans.tuples()) == by_sets(renders, masks)


@pytest.mark.parametrize("shuffled", [False, True])
def test_keys_of_many_chunks_are_compared_across_them(shuffled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 100)
    random = np.random.default_rng(5)
    day, number = np.divmod(np.arange(5000), 500)
    renders = [(int(d) + 20500, int(n), 1) for d, n in zip(day, number, strict=True)]
    masks = [key for index, key in enumerate(renders) if index % 97] + renders[1:2] + renders[4000:4002]
    masks += [(20500, 4, 2), (20700, 4, 1)]
    if shuffled:
        random.shuffle(masks)
    found = compare(columns(renders), columns(masks))
    assert (found.missing.tuples(), found.duplicates.tuples(), found.orphans.tuples()) == by_sets(renders, masks)
    assert len(found.missing) == 52 and len(found.duplicates) == 3 and len(found.orphans) == 2


def test_nothing_is_missing_from_nothing() -> None:
    assert compare(Keys.none(), Keys.none()).clean
    assert compare(columns([(1, 1, 1)]), Keys.none()).missing.tuples() == [(1, 1, 1)]
    assert compare(Keys.none(), columns([(1, 1, 1)])).orphans.tuples() == [(1, 1, 1)]


def test_keys_that_are_no_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        compare(columns([(1, -1, 1)]), Keys.none())
    with pytest.raises(ValueError, match="62 bits"):
        compare(Keys(np.array([0, 2**30]), np.array([2**20, 0]), np.array([2**20, 1])), Keys.none())
    with pytest.raises(ValueError, match="different lengths"):
        Keys(np.array([1]), np.array([1, 2]), np.array([1]))
