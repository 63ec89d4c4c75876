"""The review page over a real lab: what people see, what they decide, and what other pages and strangers cannot do."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from creative_lab.adaptation.stored import APPROVAL_KIND as KIND
from creative_lab.lake.tables import TableStore
from creative_lab.review import approvals
from creative_lab.review.app import create_app
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab_tests.worked_lab import GREEN, SPOT, WAITING

pytestmark = pytest.mark.slow

HERE = "http://127.0.0.1:3001"
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
HTML = ("/", f"/scripts/{SPOT}/{GREEN}", f"/scripts/{SPOT}/{GREEN}/document", "/scripts/no/such")


@pytest.fixture
def client(worked: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(worked), base_url=HERE, follow_redirects=False) as client:
        yield client


def content(settings: Settings, target: str) -> str:
    row = TableStore(settings).read("adaptation_results", [{"spot": SPOT, "target": target}])
    return str(row["content_hash"].item())


def form(client: TestClient, target: str = GREEN, **changes: str | None) -> dict[str, str]:
    """The fields that a browser would send for the page of a script, with changes (None leaves a field out)."""
    page = client.get(f"/scripts/{SPOT}/{target}").text
    fields: dict[str, str | None] = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    fields |= {"decision": "approved", "who": "Ada", "note": ""} | changes
    return {name: value for name, value in fields.items() if value is not None}


def decisions(settings: Settings, target: str = GREEN) -> list[tuple[str, str, str]]:
    with db.session_scope(settings) as session:
        return [(e.decision, e.who, e.content_hash) for e in approvals.history(session, KIND, f"{SPOT}|{target}")]


def test_the_list_shows_what_waits_with_the_worst_first(client: TestClient) -> None:
    page = client.get("/").text
    assert page.index(f"/scripts/{SPOT}/{WAITING}") < page.index(f"/scripts/{SPOT}/{GREEN}")
    assert "2 of 2 wait for a decision" in page
    assert "cannot translate from English (en-US) to German (de-DE)" in page
    assert [item["target"] for item in client.get("/api/queue").json()] == [WAITING, GREEN]
    assert client.get("/health").json() == {"status": "ok"}


def test_a_scripts_page_shows_its_document_and_allows_approval_only_of_a_green_one(client: TestClient) -> None:
    green, waiting = (client.get(f"/scripts/{SPOT}/{target}").text for target in (GREEN, WAITING))
    assert f'src="/scripts/{SPOT}/{GREEN}/document" sandbox' in green
    assert "disabled" not in re.findall(r'<button class="approved".*?>', green)[0]
    assert "disabled" in re.findall(r'<button class="approved".*?>', waiting)[0]
    document = client.get(f"/scripts/{SPOT}/{GREEN}/document").text
    assert "Small Change" in document
    assert "Gates passed" in document
    assert "<ins title=" in document


@pytest.mark.parametrize("path", [*HTML, "/health", "/api/queue", "/no/such/page"])
def test_every_answer_forbids_scripts_sniffing_and_storing(client: TestClient, path: str) -> None:
    answer = client.get(path)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3001", "127.0.0.1.evil.example", "testserver", ""])
def test_a_request_under_another_name_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert SPOT not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("token", [None, "", "x" * 43, "ü€"])
def test_a_decision_without_the_pages_token_is_refused_and_nothing_is_recorded(
    client: TestClient, worked: Settings, token: str | None
) -> None:
    before = decisions(worked)
    answer = client.post(f"/scripts/{SPOT}/{GREEN}/decision", data=form(client, token=token))
    assert answer.status_code == 403
    assert "open the page again" in answer.text
    assert decisions(worked) == before


def test_the_token_of_another_start_of_the_page_is_no_good(client: TestClient, worked: Settings) -> None:
    with TestClient(create_app(worked), base_url=HERE) as other:
        answer = client.post(f"/scripts/{SPOT}/{GREEN}/decision", data=form(other))
    assert answer.status_code == 403


def test_an_approval_is_recorded_for_exactly_the_content_that_was_shown(client: TestClient, worked: Settings) -> None:
    answer = client.post(f"/scripts/{SPOT}/{GREEN}/decision", data=form(client, note="Good."))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert decisions(worked)[-1] == ("approved", "Ada", content(worked, GREEN))
    page = client.get(f"/scripts/{SPOT}/{GREEN}").text
    assert "Good." in page
    assert 'class="chip approved"' in page
    assert "1 of 2 wait" in client.get("/").text


def test_content_that_has_changed_since_is_refused(client: TestClient, worked: Settings) -> None:
    before = decisions(worked)
    answer = client.post(f"/scripts/{SPOT}/{GREEN}/decision", data=form(client, content="0" * 64))
    assert answer.status_code == 409
    assert "look at it again" in answer.text
    assert decisions(worked) == before


def test_a_script_whose_gates_failed_cannot_be_approved_but_sent_back(client: TestClient, worked: Settings) -> None:
    path = f"/scripts/{SPOT}/{WAITING}/decision"
    refused = client.post(path, data=form(client, WAITING))
    assert refused.status_code == 409
    assert "cannot be approved" in refused.text
    assert client.post(path, data=form(client, WAITING, decision="changes_requested")).status_code == 409
    assert decisions(worked, WAITING) == []
    sent = client.post(path, data=form(client, WAITING, decision="changes_requested", note="Have it translated."))
    assert sent.status_code == 303
    assert decisions(worked, WAITING)[0][0] == "changes_requested"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"decision": "expired"}, 422),
        ({"decision": "'; drop table approvals; --"}, 422),
        ({"content": "short"}, 422),
        ({"content": None}, 422),
        ({"who": None}, 422),
        ({"who": " "}, 409),
        ({"who": "Ada\x00"}, 409),
        ({"who": "A" * 201}, 422),
        ({"note": "x" * 4001}, 422),
        ({"note": "\x00"}, 409),
        ({"decision": "rejected"}, 409),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_with_a_page_and_nothing_is_recorded(
    client: TestClient, worked: Settings, changes: dict[str, str | None], status: int
) -> None:
    before = decisions(worked)
    answer = client.post(f"/scripts/{SPOT}/{GREEN}/decision", data=form(client, **changes))
    assert answer.status_code == status
    assert "That did not work" in answer.text
    assert len(answer.text) < 20_000
    assert decisions(worked) == before


@pytest.mark.parametrize(
    "path",
    [
        "/scripts/nowhere/en-gb",
        f"/scripts/{SPOT}/fr-fr",
        f"/scripts/{SPOT}/nowhere/document",
        "/scripts/..%2f..%2fetc/passwd",
        "/scripts/..%2f..%2fetc/passwd/document",
        "/scripts/%00/%00/document",
        f"/scripts/{SPOT}/{GREEN}%00",
        f"/scripts/{'a' * 5000}/b",
        f"/scripts/{'a' * 5000}/b/document",
        "/scripts/%ff%fe/b",
        "/scripts/<img>/b/document",
        "/scripts//",
    ],
)
def test_a_script_that_is_not_there_is_not_found_whatever_its_name(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "<img>" not in answer.text
    assert "root:" not in answer.text


@given(spot=st.text(max_size=40), target=st.text(max_size=40))
@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_name_breaks_the_page(client: TestClient, spot: str, target: str) -> None:
    from urllib.parse import quote

    for end in ("", "/document"):
        path = f"/scripts/{quote(spot, safe='')}/{quote(target, safe='')}{end}"
        assert client.get(path).status_code in {200, 307, 404}


def test_hostile_words_in_a_script_its_findings_and_decisions_are_shown_as_text(
    client: TestClient, worked: Settings
) -> None:
    store, keys = TableStore(worked), {"spot": SPOT, "target": GREEN}
    script, result = store.read("adapted_scripts", [keys]), store.read("adaptation_results", [keys])
    with db.session_scope(worked) as session:
        approvals.record(
            session, KIND, f"{SPOT}|{GREEN}", content(worked, GREEN), "rejected", who=HOSTILE, note=HOSTILE
        )
    try:
        rewrite(store, "adapted_scripts", keys, script.with_columns(audio_text=pl.lit(f"VO: {HOSTILE}\n{HOSTILE}")))
        named = result.with_columns(target_name=pl.lit(HOSTILE), error_message=pl.lit(HOSTILE))
        rewrite(store, "adaptation_results", keys, named)
        pages = [client.get(path).text for path in HTML[:3]]
    finally:
        rewrite(store, "adapted_scripts", keys, script)
        rewrite(store, "adaptation_results", keys, result)
    for page in pages:
        assert "alert(" in page
        assert "<script" not in page
        assert "<img" not in page


def rewrite(store: TableStore, table: str, keys: dict[str, str], frame: pl.DataFrame) -> None:
    kept = frame.drop("run_id", "written_at", "backend")
    store.write(table, kept, partition=keys, run_id="test", backend="miniature")


def test_an_empty_lab_says_what_to_do(migrated_lab: Settings) -> None:
    with TestClient(create_app(migrated_lab), base_url=HERE) as client:
        page = client.get("/").text
    assert "Nothing has been adapted yet" in page
    assert "creative-lab demo" in page
