"""The review page as a person sees it: served by its own command, opened in a real browser."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from creative_lab.launch.instance import environment
from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab_tests.launch.lab_processes import free_port, wait_for
from creative_lab_tests.worked_lab import GREEN, SPOT, WAITING

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine (apt install chromium)"),
]

Browse = Callable[..., str]


@pytest.fixture(scope="module")
def address(worked: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the page, served as ``creative-lab up`` serves it."""
    port = free_port()
    log = tmp_path_factory.mktemp("review") / "log.txt"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "creative_lab.review.app", str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=REPOSITORY_ROOT,
            env=environment(worked),
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: server.poll() is not None or answers(f"{url}/health"), "the page answers")
        assert server.poll() is None, log.read_text()
        yield url
    finally:
        server.terminate()
        server.wait(20)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def browser(tmp_path: Path) -> Browse:
    """Runs chromium with the given options and returns what it prints."""

    def run(*options: str) -> str:
        assert CHROMIUM is not None
        quiet = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        own = [*quiet, "--no-first-run", "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}"]
        home = {**os.environ, "HOME": str(tmp_path)}
        done = subprocess.run([CHROMIUM, *own, *options], capture_output=True, timeout=120, check=False, env=home)
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
        return done.stdout.decode()

    return run


def picture(browser: Browse, url: str, path: Path, width: int = 1280) -> Image.Image:
    browser(f"--window-size={width},900", f"--screenshot={path}", url)
    image = Image.open(io.BytesIO(path.read_bytes()))
    assert image.format == "PNG"
    return image.convert("RGB")


def test_the_list_shows_titles_and_chips_of_what_waits(address: str, browser: Browse) -> None:
    page = browser("--dump-dom", address)
    assert "<title>Review · Creative Lab</title>" in page
    assert "<h1>Adapted scripts</h1>" in page
    assert re.findall(r'<span class="chip (\w+)">', page) == ["failed", "pending", "passed", "pending"]
    assert page.index(WAITING) < page.index(GREEN)


def test_a_script_opens_with_its_document_in_a_frame_and_a_form_to_decide(address: str, browser: Browse) -> None:
    page = browser("--dump-dom", f"{address}/scripts/{SPOT}/{GREEN}")
    assert f"<title>{SPOT} · {GREEN} · Creative Lab</title>" in page
    assert '<button class="approved" name="decision" value="approved">Approve</button>' in page
    document = browser("--dump-dom", f"{address}/scripts/{SPOT}/{GREEN}/document")
    assert "<h1>Small Change</h1>" in document
    assert "Gates passed" in document


def test_the_frame_beside_the_form_really_shows_the_document(address: str, browser: Browse, tmp_path: Path) -> None:
    # A busy machine may take its picture before the frame is painted; one that is refused is never painted.
    for attempt in range(6):
        image = picture(browser, f"{address}/scripts/{SPOT}/{GREEN}", tmp_path / f"script-{attempt}.png")
        assert image.size == (1280, 900)
        # A frame that is refused by a policy is one blank colour; a document has type on paper.
        frame = image.crop((60, 120, 880, 800))
        colours = len(set(frame.resize((164, 136)).getdata()))
        if colours > 30:
            break
    assert colours > 30


@pytest.mark.parametrize("path", ["/", f"/scripts/{SPOT}/{GREEN}", f"/scripts/{SPOT}/{WAITING}/document"])
def test_nothing_runs_out_of_a_page_1280_pixels_wide(address: str, browser: Browse, tmp_path: Path, path: str) -> None:
    """What runs out to the right of a narrow window would be painted there by a wider one, where the margin is."""
    image = picture(browser, f"{address}{path}", tmp_path / "page.png")
    colours = set(image.crop((1270, 120, 1280, 900)).getdata())
    assert len(colours) == 1, f"something stands in the right margin: {colours}"
