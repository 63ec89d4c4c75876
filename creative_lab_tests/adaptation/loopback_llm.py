"""An OpenAI-compatible server on loopback that answers with prepared briefs, drafts and judgements.

It knows nothing but the request: the model's name says which node asks, the prompt says about which spot and target.
The drafts stand in ``drafts/<spot>/<target>.json``. A judge of culture that finds the words of ``culture_failure`` in
the prompt fails the draft, and a writer who is told so answers with the next draft.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DRAFTS = Path(__file__).parent / "drafts"
TITLES = {"The Long Way Home": "the-long-way-home", "Just One": "just-one", "Small Change": "small-change"}
TARGETS = {"de-DE": "de-de", "ja-JP": "ja-jp", "ar-AE": "ar-ae"}
NODE_MODELS = {
    "concept": "loopback/strategist",
    "culture": "loopback/ethnographer",
    "format_gate": "loopback/proof-reader",
    "culture_gate": "loopback/culture-judge",
    "concept_gate": "loopback/concept-judge",
    "brand_gate": "loopback/brand-judge",
}
"""Model that each node is set to; every other model writes."""

GREEN = {
    "reasoning": "Every criterion was compared with the draft, row by row.",
    "passed": True,
    "score": 0.93,
    "issues": [],
    "summary": "Nothing to change.",
}


@cache
def prepared(spot: str, name: str) -> dict[str, Any]:
    """A prepared file: ``concept``, or the culture, drafts and planned failure of a target."""
    return dict(json.loads((DRAFTS / spot / f"{name}.json").read_text(encoding="utf-8")))


def answer(model: str, prompt: str) -> dict[str, Any]:
    """What the model called ``model`` says to ``prompt``."""
    if model.endswith("-judge") or model == NODE_MODELS["format_gate"]:
        return _judgement(prompt) if model == NODE_MODELS["culture_gate"] else GREEN
    spot = next(slug for title, slug in TITLES.items() if f'"{title}"' in prompt)
    if model == NODE_MODELS["concept"]:
        return prepared(spot, "concept")
    tag = max(TARGETS, key=prompt.count)
    target = prepared(spot, TARGETS[tag])
    if model == NODE_MODELS["culture"]:
        return dict(target["culture"])
    return dict(target["drafts"][_told(target, prompt)])


def _judgement(prompt: str) -> dict[str, Any]:
    for spot in TITLES.values():
        for target in TARGETS.values():
            failure = prepared(spot, target).get("culture_failure")
            if failure and failure["when"] in prompt:
                return dict(failure["evaluation"])
    return GREEN


def _told(target: dict[str, Any], prompt: str) -> int:
    """1 when the prompt brings the feedback of the planned failure, else 0."""
    failure = target.get("culture_failure")
    issues = failure["evaluation"]["issues"] if failure else []
    return int(any(issue["description"] in prompt for issue in issues))


@dataclass
class LoopbackLLM:
    """A running server: its address and every request that it got."""

    api_base: str
    requests: list[dict[str, Any]] = field(default_factory=list)

    def models(self) -> list[str]:
        """Names of the models asked, in order."""
        return [request["model"] for request in self.requests]


@contextmanager
def serve() -> Iterator[LoopbackLLM]:
    """Run the server in a thread until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    state = LoopbackLLM(f"http://127.0.0.1:{server.server_address[1]}/v1")
    server.state = state  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, name="loopback-llm", daemon=True)
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
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        state: LoopbackLLM = self.server.state  # type: ignore[attr-defined]
        state.requests.append(body)
        prompt = "\n".join(str(message["content"]) for message in body["messages"])
        try:
            text, status = json.dumps(answer(body["model"], prompt), ensure_ascii=False), 200
        except (StopIteration, FileNotFoundError) as problem:
            text, status = f"nothing is prepared for this prompt: {problem!r}", 422
        reply = {
            "id": f"chatcmpl-{len(state.requests)}",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}},
            ],
            "usage": {
                "prompt_tokens": len(prompt) // 4,
                "completion_tokens": len(text) // 4,
                "total_tokens": (len(prompt) + len(text)) // 4,
            },
        }
        data = json.dumps(reply if status == 200 else {"error": {"message": text}}, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        return
