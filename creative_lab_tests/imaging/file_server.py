"""A hub on this machine: files by path, with ranges, redirects and prepared failures."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from pathlib import Path
from typing import Any

COMMIT = "a" * 40


class Server:
    """Files by path over HTTP, with ranges, redirects and prepared failures."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.cut_after: list[int] = []
        self.statuses: list[int] = []
        self.retry_after = ""
        self.redirects: dict[str, str] = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                outer.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                if outer.statuses:
                    self.send_response(outer.statuses.pop(0))
                    if outer.retry_after:
                        self.send_header("Retry-After", outer.retry_after)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
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
