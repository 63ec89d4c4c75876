"""Fetching weights: what it will cost in space and which licence applies come first, then resume, hash, manifest."""

from __future__ import annotations

import fnmatch
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from creative_lab.imaging import net
from creative_lab.imaging.catalogue import AnyWeights, Catalogue
from creative_lab.imaging.errors import ImagingError
from creative_lab.imaging.presets import IpAdapterPreset, ModelPreset
from creative_lab.lake.fs import FileSystem
from creative_lab.weights.entries import SHIPPED, Licence, WeightFile
from creative_lab.weights.files import MANIFEST, PICKLES, marker_of, recorded, sha256_of
from creative_lab.weights.measuring import MeasuringPreset
from creative_lab.weights.places import checked

HUB = "https://huggingface.co"

OnFile = Callable[[str, int, int | None], None]
"""Called with (file, bytes here, bytes in all or None)."""

_KEPT = ("*.json", "*.txt", "*.model", "*.safetensors", "*.jinja")
_NEVER = ("*.py", "*.msgpack", "*.onnx", "*.md")


@dataclass(frozen=True)
class PullPlan:
    """What a pull will fetch, for people to see first."""

    slug: str
    label: str
    source: str
    revision: str
    licence: Licence
    target: Path
    files: tuple[WeightFile, ...]
    download_bytes: int
    free_bytes: int

    @property
    def needs_acceptance(self) -> bool:
        """Whether someone must say that the licence is accepted: anything but a plain yes to commercial use."""
        return self.licence.commercial is not True

    @property
    def fits(self) -> bool:
        """Whether twice the missing bytes are free."""
        return self.free_bytes >= 2 * self.download_bytes


def plan_pull(catalogue: Catalogue, slug: str, *, hub: str = HUB) -> PullPlan:
    """Ask the hub which files belong to a model and how big they are; nothing is fetched or written.

    Raises :class:`ImagingError` when the entry cannot be pulled, or when the hub's revision or hashes disagree with
    the catalogue's.
    """
    weights = catalogue.weights(slug)
    if weights.path.startswith(SHIPPED):
        raise ImagingError(f"{slug} comes with the platform: it is trained here, not pulled")
    if isinstance(weights, MeasuringPreset) and weights.by_hand:
        raise ImagingError(f"{slug} is not on the hub. {weights.by_hand} Its place is {catalogue.place(weights)}")
    if weights.single_file:
        raise ImagingError(f"{slug} is a single file that you place yourself at {catalogue.place(weights)}")
    revision = weights.revision or "main"
    address = f"{hub}/api/models/{quote(weights.path)}/revision/{quote(revision)}?blobs=true"
    answer = net.fetch_json(address, policy(catalogue, hub), _key(catalogue))
    commit, files = _listed(answer, address)
    if weights.revision and commit != weights.revision:
        raise ImagingError(f"{slug}: the hub gives revision {commit}, the catalogue names {weights.revision}")
    chosen = _chosen(weights, files)
    known = {file.path: file for file in weights.files}
    for file in chosen:
        named = known.get(file.path)
        if named and named.sha256 and file.sha256 and named.sha256 != file.sha256:
            raise ImagingError(f"{slug}: the hub's SHA-256 of {file.path} is not the catalogue's")
    chosen = [known.get(file.path) or file for file in chosen]
    target = catalogue.place(weights)
    missing = sum(file.bytes or 0 for file in chosen if not _is_here(target, file))
    return PullPlan(
        slug,
        weights.label,
        weights.path,
        commit,
        weights.licence,
        target,
        tuple(chosen),
        missing,
        net.free_bytes(target),
    )


def pull(
    catalogue: Catalogue,
    plan: PullPlan,
    *,
    accept_licence: bool = False,
    hub: str = HUB,
    on_file: OnFile | None = None,
) -> Path:
    """Fetch what a plan names; can be repeated, and continues where it stopped.

    A marker lists what is to come until the manifest (every file with size and SHA-256) is written last. Raises
    :class:`ImagingError` when the licence was not accepted or the space is short, before anything is written.
    """
    require_acceptance(plan, accept_licence)
    net.require_space(plan.target, plan.download_bytes)
    allowed = policy(catalogue, hub)
    files, marker = FileSystem(plan.target), marker_of(plan.slug)
    if not all(_is_here(plan.target, file) for file in plan.files):
        planned = {"files": [file.model_dump() for file in plan.files]}
        files.write_bytes(marker, json.dumps(planned, indent=1).encode())
    fetched = []
    for file in plan.files:
        path = plan.target / file.path
        if _is_here(plan.target, file):
            digest = sha256_of(path)
        else:
            url = f"{hub}/{quote(plan.source)}/resolve/{plan.revision}/{quote(file.path)}"
            digest = net.download(
                url,
                path,
                allowed,
                sha256=file.sha256,
                size=file.bytes,
                headers=_key(catalogue),
                on_bytes=functools.partial(on_file, file.path) if on_file else None,
            )
        fetched.append({"path": file.path, "bytes": path.stat().st_size, "sha256": digest})
    manifest = {
        "source": plan.source,
        "revision": plan.revision,
        "licence": plan.licence.name,
        "accepted": plan.needs_acceptance,
        "files": [*fetched, *_of_others(plan)],
    }
    files.write_bytes(MANIFEST, json.dumps(manifest, indent=1).encode())
    files.remove(marker)
    return plan.target


def require_acceptance(plan: PullPlan, accepted: bool) -> None:
    """Refuse to fetch what needs a word about its licence and has none. Raises :class:`ImagingError`."""
    if plan.needs_acceptance and not accepted:
        raise ImagingError(
            f"{plan.label}: {plan.licence.name}. {plan.licence.note or 'Read its terms.'} "
            "Accept it with --accept-licence to go on"
        )


@dataclass(frozen=True)
class VerifyReport:
    """Outcome of ``models verify``."""

    slug: str
    digest: str
    checked: int
    unknown: int


def verify_model(catalogue: Catalogue, slug: str) -> VerifyReport:
    """Hash a model's files and compare them with what they should be. Raises as :func:`places.checked` does."""
    found = checked(catalogue.settings, catalogue.weights(slug))
    return VerifyReport(slug, found.digest, found.checked, found.unknown)


def policy(catalogue: Catalogue, origin: str) -> net.NetworkPolicy:
    """What may be reached for ``origin``; itself only when it is a mirror on this machine."""
    return net.NetworkPolicy(offline=catalogue.settings.offline, loopback=(origin,))


def _key(catalogue: Catalogue) -> dict[str, str]:
    token = catalogue.settings.hf_token
    return {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}


def _listed(answer: Any, address: str) -> tuple[str, list[WeightFile]]:
    try:
        files = [
            WeightFile(path=entry["rfilename"], bytes=entry.get("size"), sha256=(entry.get("lfs") or {}).get("sha256"))
            for entry in answer["siblings"]
        ]
        commit = answer["sha"]
        if not (isinstance(commit, str) and len(commit) == 40):
            raise ValueError(f"revision {commit!r}")
        return commit, files
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise ImagingError(f"{address}: the list of files cannot be read: {error}") from error


def _chosen(weights: AnyWeights, files: list[WeightFile]) -> list[WeightFile]:
    """The files that loading needs: safetensors and configuration, the fp16 variant where there is one."""
    wanted = [
        file
        for file in files
        if any(fnmatch.fnmatch(file.path, kept) for kept in _KEPT)
        and not any(fnmatch.fnmatch(file.path, never) for never in _NEVER)
        and PurePosixPath(file.path).suffix not in PICKLES
    ]
    if isinstance(weights, IpAdapterPreset):
        adapter, encoder = weights.adapter_path, weights.encoder_path
        paths = {file.path: PurePosixPath(file.path) for file in wanted}
        wanted = [file for file in wanted if paths[file.path] == adapter or paths[file.path].parent == encoder]
    elif isinstance(weights, ModelPreset):  # whole checkpoints beside the folders are the same weights again
        wanted = [file for file in wanted if "/" in file.path or not file.path.endswith(".safetensors")]
    if isinstance(weights, ModelPreset) and weights.dtype == "float16":
        names = {file.path for file in wanted}
        wanted = [file for file in wanted if file.path.replace(".safetensors", ".fp16.safetensors") not in names]
    if not any(file.path.endswith(".safetensors") for file in wanted):
        raise ImagingError(f"{weights.label}: {weights.path} offers no .safetensors files; pickles are not fetched")
    return wanted


def _of_others(plan: PullPlan) -> list[dict[str, Any]]:
    """What the manifest holds about files of other models in the same folder, as IP-Adapters have it."""
    own = {file.path for file in plan.files}
    try:
        before = recorded(plan.target)
    except ImagingError:  # a broken manifest is what this pull mends
        return []
    return [file.model_dump() for file in before if file.path not in own and (plan.target / file.path).is_file()]


def _is_here(target: Path, file: WeightFile) -> bool:
    path = target / file.path
    if not path.is_file() or (file.bytes is not None and path.stat().st_size != file.bytes):
        return False
    return file.sha256 is None or sha256_of(path) == file.sha256
