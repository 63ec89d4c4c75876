"""An OpenAI-compatible server on loopback that looks at pictures: prepared answers, and what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class VisionServer:
    """A running server. ``answers`` are texts, or numbers of HTTP errors, one per request; the last one is repeated."""

    api_base: str
    answers: list[str | int]
    requests: list[dict[str, Any]] = field(default_factory=list)

    def next(self) -> str | int:
        """What the present request is answered with."""
        return self.answers[min(len(self.requests), len(self.answers)) - 1]


@contextmanager
def serve(*answers: str | int) -> Iterator[VisionServer]:
    """Run the server in a thread until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    state = VisionServer(f"http://127.0.0.1:{server.server_address[1]}/v1", list(answers))
    server.state = state  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        state: VisionServer = self.server.state  # type: ignore[attr-defined]
        state.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        answer = state.next()
        if isinstance(answer, int):
            body, status = {"error": {"message": "not now"}}, answer
        else:
            message = {"role": "assistant", "content": answer}
            usage = {"prompt_tokens": 900, "completion_tokens": 20, "total_tokens": 920}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            body = {"id": "1", "object": "chat.completion", "model": "eyes", "choices": [choice], "usage": usage}
            status = 200
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: Any) -> None:
        pass
