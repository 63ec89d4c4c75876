"""Which language model each node of the adaptation graph uses.

Two chains, over plain data. Every node but the writer: the unit's own configuration, the node's default in the
pipeline settings, the global default, the language's primary model. The writer: the unit's own configuration, the
unit's model, the language's primary model, the global default. A reference to a model that is inactive or unknown
falls through to the next level; when nothing is left, :data:`LAST_RESORT` answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import get_args

from creative_lab.adaptation.schemas import Node

LAST_RESORT = "Qwen/Qwen2.5-3B-Instruct"
"""Model of a node for which no level names an active model."""

NODES: tuple[Node, ...] = get_args(Node)
"""The nodes in the order in which the graph runs them."""

NODE_ALIASES: dict[str, Node] = {
    "format_eval": "format_gate",
    "cultural_eval": "culture_gate",
    "concept_eval": "concept_gate",
    "brand_eval": "brand_gate",
}
"""Older names of the gates, accepted in configurations."""


class UnknownNodeError(ValueError):
    """A configuration names a node that the graph does not have."""


@dataclass(frozen=True)
class ModelRecord:
    """One entry of the model catalogue, as far as the choice of a model needs it."""

    model_id: str
    is_active: bool = True
    load_in_4bit: bool = False


@dataclass(frozen=True)
class NodeModel:
    """The model that a node uses."""

    model_id: str
    load_in_4bit: bool = False


@dataclass(frozen=True)
class ModelSources:
    """Every level that may name a model, by model id.

    ``unit_config`` and ``node_defaults`` map node keys (aliases allowed) to model ids; ``catalogue`` maps model ids to
    their records.
    """

    catalogue: Mapping[str, ModelRecord]
    unit_config: Mapping[str, str | None] = field(default_factory=dict)
    unit_model: str | None = None
    node_defaults: Mapping[str, str | None] = field(default_factory=dict)
    global_default: str | None = None
    language_primary: str | None = None
    language_alternatives: tuple[str, ...] = ()


def node_key(name: str) -> Node:
    """The node that ``name`` means: its own key or an alias.

    Raises :class:`UnknownNodeError`, which lists the valid keys.
    """
    for node in NODES:
        if name == node:
            return node
    if name in NODE_ALIASES:
        return NODE_ALIASES[name]
    raise UnknownNodeError(
        f"unknown node {name!r}: use one of {', '.join(NODES)} (or the aliases {', '.join(NODE_ALIASES)})"
    )


def by_node(config: Mapping[str, str | None]) -> dict[Node, str]:
    """``config`` with canonical node keys and without empty entries.

    Raises :class:`UnknownNodeError` for an unknown key and ValueError when a node is named twice with different models.
    """
    result: dict[Node, str] = {}
    for name, model_id in config.items():
        node = node_key(name)
        if not model_id:
            continue
        if result.setdefault(node, model_id) != model_id:
            raise ValueError(f"node {node!r} is given two models, {result[node]!r} and {model_id!r}: keep one")
    return result


def resolve_models(sources: ModelSources) -> dict[Node, NodeModel]:
    """The model of every node.

    Raises :class:`UnknownNodeError` when the unit's configuration or the node defaults name an unknown node.
    """
    unit = by_node(sources.unit_config)
    defaults = by_node(sources.node_defaults)
    result: dict[Node, NodeModel] = {}
    for node in NODES:
        if node == "writer":
            chain = [unit.get(node), sources.unit_model, sources.language_primary, sources.global_default]
        else:
            chain = [unit.get(node), defaults.get(node), sources.global_default, sources.language_primary]
        result[node] = _first_active(chain, sources.catalogue) or _last_resort(sources.catalogue)
    return result


def writer_alternatives(sources: ModelSources) -> tuple[NodeModel, ...]:
    """The language's active alternative models, in their order."""
    return tuple(
        NodeModel(record.model_id, record.load_in_4bit)
        for record in (sources.catalogue.get(model_id) for model_id in sources.language_alternatives)
        if record is not None and record.is_active
    )


def _first_active(chain: Iterable[str | None], catalogue: Mapping[str, ModelRecord]) -> NodeModel | None:
    for model_id in chain:
        record = catalogue.get(model_id) if model_id else None
        if record is not None and record.is_active:
            return NodeModel(record.model_id, record.load_in_4bit)
    return None


def _last_resort(catalogue: Mapping[str, ModelRecord]) -> NodeModel:
    record = catalogue.get(LAST_RESORT)
    return NodeModel(LAST_RESORT, record.load_in_4bit if record else False)
