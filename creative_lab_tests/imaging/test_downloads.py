"""Pulling weights from a hub on this machine: space, licence, hash, resume, and no way to private addresses."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from creative_lab.imaging import downloads, net
from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.errors import ImagingError, LoraMismatch, ModelNotHere, PassingError, UnsafeModel
from creative_lab.settings import Settings
from creative_lab_tests.imaging import tiny
from creative_lab_tests.imaging.conftest import change_presets

COMMIT = "a" * 40


class Server:
    """Files by path over HTTP, with ranges, redirects and prepared failures."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.cut_after: list[int] = []
        self.statuses: list[int] = []
        self.redirects: dict[str, str] = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                outer.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                if outer.statuses:
                    self.send_error(outer.statuses.pop(0))
                elif path in outer.redirects:
                    self.send_response(302)
                    self.send_header("Location", outer.redirects[path])
                    self.end_headers()
                elif path not in outer.files:
                    self.send_error(404)
                else:
                    self._send(outer.files[path])

            def _send(self, data: bytes) -> None:
                start = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                end = outer.cut_after.pop(0) if outer.cut_after else len(data)
                self.wfile.write(data[start:end])

            def log_message(self, *_: Any) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def publish(self, repo: str, folder: Path, **extra: bytes) -> None:
        """Offer a folder as a model of the hub."""
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        files |= {name.replace("__", "."): data for name, data in extra.items()}
        siblings = [
            {"rfilename": name, "size": len(data)}
            | ({"lfs": {"sha256": hashlib.sha256(data).hexdigest()}} if name.endswith(".safetensors") else {})
            for name, data in files.items()
        ]
        body = json.dumps({"sha": COMMIT, "siblings": siblings}).encode()
        self.files[f"/api/models/{repo}/revision/main"] = body
        self.files |= {f"/{repo}/resolve/{COMMIT}/{name}": data for name, data in files.items()}


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def catalogue(imaging_settings: Settings) -> Catalogue:
    """A catalogue with nothing pulled and keys set."""
    for entry in (imaging_settings.home / "models").iterdir():
        entry.unlink()
    keys = {"civitai_api_key": SecretStr("civitai-secret"), "hf_token": SecretStr("hub-secret")}
    return Catalogue.load(imaging_settings.model_copy(update=keys))


def policy(server: Server) -> net.NetworkPolicy:
    return net.NetworkPolicy(loopback=(server.url,))


REPO = "Tongyi-MAI/Z-Image-Turbo"


def test_a_model_is_planned_pulled_verified_and_loaded(server: Server, catalogue: Catalogue, tiny_models: Path) -> None:
    from creative_lab.imaging.generation import PictureStudio
    from creative_lab.imaging.parameters import PictureRequest

    server.publish(REPO, tiny_models / "zimage", evil__py=b"import os", weights__bin=b"pickle", weights__ckpt=b"x")
    plan = downloads.plan_pull(catalogue, "zimageturbo", hub=server.url)
    assert plan.licence.name == "Apache-2.0" and not plan.needs_acceptance and plan.fits and plan.revision == COMMIT
    assert not plan.target.exists()
    names = {file.path for file in plan.files}
    assert "model_index.json" in names and not any(name.endswith((".py", ".bin", ".ckpt")) for name in names)
    seen: list[str] = []
    downloads.pull(catalogue, plan, hub=server.url, on_file=lambda name, here, whole: seen.append(name))
    assert set(seen) == names
    assert catalogue.state(catalogue.weights("zimageturbo")) == "here"
    report = downloads.verify_model(catalogue, "zimageturbo")
    assert report.checked == len(names) and report.unknown == 0
    assert all(headers["authorization"] == "Bearer hub-secret" for _, headers in server.requests)
    assert PictureStudio(catalogue.settings).generate(PictureRequest("zimageturbo", "a hat")).pictures

    asked = len(server.requests)
    again = downloads.plan_pull(catalogue, "zimageturbo", hub=server.url)
    assert again.download_bytes == 0
    downloads.pull(catalogue, again, hub=server.url)
    assert len(server.requests) == asked + 1

    weights = plan.target / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    with pytest.raises(UnsafeModel, match="SHA-256"):
        downloads.verify_model(catalogue, "zimageturbo")


def test_a_licence_that_does_not_plainly_allow_commercial_use_must_be_accepted(
    server: Server, catalogue: Catalogue, tiny_models: Path
) -> None:
    server.publish("black-forest-labs/FLUX.1-dev", tiny_models / "flux1")
    plan = downloads.plan_pull(catalogue, "flux1_dev", hub=server.url)
    with pytest.raises(ImagingError, match="Non-Commercial"):
        downloads.pull(catalogue, plan, hub=server.url)
    assert not plan.target.exists()
    downloads.pull(catalogue, plan, accept_licence=True, hub=server.url)
    assert json.loads((plan.target / "manifest.json").read_text())["accepted"] is True


def test_twice_the_missing_bytes_must_be_free(server: Server, catalogue: Catalogue, tiny_models: Path) -> None:
    import dataclasses

    server.publish(REPO, tiny_models / "zimage")
    plan = downloads.plan_pull(catalogue, "zimageturbo", hub=server.url)
    huge = dataclasses.replace(plan, download_bytes=plan.free_bytes)
    assert not huge.fits
    with pytest.raises(ImagingError, match="must be free"):
        downloads.pull(catalogue, huge, hub=server.url)
    assert not plan.target.exists()


def test_hash_and_revision_of_the_catalogue_win_over_the_hub(
    server: Server, catalogue: Catalogue, tiny_models: Path
) -> None:
    server.publish(REPO, tiny_models / "zimage")
    name = "vae/diffusion_pytorch_model.safetensors"
    change_presets(catalogue.settings.data_dir, zimageturbo={"files": [{"path": name, "sha256": "0" * 64}]})
    with pytest.raises(ImagingError, match="not the catalogue's"):
        downloads.plan_pull(Catalogue.load(catalogue.settings), "zimageturbo", hub=server.url)
    change_presets(catalogue.settings.data_dir, zimageturbo={"files": [], "revision": "b" * 40})
    server.files[f"/api/models/{REPO}/revision/{'b' * 40}"] = server.files[f"/api/models/{REPO}/revision/main"]
    with pytest.raises(ImagingError, match="the catalogue names"):
        downloads.plan_pull(Catalogue.load(catalogue.settings), "zimageturbo", hub=server.url)


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/x.json", "a/../../x.json", "x.json#y"])
def test_names_that_leave_the_folder_are_refused(server: Server, catalogue: Catalogue, name: str) -> None:
    body = {"sha": COMMIT, "siblings": [{"rfilename": name, "size": 1}]}
    server.files[f"/api/models/{REPO}/revision/main"] = json.dumps(body).encode()
    with pytest.raises(ImagingError, match="cannot be read"):
        downloads.plan_pull(catalogue, "zimageturbo", hub=server.url)


def test_a_cut_download_is_resumed_where_it_stopped(server: Server, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40
    server.files["/x"] = data
    server.cut_after = [3000, 7000]
    digest = hashlib.sha256(data).hexdigest()
    net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server), sha256=digest, size=len(data))
    assert (tmp_path / "x.bin").read_bytes() == data
    assert [headers.get("range") for _, headers in server.requests] == [None, "bytes=3000-", "bytes=7000-"]


def test_after_all_attempts_the_part_waits_for_the_next_pull(server: Server, tmp_path: Path) -> None:
    data = b"x" * 5000
    server.files["/x"] = data
    server.cut_after = [1000, 2000, 3000]
    digest = hashlib.sha256(data).hexdigest()
    with pytest.raises(PassingError, match="received 1000 bytes, expected 3000"):
        net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server), sha256=digest, size=len(data))
    assert not (tmp_path / "x.bin").exists()
    net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server), sha256=digest, size=len(data))
    assert server.requests[-1][1]["range"] == "bytes=3000-"
    assert [path.name for path in tmp_path.iterdir()] == ["x.bin"]


@pytest.mark.parametrize("known", [{"sha256": "0" * 64}, {"size": 7}, {"size": 3}])
def test_wrong_bytes_leave_nothing_behind(server: Server, tmp_path: Path, known: dict) -> None:
    server.files["/x"] = b"12345"
    with pytest.raises(UnsafeModel):
        net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server), **{"sha256": "0" * 64, **known})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("status", "error"), [(401, ImagingError), (404, ImagingError), (503, PassingError)])
def test_refusals_are_final_and_faults_are_tried_three_times(
    server: Server, tmp_path: Path, status: int, error: type[Exception]
) -> None:
    server.statuses = [status] * 5
    with pytest.raises(error):
        net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server))
    assert len(server.requests) == (3 if error is PassingError else 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/x", "https://169.254.169.254/latest/meta-data", "https://10.0.0.1/x", "https://[::1]/x",
     "https://[::ffff:10.0.0.1]/x", "https://localhost/x", "https://0.0.0.0/x", "http://example.com/x",
     "file:///etc/passwd", "https://user:key@example.com/x", "https://2130706433/x", "https://0x7f000001/x"],
)  # fmt: skip
def test_private_addresses_and_other_schemes_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises((ImagingError, PassingError)):
        net.check_address(url, net.NetworkPolicy())
    with pytest.raises((ImagingError, PassingError)):
        net.download(url, tmp_path / "x", net.NetworkPolicy())
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_to_a_private_address_is_not_followed(server: Server, tmp_path: Path) -> None:
    other = Server()
    other.files["/secret"] = b"internal"
    for target in (f"{other.url}/secret", "https://169.254.169.254/"):
        server.redirects["/x"] = target
        with pytest.raises(ImagingError, match="refused"):
            net.download(f"{server.url}/x", tmp_path / "x", policy(server))
    assert other.requests == []
    other.http.shutdown()
    other.http.server_close()


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [["93.184.216.34", "10.0.0.7"], ["93.184.216.34"]]

    def lookup(host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", (address, port)) for address in answers[0]]

    monkeypatch.setattr("socket.getaddrinfo", lookup)
    with pytest.raises(ImagingError, match=r"10\.0\.0\.7 is not a public address"):
        net.check_address("https://models.example/x", net.NetworkPolicy())
    answers.pop(0)
    assert net.check_address("https://models.example/x", net.NetworkPolicy()) == "93.184.216.34"


def test_offline_means_no_connection_at_all() -> None:
    with pytest.raises(ImagingError, match="CREATIVE_LAB_OFFLINE"):
        net.check_address("https://huggingface.co/x", net.NetworkPolicy(offline=True))


# --- LoRAs from Civitai


def with_lora(catalogue: Catalogue, **fields: Any) -> Catalogue:
    path = catalogue.settings.data_dir / "presets.json"
    presets = json.loads(path.read_text())
    air = "urn:air:sdxl:lora:civitai:12@345"
    presets["loras"] = [{"slug": "ink", "label": "Ink", "base_architecture": "sdxl", "air": air, **fields}]
    path.write_text(json.dumps(presets))
    return Catalogue.load(catalogue.settings)


def offer_lora(server: Server, data: bytes) -> None:
    server.files["/api/download/models/345"] = data
    described = {
        "name": "Ink wash", "baseModel": "SDXL 1.0", "trainedWords": ["inkwash", "ww"], "description": "d",
        "stats": {"downloadCount": 3}, "images": [{"meta": {"cfgScale": 0, "negativePrompt": "photo"}}],
        "files": [{"primary": True, "hashes": {"SHA256": hashlib.sha256(data).hexdigest().upper()}}],
    }  # fmt: skip
    server.files["/api/v1/model-versions/345"] = json.dumps(described).encode()


def test_a_lora_is_fetched_by_its_air_with_the_key(server: Server, catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue = with_lora(catalogue)
    tiny.lora(tmp_path / "l.safetensors")
    offer_lora(server, (tmp_path / "l.safetensors").read_bytes())
    file = downloads.pull_lora(catalogue, "ink", civitai=server.url)
    assert file == catalogue.settings.models_root / "loras" / "civitai_345.safetensors" and file.is_file()
    assert all(headers["authorization"] == "Bearer civitai-secret" for _, headers in server.requests)
    asked = len(server.requests)
    assert downloads.pull_lora(catalogue, "ink", civitai=server.url) == file and len(server.requests) == asked

    entry = downloads.lora_from_civitai(catalogue, "urn:air:sdxl:lora:civitai:12@345", civitai=server.url)
    assert (entry["base_architecture"], entry["prompt"], entry["negative_prompt"]) == ("sdxl", "inkwash, ww", "photo")
    assert entry["guidance_scale"] == 0.0 and len(entry["sha256"]) == 64
    unknown = downloads.lora_from_civitai(catalogue, "urn:air:pony:lora:civitai:12@345", civitai=server.url)
    assert unknown["base_architecture"] is None


@pytest.mark.parametrize("kind", ["architecture", "no safetensors", "cut", "hash"])
def test_a_lora_that_is_not_right_leaves_no_file(
    server: Server, catalogue: Catalogue, tmp_path: Path, kind: str
) -> None:
    catalogue = with_lora(catalogue, sha256="0" * 64) if kind == "hash" else with_lora(catalogue)
    metadata = {"creative_lab.architecture": "flux1" if kind == "architecture" else "sdxl"}
    tiny.lora(tmp_path / "l.safetensors", metadata=metadata)
    data = b"\x80\x04pickle" if kind == "no safetensors" else (tmp_path / "l.safetensors").read_bytes()
    offer_lora(server, data)
    if kind == "cut":
        server.cut_after = [10**9, 100, 200, 300]
    wanted = {"architecture": LoraMismatch, "no safetensors": UnsafeModel, "cut": PassingError, "hash": UnsafeModel}
    with pytest.raises(wanted[kind]):
        downloads.pull_lora(catalogue, "ink", civitai=server.url)
    folder = catalogue.settings.models_root / "loras"
    left = [path.name for path in folder.iterdir() if path.suffix == ".safetensors"]
    assert left == []


def test_without_a_key_or_an_air_nothing_is_asked(server: Server, catalogue: Catalogue) -> None:
    keyless = with_lora(Catalogue.load(catalogue.settings.model_copy(update={"civitai_api_key": None})))
    with pytest.raises(ImagingError, match="CREATIVE_LAB_CIVITAI_API_KEY"):
        downloads.pull_lora(keyless, "ink", civitai=server.url)
    own = with_lora(catalogue, air=None, path="loras/own.safetensors")
    with pytest.raises(ModelNotHere, match="no AIR"):
        downloads.pull_lora(own, "ink", civitai=server.url)
    assert server.requests == []
