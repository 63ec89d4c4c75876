"""The review page: read adapted scripts as their audience will, and approve them or send them back.

It listens on this machine only and has no accounts; who decides is what the person enters. Against pages of other
sites it is protected by the Host header (DNS rebinding), by a token in every form (forged requests), and by a content
policy that allows no script at all.
"""

from __future__ import annotations

import getpass
import hmac
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from creative_lab.adaptation.stored import APPROVAL_KIND, approval_key
from creative_lab.lake.tables import MissingPartition
from creative_lab.review.queue import ReviewError, ReviewItem, decide, find_item, review_queue
from creative_lab.review.stored import stored_page
from creative_lab.settings import Settings, get_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HOST = "127.0.0.1"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-src 'self'; "
    "form-action 'self'; frame-ancestors 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
DECISIONS = {"approved": "Approve", "changes_requested": "Request changes", "rejected": "Reject"}
_LONGEST_NOTE = 4000


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
    )
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application over one lab."""
    settings = settings or get_settings()
    app = FastAPI(title="Creative Lab review", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    token = secrets.token_urlsafe(32)
    pages = _environment()

    @app.middleware("http")
    async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(pages.get_template(name).render(settings=settings, **values), status_code=status)

    def problem(message: str, status: int) -> HTMLResponse:
        return page("problem.html.j2", status, message=message)

    @app.exception_handler(StarletteHTTPException)
    def refuse(_: Request, error: StarletteHTTPException) -> HTMLResponse:
        return problem(str(error.detail), error.status_code)

    @app.exception_handler(RequestValidationError)
    def refuse_form(_: Request, error: RequestValidationError) -> HTMLResponse:
        # Without what was entered: it may be megabytes of anything.
        faults = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
        return problem(f"The form is not complete: {faults}", 422)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/", response_class=HTMLResponse)
    def queue() -> HTMLResponse:
        from creative_lab.state import db

        with db.session_scope(settings) as session:
            items = review_queue(settings, session)
        return page("queue.html.j2", items=items, waiting=sum(item.state == "pending" for item in items))

    @app.get("/api/queue")
    def queue_as_json() -> JSONResponse:
        from creative_lab.state import db

        with db.session_scope(settings) as session:
            return JSONResponse([_as_json(item) for item in review_queue(settings, session)])

    @app.get("/scripts/{spot}/{target}", response_class=HTMLResponse)
    def script(spot: str, target: str) -> HTMLResponse:
        from creative_lab.review.approvals import history
        from creative_lab.state import db

        try:
            with db.session_scope(settings) as session:
                item = find_item(settings, session, spot, target)
                entries = list(history(session, APPROVAL_KIND, approval_key(spot, target)))
        except ReviewError as error:
            return problem(str(error), 404)
        return page(
            "script.html.j2", item=item, entries=entries, token=token, who=getpass.getuser(), decisions=DECISIONS
        )

    @app.get("/scripts/{spot}/{target}/document", response_class=HTMLResponse)
    def document(spot: str, target: str) -> HTMLResponse:
        try:
            return HTMLResponse(stored_page(settings, spot, target))
        except (MissingPartition, ValueError) as error:
            return problem(str(error), 404)

    @app.post("/scripts/{spot}/{target}/decision")
    def decision(
        spot: str,
        target: str,
        decision: Annotated[str, Form()],
        content: Annotated[str, Form(min_length=64, max_length=64)],
        who: Annotated[str, Form(max_length=200)],
        note: Annotated[str, Form(max_length=_LONGEST_NOTE)] = "",
        given: Annotated[str, Form(alias="token")] = "",
    ) -> Response:
        from creative_lab.state import db

        if not hmac.compare_digest(given.encode(), token.encode()):
            raise HTTPException(403, "this form is too old: open the page again")
        if decision not in DECISIONS:
            raise HTTPException(422, f"unknown decision; known: {', '.join(DECISIONS)}")
        try:
            with db.session_scope(settings) as session:
                decide(settings, session, spot, target, decision, who=who, note=note, content=content)
        except (ReviewError, ValueError) as error:
            return problem(str(error), 409)
        return RedirectResponse("/", status_code=303)

    return app


def _as_json(item: ReviewItem) -> dict[str, Any]:
    return {
        "spot": item.spot,
        "target": item.target,
        "language": item.language,
        "gates": item.gates,
        "findings": {"critical": item.critical, "major": item.major, "minor": item.minor},
        "approval": item.state,
        "content_hash": item.content_hash,
        "backend": item.backend,
    }


def main() -> None:
    """Serve the review page until the process is told to end: ``python -m creative_lab.review.app PORT``."""
    import sys

    import uvicorn

    port = int(sys.argv[1]) if len(sys.argv) > 1 else 3001
    uvicorn.run(create_app(), host=HOST, port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
