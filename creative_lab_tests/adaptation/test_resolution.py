"""Which model a node uses: every level of both chains, and the keys that a configuration may use."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.adaptation.resolution import (
    LAST_RESORT,
    NODE_ALIASES,
    NODES,
    ModelRecord,
    ModelSources,
    NodeModel,
    UnknownNodeError,
    by_node,
    node_key,
    resolve_models,
    writer_alternatives,
)
from creative_lab.adaptation.schemas import Node

LEVELS = ("unit", "unit-model", "node", "global", "primary")


def sources(*, missing: tuple[str, ...] = (), inactive: tuple[str, ...] = (), node: Node = "concept") -> ModelSources:
    """Every level names a model of its own name; some are unknown to the catalogue, some switched off."""
    names = [name for name in (*LEVELS, "alt-1", "alt-2") if name not in missing]
    return ModelSources(
        catalogue={name: ModelRecord(name, name not in inactive, name == "primary") for name in names},
        unit_config={node: "unit"},
        unit_model="unit-model",
        node_defaults={node: "node"} if node != "writer" else {},
        global_default="global",
        language_primary="primary",
        language_alternatives=("alt-1", "alt-2"),
    )


NODE_CHAIN = ["unit", "node", "global", "primary", LAST_RESORT]
WRITER_CHAIN = ["unit", "unit-model", "primary", "global", LAST_RESORT]


@pytest.mark.parametrize("how", ["missing", "inactive"])
@pytest.mark.parametrize("level", range(5))
@pytest.mark.parametrize("node", NODES)
def test_each_level_answers_when_those_above_it_cannot(node: Node, level: int, how: str) -> None:
    chain = WRITER_CHAIN if node == "writer" else NODE_CHAIN
    above = tuple(chain[:level])
    given_sources = sources(node=node, **{how: above})
    assert resolve_models(given_sources)[node].model_id == chain[level]


@pytest.mark.parametrize("level", range(4))
def test_an_empty_level_falls_through_like_an_inactive_one(level: int) -> None:
    empty = {0: {"unit_config": {"concept": None}}, 1: {"node_defaults": {}}, 2: {"global_default": None}}
    emptied = sources()
    for number in range(level):
        emptied = dataclasses.replace(emptied, **empty[number])  # type: ignore[arg-type]
    assert resolve_models(emptied)["concept"].model_id == NODE_CHAIN[level]


def test_the_flag_for_four_bit_loading_comes_from_the_chosen_record() -> None:
    models = resolve_models(sources(missing=("unit", "unit-model")))
    assert models["writer"] == NodeModel("primary", load_in_4bit=True)
    assert models["culture"] == NodeModel("global", load_in_4bit=False)


def test_the_last_resort_keeps_the_flag_of_its_record_when_there_is_one() -> None:
    only = ModelSources(catalogue={LAST_RESORT: ModelRecord(LAST_RESORT, is_active=False, load_in_4bit=True)})
    assert set(resolve_models(only).values()) == {NodeModel(LAST_RESORT, load_in_4bit=True)}


def test_alternatives_keep_their_order_and_leave_out_inactive_and_unknown_models() -> None:
    assert [model.model_id for model in writer_alternatives(sources())] == ["alt-1", "alt-2"]
    assert [model.model_id for model in writer_alternatives(sources(inactive=("alt-1",)))] == ["alt-2"]
    assert writer_alternatives(sources(missing=("alt-1", "alt-2"))) == ()


@pytest.mark.parametrize(("alias", "node"), NODE_ALIASES.items())
def test_the_older_names_of_the_gates_are_accepted(alias: str, node: Node) -> None:
    assert node_key(alias) == node
    configured = dataclasses.replace(sources(), unit_config={alias: "alt-2"})
    assert resolve_models(configured)[node].model_id == "alt-2"


@pytest.mark.parametrize("where", ["unit_config", "node_defaults"])
def test_an_unknown_node_key_is_refused_with_the_valid_ones(where: str) -> None:
    with pytest.raises(UnknownNodeError) as error:
        resolve_models(dataclasses.replace(sources(), **{where: {"brand_check": "unit"}}))  # type: ignore[arg-type]
    assert "'brand_check'" in str(error.value)
    assert all(node in str(error.value) for node in NODES)


@given(st.text(max_size=20).filter(lambda text: text not in NODES and text not in NODE_ALIASES))
def test_no_other_text_passes_as_a_node_key(name: str) -> None:
    with pytest.raises(UnknownNodeError):
        node_key(name)


def test_a_gate_named_by_key_and_by_alias_must_agree() -> None:
    assert by_node({"brand_eval": "a", "brand_gate": "a"}) == {"brand_gate": "a"}
    with pytest.raises(ValueError, match="two models"):
        by_node({"brand_eval": "a", "brand_gate": "b"})
