"""Downloads from the public network: no private address is ever reached, files arrive whole or not at all.

Every connection, redirects included, goes to an address that was looked up, checked and then used itself, so that a
name cannot point elsewhere between check and use.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from creative_lab.imaging.errors import ImagingError, PassingError, UnsafeModel

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 3

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
            _judge(answer.status_code, url)
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

    An interrupted download is resumed where the server can (``Range``); a part whose hash turns out wrong is removed.
    Passing failures are tried three times, each from where the last one stopped. Raises :class:`UnsafeModel` when
    hash or size differ, :class:`ImagingError` for refusals and too little space, :class:`PassingError` otherwise.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name[:150]}.download")
    problem: PassingError | None = None
    for _ in range(ATTEMPTS):
        try:
            _receive(url, part, policy, headers or {}, size, on_bytes)
            break
        except PassingError as error:
            problem = error
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    else:
        assert problem is not None
        if sha256 is None:  # nothing could tell later whether the halves belong together
            part.unlink(missing_ok=True)
        raise problem
    digest = _digest(part)
    wrong = None
    if size is not None and part.stat().st_size != size:
        wrong = f"{part.stat().st_size} bytes instead of {size}"
    elif sha256 is not None and digest != sha256:
        wrong = f"SHA-256 {digest[:12]}… instead of {sha256[:12]}…"
    if wrong:
        part.unlink(missing_ok=True)
        raise UnsafeModel(f"{target.name} from {_host(url)}: {wrong}; nothing was kept")
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


def _receive(
    url: str,
    part: Path,
    policy: NetworkPolicy,
    headers: Mapping[str, str],
    size: int | None,
    on_bytes: OnBytes | None,
) -> None:
    import httpx

    here = part.stat().st_size if part.exists() else 0
    if size is not None and here > size:
        part.unlink()
        here = 0
    if size is not None and here == size and here:
        return
    asked = dict(headers) | ({"Range": f"bytes={here}-"} if here else {}) | {"Accept-Encoding": "identity"}
    try:
        with client(policy) as http, http.stream("GET", url, headers=asked) as answer:
            if answer.status_code == 416:  # what is here is not a beginning of what is there
                part.unlink(missing_ok=True)
                raise PassingError(f"{_host(url)} cannot resume: starting again")
            _judge(answer.status_code, url)
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


def _judge(status: int, url: str) -> None:
    host = _host(url)
    if status in {401, 403}:
        raise ImagingError(f"{host} refuses ({status}): accept the model's terms there and check the key")
    if status == 404:
        raise ImagingError(f"{host} has no {urlsplit(url).path} (404)")
    if status in {408, 425, 429} or status >= 500:
        raise PassingError(f"{host} answered {status}")
    if status >= 400:
        raise ImagingError(f"{host} answered {status}")


def _host(url: str) -> str:
    return urlsplit(url).hostname or "?"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
