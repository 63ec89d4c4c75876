"""Every guard of a deal, over many deals."""

from __future__ import annotations

import dataclasses
import json
import random
from collections import deque
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.illustrator.garments import Garment as DrawnGarment
from creative_lab.looks.history import History, PastOutfit, outfit_items
from creative_lab.looks.manifests import deal_seed
from creative_lab.looks.selection import Deal, SelectionEngine, effective_dials, outfit_hash, season_of
from creative_lab_tests.looks.wardrobes import SPRING, changed, engine, manifest, shipped, tiny


def check_guards(deals: list[Deal], window: int, allowed: dict[str, tuple[str, ...]]) -> None:
    """Dedup against the last ``window`` outfits, and the gate, for every deal that was not relaxed past it."""
    recent: deque[str] = deque(maxlen=window)
    for deal in deals:
        if deal.exhausted:
            continue
        assert deal.designer is not None
        hashes = [outfit.hash for outfit in deal.outfits]
        assert len(hashes) == 3
        assert not set(hashes) & set(recent)
        assert len(set(hashes)) == 3
        recent.extend(hashes)
        heroes = [outfit.hero.garment.category for outfit in deal.outfits]
        if "gate" not in deal.relaxed:
            assert len(set(heroes)) == 3
            assert set(heroes) <= set(allowed[deal.designer.key])
        for outfit in deal.outfits:
            assert outfit.hero.garment.category in outfit.template.hero_categories
            slots = {slot.slot: slot.categories for slot in outfit.template.slots}
            assert all(piece.garment.category in slots[piece.slot] for piece in outfit.pieces[1:])
        garments = [key for outfit in deal.outfits for key in outfit.garments]
        assert len(set(garments)) == len(garments)


def run_days(deals_per_day: int, days: int) -> list[Deal]:
    """Deals over consecutive days, each with the past of the days before."""
    wardrobe, control = shipped(), shipped().control
    made: list[Deal] = []
    past: deque[tuple[date, list[PastOutfit]]] = deque(maxlen=400)
    for number in range(days):
        day = SPRING + timedelta(days=number)
        history = History(day, dedup_window=control.dedup_window, share_window=control.share_window)
        for then, outfits in past:
            history.add(then, outfits)
        dealer = SelectionEngine(wardrobe, history)
        for position in range(deals_per_day):
            deal = dealer.deal(deal_seed(day, 1, position))
            made.append(deal)
            if not deal.exhausted:
                assert deal.designer is not None
                assert deal.colourway is not None
                items = [
                    PastOutfit(o.hash, outfit_items(deal.designer.key, deal.colourway.key, o.template.key, o.garments))
                    for o in deal.outfits
                ]
                past.append((day, items))
    return made


ALLOWED = {designer.key: designer.hero_categories for designer in shipped().designers}


def test_two_thousand_deals_over_ten_days_break_no_guard() -> None:
    deals = run_days(200, 10)
    check_guards(deals, 200, ALLOWED)
    assert not any(deal.exhausted for deal in deals)
    assert sum(bool(deal.relaxed) for deal in deals) < 20


@pytest.mark.slow
def test_a_hundred_thousand_deals_break_no_guard_and_keep_every_dial() -> None:
    dealer = engine(day=date(2026, 10, 4))
    deals = [dealer.deal(seed) for seed in range(100_000)]
    check_guards(deals, 200, ALLOWED)
    assert not any(deal.exhausted for deal in deals)
    for item, share in dealer.dials.items():
        if item in dealer._items["garment"] and item[1] != "quay-trench":
            assert abs(dealer.history.realised(item) - share) < 0.01, item


def test_a_dial_of_one_in_n_comes_true_within_a_thousand_deals() -> None:
    dials = {
        ("garment", "semaphore-skirt"): 10.0,
        ("garment", "proof-tee"): 12.5,
        ("garment", "causeway-boots"): 4.0,
        ("designer", "mireille-sato"): 25.0,
        ("colourway", "violet-hour"): 5.0,
    }
    dealer = engine(dials=dials)
    for seed in range(1000):
        dealer.deal(seed)
    for item, per_cent in dials.items():
        assert dealer.history.realised(item) * 100 == pytest.approx(per_cent, abs=max(1.0, per_cent * 0.12)), item


def test_a_dial_of_zero_keeps_an_item_out_and_a_locked_dial_is_not_moved_by_learning() -> None:
    wardrobe = shipped()
    locked = dataclasses.replace(wardrobe.garments[0], target_pct=7.0, dial_locked=True)
    wardrobe = dataclasses.replace(wardrobe, garments=(locked, *wardrobe.garments[1:]))
    dials = {("garment", locked.key): 50.0, ("garment", "pier-trousers"): 0.0, ("designer", "ilse-varga"): 0.0}
    assert effective_dials(wardrobe, dials)["garment", locked.key] == 0.07
    dealer = engine(wardrobe, dials=dials)
    deals = [dealer.deal(seed) for seed in range(300)]
    assert all(deal.designer and deal.designer.key != "ilse-varga" for deal in deals)
    assert all("pier-trousers" not in outfit.garments for deal in deals for outfit in deal.outfits)


def test_the_hash_of_an_outfit_does_not_depend_on_the_order_of_its_garments_only_on_what_it_is() -> None:
    assert outfit_hash(["b", "a"], "t", "c") == outfit_hash(["a", "b"], "t", "c")
    others = [outfit_hash(["a"], "t", "c"), outfit_hash(["a", "b"], "u", "c"), outfit_hash(["a", "b"], "t", "d")]
    assert outfit_hash(["a", "b"], "t", "c") not in others
    assert len(set(others)) == 3


def test_an_outfit_may_come_again_once_the_window_has_passed_over_it() -> None:
    # Two coats, dresses, blazers and pairs of shoes: twelve outfits. A window of nine leaves three for every deal.
    wardrobe = changed(tiny(each=3), dedup_window=6, stale_front=1.0)
    dealer = engine(wardrobe)
    deals = [dealer.deal(seed) for seed in range(40)]
    assert not any(deal.exhausted for deal in deals)
    check_guards(deals, 6, {"anna": ("coat", "dress", "blazer")})
    hashes = [outfit.hash for deal in deals for outfit in deal.outfits]
    assert len(set(hashes)) < len(hashes)


def test_dedup_is_never_relaxed_and_what_cannot_be_dealt_is_exhausted_with_its_reason() -> None:
    wardrobe = changed(tiny(each=3), deal_tries=5)
    dealer = engine(wardrobe)
    deals = [dealer.deal(seed) for seed in range(30)]
    check_guards(deals, 200, {"anna": ("coat", "dress", "blazer")})
    lost = [deal for deal in deals if deal.exhausted]
    assert lost
    assert {deal.attempts for deal in lost} == {15}
    log = lost[-1].guard_log
    assert [entry["guard"] for entry in log if entry["action"] == "relaxed"] == ["stale", "gate"]
    assert log[-1]["action"] == "exhausted"
    assert any(entry["guard"] == "dedup" and entry["action"] == "redrawn" for entry in log)


def test_the_gate_is_relaxed_only_after_the_rotation_when_a_designer_lacks_categories() -> None:
    wardrobe = changed(tiny(hero_categories=("coat", "dress", "blazer"), each=4), deal_tries=3)
    one_sided = dataclasses.replace(wardrobe.designers[0], hero_categories=("coat", "dress"))
    dealer = engine(dataclasses.replace(wardrobe, designers=(one_sided,)))
    deal = dealer.deal(1)
    assert deal.relaxed == ("stale", "gate")
    order = [entry["guard"] for entry in deal.guard_log if entry["action"] == "relaxed"]
    assert order == ["stale", "gate"]
    assert all(entry["guard"] == "gate" for entry in deal.guard_log if entry["action"] == "redrawn")


def test_a_day_that_is_filled_in_later_does_not_repeat_the_days_after_it() -> None:
    wardrobe = changed(tiny(each=3), deal_tries=30)
    first = engine(wardrobe)
    known = first.deal(3)
    again = engine(wardrobe)
    again.history.later = frozenset(outfit.hash for outfit in known.outfits)
    hashes = {outfit.hash for outfit in again.deal(3).outfits}
    assert not hashes & again.history.later


def test_what_was_used_yesterday_goes_to_the_back_and_the_order_stays_all_day() -> None:
    today = engine()
    before = today.rotation("garment")
    used = {key for seed in range(6) for outfit in today.deal(seed).outfits for key in outfit.garments}
    assert today.rotation("garment") == before
    history = History(SPRING + timedelta(days=1), dedup_window=200, share_window=900)
    for outfit_hash_, items in [("x", tuple(("garment", key) for key in used))]:
        history.add(SPRING, [PastOutfit(outfit_hash_, items)])
    tomorrow = SelectionEngine(shipped(), history).rotation("garment")
    assert set(tomorrow[-len(used) :]) == used
    unused = next(key for key in before if key not in used)
    assert tomorrow.index(unused) < min(tomorrow.index(key) for key in used)


def test_undialled_items_come_from_the_front_half_of_the_rotation() -> None:
    dealer = engine()
    front = set(dealer.rotation("designer")[: 1 + len(shipped().designers) // 2])
    dialled = {key for kind, key in dealer.dials if kind == "designer"}
    for seed in range(200):
        deal = dealer.deal(seed)
        assert deal.designer is not None
        assert "stale" in deal.relaxed or deal.designer.key in front | dialled


@given(seed=st.integers(min_value=0, max_value=2**62))
def test_the_same_seed_deals_the_same_look_and_every_piece_can_be_drawn(seed: int) -> None:
    row = manifest(seed)
    assert row == manifest(seed)
    cloths = {colour["cloth"] for colour in json.loads(row["colours"])}
    for outfit in json.loads(row["outfits"]):
        for piece in (outfit["hero"], *outfit["slots"]):
            DrawnGarment(piece["category"], piece["cut"], piece["colour"], piece["pattern"])
            assert piece["colour"] in cloths
    for pick in json.loads(row["picks"]):
        assert 0 < pick["propensity"] <= 1
    kinds = [pick["kind"] for pick in json.loads(row["picks"])]
    assert kinds[:2] == ["designer", "colourway"]
    assert kinds.count("template") == 3
    assert kinds.count("garment") == sum(1 + len(outfit["slots"]) for outfit in json.loads(row["outfits"]))


def test_propensities_are_the_chances_of_the_draws() -> None:
    rng = random.Random(7)
    drawn: dict[str, int] = {}
    claimed: dict[str, float] = {}
    dealer = engine()
    for _ in range(1500):
        dealer.history = History(SPRING, dedup_window=200, share_window=900)
        deal = dealer.deal(rng.getrandbits(60))
        pick = deal.picks[0]
        drawn[pick.key] = drawn.get(pick.key, 0) + 1
        claimed[pick.key] = pick.propensity
    assert sum(claimed.values()) == pytest.approx(1.0)
    for key, share in claimed.items():
        assert drawn[key] / 1500 == pytest.approx(share, abs=0.05)


def test_innovation_comes_at_its_rate_and_never_on_a_hero() -> None:
    dealer = engine(changed(shipped(), innovation_rate=0.3))
    slots = [
        piece.is_innovation
        for seed in range(400)
        for outfit in dealer.deal(seed).outfits
        for piece in outfit.pieces[1:]
    ]
    assert sum(slots) / len(slots) == pytest.approx(0.3, abs=0.04)
    assert not any(outfit.hero.is_innovation for outfit in dealer.deal(5000).outfits)


def test_seasons_turn_with_the_month_and_the_hemisphere() -> None:
    north = [season_of(date(2026, month, 1), "north") for month in (1, 3, 6, 9, 12)]
    assert north == ["winter", "spring", "summer", "autumn", "winter"]
    assert season_of(date(2026, 1, 1), "south") == "summer"
    winter = engine(day=date(2026, 1, 4))
    assert all("winter" in one.seasons for deal in [winter.deal(1)] for o in deal.outfits for one in [o.hero.garment])
