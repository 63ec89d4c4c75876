"""Downloads from the public network: no private address is ever reached, files arrive whole or not at all.

Every connection, redirects included, goes to an address that was looked up, checked and then used itself, so that a
name cannot point elsewhere between check and use.
"""

from __future__ import annotations

import contextlib
import email.utils
import fcntl
import hashlib
import ipaddress
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from creative_lab.imaging.errors import ImagingError, PassingError, UnsafeModel

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 3
"""How often in a row a download is tried without a new byte."""
FIRST_WAIT_S = 1.0
"""Pause after the first failure; it doubles with every further one."""
LONGEST_WAIT_S = 120.0
"""A server that asks for a longer pause is left to another pull."""

OnBytes = Callable[[int, int | None], None]
"""Called with (bytes here, bytes in all or None)."""


@dataclass(frozen=True)
class NetworkPolicy:
    """What may be reached. ``loopback`` lists origins such as http://127.0.0.1:8080 (a mirror, or a test)."""

    offline: bool = False
    loopback: tuple[str, ...] = ()


def check_address(url: str, policy: NetworkPolicy) -> str:
    """The IP address to connect to for ``url``.

    Raises :class:`ImagingError` for other schemes than https, names with credentials, and every host of which any
    address is private, local, link-local, multicast or reserved.
    """
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    host = parts.hostname or ""
    if origin in policy.loopback and host in {"127.0.0.1", "::1", "localhost"}:
        return "::1" if host == "::1" else "127.0.0.1"
    if policy.offline:
        raise ImagingError(f"CREATIVE_LAB_OFFLINE is set and {host} is not this machine")
    if parts.scheme != "https" or not host or parts.username or parts.password:
        raise ImagingError(f"refused to reach {parts.scheme}://{host}: only https without credentials is used")
    try:
        found = socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise PassingError(f"{host} cannot be looked up: {error}") from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        ip = ipaddress.ip_address(address.split("%")[0])
        mapped = getattr(ip, "ipv4_mapped", None) or ip
        if not mapped.is_global or mapped.is_multicast:
            raise ImagingError(f"refused to reach {host}: {address} is not a public address")
    return addresses[0]


def client(policy: NetworkPolicy, *, timeout_s: float = 30.0) -> httpx.Client:
    """An HTTP client that reaches what the policy allows; follows redirects under the same checks."""
    import httpx

    class Pinned(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            address = check_address(str(request.url), policy)
            headers = request.headers.copy()
            headers["Host"] = request.url.netloc.decode()
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": request.url.host},
            )
            return super().handle_request(pinned)

    return httpx.Client(transport=Pinned(), timeout=timeout_s, follow_redirects=True, trust_env=False, max_redirects=5)


def fetch_json(url: str, policy: NetworkPolicy, headers: Mapping[str, str] | None = None) -> Any:
    """A JSON document. Raises :class:`ImagingError` for a refusal, :class:`PassingError` for a passing failure."""
    import httpx

    try:
        with client(policy) as http:
            answer = http.get(url, headers=dict(headers or {}))
            _judge(answer, url)
            return answer.json()
    except httpx.HTTPError as error:
        raise PassingError(f"{_host(url)}: {type(error).__name__}: {error}") from error
    except ValueError as error:
        if isinstance(error, ImagingError):
            raise
        raise PassingError(f"{_host(url)} did not answer with JSON") from error


def download(
    url: str,
    target: Path,
    policy: NetworkPolicy,
    *,
    sha256: str | None = None,
    size: int | None = None,
    headers: Mapping[str, str] | None = None,
    on_bytes: OnBytes | None = None,
) -> str:
    """Download to ``target`` and return its SHA-256; the name appears only when the bytes are right.

    An interrupted download is resumed where the server can (``Range``), by a later call too when ``sha256`` is known:
    without it nothing could tell whether the halves belong together. A part whose hash turns out wrong is removed.
    Passing failures are tried again after a growing pause, or the one that the server asks for, until
    :data:`ATTEMPTS` in a row brought nothing. Raises :class:`UnsafeModel` when hash or size differ,
    :class:`ImagingError` for refusals and too little space, :class:`PassingError` otherwise.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name[:150]}.download")
    with _alone(part):
        try:
            if sha256 is None:
                os.truncate(part, 0)
            _persist(url, part, policy, headers or {}, size, on_bytes)
            digest = _digest(part)
            if size is not None and part.stat().st_size != size:
                raise UnsafeModel(_wrong(target, url, f"{part.stat().st_size} bytes instead of {size}"))
            if sha256 is not None and digest != sha256:
                raise UnsafeModel(_wrong(target, url, f"SHA-256 {digest[:12]}… instead of {sha256[:12]}…"))
        except BaseException as error:
            if sha256 is None or isinstance(error, UnsafeModel) or part.stat().st_size == 0:
                part.unlink(missing_ok=True)
            raise
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return digest


def free_bytes(folder: Path) -> int:
    """Free space where ``folder`` is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_space(folder: Path, needed: int) -> None:
    """Refuse to start what would need more than half of the free space."""
    free = free_bytes(folder)
    if free < 2 * needed:
        raise ImagingError(
            f"{folder}: {free / 1e9:.1f} GB are free; {needed / 1e9:.1f} GB are to be stored, "
            "and twice that must be free"
        )


@contextlib.contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Hold an unfinished file against other processes. Raises :class:`PassingError` when another one has it."""
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between opening and locking, the other one may have renamed or removed what was opened.
            mine = part.exists() and part.stat().st_ino == os.fstat(descriptor).st_ino
        except BlockingIOError:
            mine = False
        if not mine:
            raise PassingError(f"{part}: another process is fetching this file; wait until it has finished")
        yield
    finally:
        os.close(descriptor)


def _persist(
    url: str, part: Path, policy: NetworkPolicy, headers: Mapping[str, str], size: int | None, on_bytes: OnBytes | None
) -> None:
    """Fetch into ``part`` until it is whole, waiting between failures; see :func:`download`."""
    furthest, failures = part.stat().st_size, 0
    while True:
        try:
            _receive(url, part, policy, headers, size, on_bytes)
            return
        except PassingError as error:
            if (here := part.stat().st_size) > furthest:
                furthest, failures = here, 0
            failures += 1
            pause = FIRST_WAIT_S * 2 ** (failures - 1) if error.wait_s is None else error.wait_s
            if pause > LONGEST_WAIT_S:
                raise PassingError(f"{error}, and asks to wait {pause:.0f} s: pull again later") from error
            if failures == ATTEMPTS:
                raise
            time.sleep(pause)


def _wrong(target: Path, url: str, difference: str) -> str:
    return f"{target.name} from {_host(url)}: {difference}; nothing was kept"


def _receive(
    url: str,
    part: Path,
    policy: NetworkPolicy,
    headers: Mapping[str, str],
    size: int | None,
    on_bytes: OnBytes | None,
) -> None:
    import httpx

    here = part.stat().st_size
    if size is not None and here > size:
        here = 0  # asked for from its beginning, the file is written anew
    if size is not None and here == size and here:
        return
    asked = dict(headers) | ({"Range": f"bytes={here}-"} if here else {}) | {"Accept-Encoding": "identity"}
    try:
        with client(policy) as http, http.stream("GET", url, headers=asked) as answer:
            if answer.status_code == 416:  # what is here is not a beginning of what is there
                os.truncate(part, 0)
                raise PassingError(f"{_host(url)} cannot resume: starting again")
            _judge(answer, url)
            if here and answer.status_code != 206:
                here = 0
            length = answer.headers.get("content-length")
            whole = here + int(length) if length and length.isdigit() else size
            if whole is not None:
                require_space(part.parent, whole - here)
            with part.open("ab" if here else "wb") as file:
                for chunk in answer.iter_raw():  # as it comes: what arrived before a cut is kept
                    file.write(chunk)
                    here += len(chunk)
                    if size is not None and here > size:
                        raise UnsafeModel(f"{_host(url)} sent more than the {size} bytes of {part.name}")
                    if on_bytes:
                        on_bytes(here, whole)
            if whole is not None and here < whole:
                raise PassingError(f"{_host(url)} closed after {here} of {whole} bytes")
    except httpx.HTTPError as error:
        raise PassingError(f"{_host(url)}: {type(error).__name__}: {error}") from error


def _judge(answer: httpx.Response, url: str) -> None:
    host, status = _host(url), answer.status_code
    if status in {401, 403}:
        raise ImagingError(f"{host} refuses ({status}): accept the model's terms there and check the key")
    if status == 404:
        raise ImagingError(f"{host} has no {urlsplit(url).path} (404)")
    if status in {408, 425, 429} or status >= 500:
        raise PassingError(f"{host} answered {status}", wait_s=_seconds(answer.headers.get("retry-after")))
    if status >= 400:
        raise ImagingError(f"{host} answered {status}")


def _seconds(retry_after: str | None) -> float | None:
    """What a Retry-After header asks for: seconds, or a moment; None when there is none that can be read."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None


def _host(url: str) -> str:
    return urlsplit(url).hostname or "?"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
