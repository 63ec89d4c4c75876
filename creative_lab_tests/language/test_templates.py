"""Prompt templates: versions and counts on a real database, and attacks on the renderer."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.language.errors import TemplateError
from creative_lab.language.sandbox import MAX_TEMPLATE_BYTES, Sandbox, visible
from creative_lab.language.sandbox_worker import untrusted
from creative_lab.language.templates import TemplateStore
from creative_lab.settings import Settings
from creative_lab.state.db import session_scope
from creative_lab.state.models import PromptTemplate


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


@pytest.fixture
def store(migrated_lab: Settings, sandbox: Sandbox) -> TemplateStore:
    store = TemplateStore(migrated_lab, sandbox=sandbox)
    store.save("greeting", "Hello {{ name }}", name="Greeting", category="concept", expected_variables={"name": "who"})
    return store


def test_each_edit_is_a_new_version_and_only_the_newest_is_active(store: TemplateStore) -> None:
    made = store.save("greeting", "Good day {{ name }}")
    assert (made.version, made.is_active, made.name, made.category) == (2, True, "Greeting", "concept")
    assert made.expected_variables == {"name": "who"}
    assert [(version.version, version.is_active) for version in store.history("greeting")] == [(2, True), (1, False)]
    assert store.render("greeting", {"name": "you"}) == "Good day you"


def test_saving_what_is_active_already_changes_nothing(store: TemplateStore) -> None:
    assert store.save("greeting", "Hello {{ name }}").version == 1
    assert len(store.history("greeting")) == 1


def test_a_rollback_is_the_older_version_made_active_again(store: TemplateStore) -> None:
    store.save("greeting", "Good day {{ name }}")
    assert store.activate("greeting", 1).is_active
    assert store.render_version("greeting", {"name": "you"}).version == 1
    assert [version.is_active for version in store.history("greeting")] == [False, True]
    assert store.save("greeting", "Third").version == 3
    with pytest.raises(TemplateError, match="no version 9"):
        store.activate("greeting", 9)


@pytest.mark.parametrize(
    "template, line, told",
    [
        ("fine\n{{ name", 2, "end of"),
        ("a\nb\n{% if name %}", 3, "end of template"),
        ("{{ name | nofilter }}", 1, "nofilter"),
        ("x\n{% include 'other' %}", 2, "other templates"),
        ("{% extends 'other' %}", 1, "other templates"),
        ("{% import 'other' as o %}", 1, "other templates"),
        ("x" * (MAX_TEMPLATE_BYTES + 1), None, "larger than"),
    ],
)
def test_a_wrong_template_is_refused_with_its_line_and_nothing_is_saved(
    store: TemplateStore, template: str, line: int | None, told: str
) -> None:
    with pytest.raises(TemplateError, match=told) as caught:
        store.save("greeting", template)
    assert caught.value.line == line
    assert store.render("greeting", {"name": "you"}) == "Hello you"
    assert len(store.history("greeting")) == 1


def test_an_unknown_slug_and_a_missing_value_are_errors(store: TemplateStore) -> None:
    with pytest.raises(TemplateError, match="'nothing'"):
        store.render("nothing", {})
    with pytest.raises(TemplateError, match="greeting version 1: 'name' is undefined"):
        store.render("greeting", {})
    with pytest.raises(TemplateError, match="needs a name and a category"):
        store.save("fresh", "text")
    assert store.history("greeting")[0].usage_count == 0


def test_an_edit_in_another_process_holds_at_the_next_render(store: TemplateStore) -> None:
    assert store.render("greeting", {"name": "you"}) == "Hello you"
    code = (
        "from creative_lab.language.templates import TemplateStore\n"
        "from creative_lab.settings import get_settings\n"
        "TemplateStore(get_settings()).save('greeting', 'Changed for {{ name }}')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert store.render("greeting", {"name": "you"}) == "Changed for you"


def test_uses_at_the_same_moment_all_count_and_are_no_edit(store: TemplateStore, migrated_lab: Settings) -> None:
    def edited() -> object:
        with session_scope(migrated_lab) as session:
            return session.query(PromptTemplate.updated_at).scalar()

    before = edited()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.render("greeting", {"name": str(n)}), range(40)))
    used = store.history("greeting")[0]
    assert used.usage_count == 40
    assert used.last_used_at is not None
    assert edited() == before


def test_editors_at_the_same_moment_get_one_version_each(store: TemplateStore) -> None:
    ready = threading.Barrier(6)

    def edit(n: int) -> int:
        ready.wait(30)
        return store.save("greeting", f"Version of {n} for {{{{ name }}}}").version

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(edit, range(6))) == [2, 3, 4, 5, 6, 7]
    assert [version.is_active for version in store.history("greeting")] == [True] + [False] * 6


ATTACKS = {
    "classes of a string": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "globals of a function": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "globals of a method": "{{ name.format.__globals__ }}",
    "attribute filter": "{{ name | attr('__class__') }}",
    "attribute by format": "{{ '{0.__class__.__init__}'.format(name) }}",
    "attribute by map": "{{ [name] | map(attribute='__class__') | first }}",
    "own environment": "{{ self._TemplateReference__context }}{{ self.__init__ }}",
    "changing a value": "{{ things.append(1) }}",
    "file": "{% include '/etc/passwd' %}",
    "huge range": "{% for a in range(10**7) %}x{% endfor %}",
    "nested loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "endless output": "{% for a in range(99999) %}{% for b in range(99999) %}aaaaaaaa{% endfor %}{% endfor %}",
    "long text by constant": "{{ 'a' * 10**8 }}",
    "long text by value": "{{ name * 10**9 }}",
    "long text by doubling": "{% set n = namespace(s='a') %}{% for i in range(60) %}{% set n.s = n.s*2 %}{% endfor %}",
    "long text by format": "{{ ('%' ~ '999999999d') % things[0] }}",
    "long text by filter": "{{ name | center(10**9) }}",
    "huge power": "{{ (things[0] + 9) ** (10 ** 9) }}",
    "endless macro": "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
    "deep brackets": "{{ " + "(" * 20000 + "1" + ")" * 20000 + " }}",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_by_template_is_stopped_and_the_next_render_works(sandbox: Sandbox, name: str) -> None:
    with pytest.raises(TemplateError):
        sandbox.render(ATTACKS[name], {"name": "x", "things": [1]})
    assert sandbox.render("{{ name }}", {"name": "still here"}) == "still here"


def test_values_are_data_and_never_template(sandbox: Sandbox) -> None:
    payload = "{{ 7 * 7 }}{% for a in range(9) %}"
    assert sandbox.render("{{ name }}", {"name": payload}) == payload
    assert sandbox.render("{{ name }}", {"name": "<b>&'\""}) == "<b>&'\""
    with pytest.raises(TemplateError, match="the value of thing is not data"):
        sandbox.render("{{ thing }}", {"thing": object()})


def test_the_worker_knows_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREATIVE_LAB_OPENAI_API_KEY", "sk-canary")
    sandbox = Sandbox()
    sandbox.render("x", {})
    worker = sandbox._worker
    assert worker is not None
    assert b"canary" not in Path(f"/proc/{worker.pid}/environ").read_bytes()
    sandbox.close()


def test_a_worker_that_was_killed_is_replaced(sandbox: Sandbox) -> None:
    sandbox.render("x", {})
    assert sandbox._worker is not None
    os.kill(sandbox._worker.pid, signal.SIGKILL)
    sandbox._worker.wait(30)
    assert sandbox.render("{{ 1 + 1 }}", {}) == "2"


def test_the_worker_ends_with_its_parent() -> None:
    code = (
        "import os\n"
        "from creative_lab.language.sandbox import shared_sandbox\n"
        "shared_sandbox().render('x', {})\n"
        "print(shared_sandbox()._worker.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    pid = int(done.stdout)
    for _ in range(600):
        try:
            if Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z":
                return
        except OSError:
            return
        threading.Event().wait(0.05)
    pytest.fail(f"process {pid} was left behind")


@pytest.mark.parametrize(
    "text, shown",
    [
        ("plain\ttext\nline", "plain\ttext\nline"),
        ("a\u200bb\u2060c\ufeffd", "abcd"),
        ("\U000e0041\U000e007fhidden", "hidden"),
        ("left\u202eright\u2066", "leftright"),
        ("a\u200db", "ab"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("nul\x00bell\x07", "nulbell"),
        ("half \ud83d pair", "half  pair"),
        ("café, 東京, ไทย, العربية, emoji 🙂", "café, 東京, ไทย, العربية, emoji 🙂"),
    ],
)
def test_invisible_characters_go_and_spelling_stays(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.lists(st.sampled_from(["<", "/", " ", "untrusted", "UNTRUSTED", ">", ' id="', "\n", "x", "\u200b"])))
def test_untrusted_text_cannot_close_its_block(parts: list[str]) -> None:
    first, *middle, last = untrusted(visible("".join(parts)), "script").split("\n")
    mark = first.removeprefix('<untrusted name="script" id="').removesuffix('">')
    assert last == f'</untrusted id="{mark}">'
    assert not re.search(r"<\s*/?\s*untrusted", "\n".join(middle), re.IGNORECASE)
