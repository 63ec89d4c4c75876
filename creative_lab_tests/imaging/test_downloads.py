"""Pulling weights from a hub on this machine: space, licence, hash, resume, and no way to private addresses."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from creative_lab.imaging import downloads, net
from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.errors import ImagingError, ModelNotHere, PassingError, UnsafeModel
from creative_lab_tests.imaging import tiny
from creative_lab_tests.imaging.conftest import change_presets
from creative_lab_tests.imaging.file_server import COMMIT, Server


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
    server.cut_after = [3000, 3000, 3000]
    digest = hashlib.sha256(data).hexdigest()
    with pytest.raises(PassingError, match="received 0 bytes, expected 2000"):
        net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server), sha256=digest, size=len(data))
    assert not (tmp_path / "x.bin").exists()
    net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server), sha256=digest, size=len(data))
    assert server.requests[-1][1]["range"] == "bytes=3000-"
    assert [path.name for path in tmp_path.iterdir()] == ["x.bin"]


def test_a_pull_goes_on_as_long_as_bytes_arrive(server: Server, tmp_path: Path) -> None:
    data = b"x" * 6000
    server.files["/x"] = data
    server.cut_after = [1000, 2000, 2000, 3000, 4000, 4000, 5000]
    digest = hashlib.sha256(data).hexdigest()
    net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server), sha256=digest, size=len(data))
    assert (tmp_path / "x.bin").read_bytes() == data and len(server.requests) == 8


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_download_keeps_what_arrived_for_the_next_pull(
    server: Server, tmp_path: Path, stop: type[BaseException]
) -> None:
    data = bytes(range(256)) * 4096
    server.files["/x"] = data
    known: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}

    def interrupt(here: int, _whole: int | None) -> None:
        raise stop

    with pytest.raises(stop):
        net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server), **known, on_bytes=interrupt)
    part = tmp_path / ".x.bin.download"
    assert 0 < (kept := part.stat().st_size) < len(data)
    net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server), **known)
    assert server.requests[-1][1]["range"] == f"bytes={kept}-"
    assert (tmp_path / "x.bin").read_bytes() == data

    with pytest.raises(stop):  # without a hash nobody could tell whether the halves belong together
        net.download(f"{server.url}/x", tmp_path / "y.bin", policy(server), size=len(data), on_bytes=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["x.bin"]


def test_a_key_that_expires_between_two_pulls_costs_nothing_that_is_here(server: Server, tmp_path: Path) -> None:
    data = b"x" * 5000
    server.files["/x"] = data
    (tmp_path / ".x.bin.download").write_bytes(data[:3000])
    server.statuses = [401]
    known: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    with pytest.raises(ImagingError, match="refuses"):
        net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server), **known)
    net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server), **known)
    assert server.requests[-1][1]["range"] == "bytes=3000-"


def test_a_file_that_another_process_is_fetching_is_left_to_it(server: Server, tmp_path: Path) -> None:
    server.files["/x"] = b"x" * 5000
    digest = hashlib.sha256(server.files["/x"]).hexdigest()
    part = tmp_path / ".x.bin.download"
    hold = f"import fcntl; f = open({str(part)!r}, 'ab'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline()
        with pytest.raises(PassingError, match="another process is fetching"):
            net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server), sha256=digest)
        assert part.exists() and server.requests == []
        other.communicate(b"\n")
    net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server), sha256=digest)
    assert (tmp_path / "x.bin").read_bytes() == server.files["/x"]


def test_a_busy_server_is_given_the_time_that_it_asks_for(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    monkeypatch.setattr(net, "FIRST_WAIT_S", 1.0)
    server.files["/x"] = b"12345"
    server.statuses, server.retry_after = [429, 503], "7"
    net.download(f"{server.url}/x", tmp_path / "x.bin", policy(server))
    assert pauses == [7.0, 7.0]
    server.statuses, server.retry_after = [429], "90000"
    with pytest.raises(PassingError, match="answered 429, and asks to wait 90000 s"):
        net.download(f"{server.url}/x", tmp_path / "y.bin", policy(server))
    pauses.clear()
    server.statuses, server.retry_after = [503, 503], ""
    net.download(f"{server.url}/x", tmp_path / "z.bin", policy(server))
    assert pauses == [1.0, 2.0]


def test_an_interrupted_pull_counts_as_incomplete_until_it_is_pulled_again(
    server: Server, catalogue: Catalogue, tiny_models: Path
) -> None:
    server.publish(REPO, tiny_models / "zimage")
    plan = downloads.plan_pull(catalogue, "zimageturbo", hub=server.url)
    # The list of the parts is the first file to arrive, and the only one.
    plan = dataclasses.replace(plan, files=tuple(sorted(plan.files, key=lambda file: file.path != "model_index.json")))
    seen: set[str] = set()

    def interrupt(name: str, _here: int, _whole: int | None) -> None:
        seen.add(name)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        downloads.pull(catalogue, plan, hub=server.url, on_file=interrupt)
    weights = catalogue.weights("zimageturbo")
    assert (plan.target / "model_index.json").is_file()
    assert catalogue.state(weights) == "incomplete"
    for refused in (lambda: catalogue.located(weights), lambda: downloads.verify_model(catalogue, "zimageturbo")):
        with pytest.raises(ModelNotHere, match=rf"stopped with 1 of {len(plan.files)} files.*models pull zimageturbo"):
            refused()
    downloads.pull(catalogue, plan, hub=server.url)
    assert catalogue.state(weights) == "here"
    assert downloads.verify_model(catalogue, "zimageturbo").unknown == 0
    assert not [path.name for path in plan.target.iterdir() if path.name.startswith(".")]


def test_two_adapters_in_one_folder_each_keep_their_own_state_and_hashes(
    server: Server, catalogue: Catalogue, tmp_path: Path
) -> None:
    folder = tmp_path / "adapters"
    names = ("ip-adapter-plus-face_sdxl_vit-h", "ip-adapter_sdxl_vit-h")
    for name in (*(f"sdxl_models/{name}.safetensors" for name in names), "models/image_encoder/model.safetensors"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        tiny.lora(folder / name)
    server.publish("h94/IP-Adapter", folder)
    first, second = "ip-adapter-plus-face-sdxl", "ip-adapter-sdxl"
    downloads.pull(catalogue, downloads.plan_pull(catalogue, first, hub=server.url), hub=server.url)
    listed = {line.slug: line for line in catalogue.listing()}
    assert (listed[first].state, listed[second].state) == ("here", "not pulled")

    def interrupt(_name: str, _here: int, _whole: int | None) -> None:
        raise KeyboardInterrupt

    plan = downloads.plan_pull(catalogue, second, hub=server.url)
    with pytest.raises(KeyboardInterrupt):
        downloads.pull(catalogue, plan, hub=server.url, on_file=interrupt)
    listed = {line.slug: line for line in catalogue.listing()}
    assert (listed[first].state, listed[second].state) == ("here", "incomplete")
    downloads.pull(catalogue, plan, hub=server.url)
    assert downloads.verify_model(catalogue, first).checked == 3
    size = (folder / f"sdxl_models/{names[0]}.safetensors").stat().st_size
    assert {line.slug: line.size_bytes for line in catalogue.listing()}[first] == 2 * size


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
