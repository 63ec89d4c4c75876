"""The process in which prompt templates are rendered and damaged JSON is mended; started and watched by ``sandbox``.

It imports nothing of the platform, holds no secret, opens no file after its start and lives under limits of memory and
processor time which the kernel enforces. Jinja2's own sandbox keeps a template from reaching objects, but it does not
stop nested loops or a string of a hundred megabytes; and json-repair takes quadratic time over some texts (5 s for
16 kB). One request per line of JSON on stdin, one answer per line on stdout.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
import resource
import sys
from collections import OrderedDict
from typing import Any

MEMORY_BYTES = 384 * 1024 * 1024
"""Address space of the whole process; an idle one takes about 60 MB."""
CPU_SECONDS = 1
"""Processor time of one request (the kernel counts whole seconds, so up to one more)."""
MAX_OUTPUT_CHARS = 1_000_000
"""Longest rendered prompt, far beyond what any model reads."""
_COMPILED_KEPT = 64


def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    # Prompts need loops and conditions over their own variables; the rest only widens what an attacker can try.
    for name in ("lipsum", "cycler", "joiner"):
        environment.globals.pop(name)
    environment.filters |= {"untrusted": untrusted, "oneline": oneline}
    return environment


def untrusted(value: object, name: str) -> str:
    """``value`` inside a labelled block that it cannot close by itself: the closing mark holds a hash of the text."""
    text = re.sub(r"<(\s*/?\s*)untrusted", r"‹\1untrusted", str(value), flags=re.IGNORECASE)
    mark = hashlib.sha256(f"{name}\0{text}".encode("utf-8", "replace")).hexdigest()[:8]
    return f'<untrusted name="{name}" id="{mark}">\n{text}\n</untrusted id="{mark}">'


def oneline(value: object, length: int = 160) -> str:
    """``value`` as a short label inside a sentence: one line, no marks of a block, at most ``length`` characters."""
    text = re.sub(r"[<>`{}\s]+", " ", str(value)).strip()
    return text if len(text) <= length else text[: length - 1] + "…"


class Worker:
    """Checks and renders templates, keeping the compiled form of recent ones, and mends JSON."""

    def __init__(self) -> None:
        self._environment = _environment()
        self._compiled: OrderedDict[str, Any] = OrderedDict()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request's answer: ``text``, ``variables`` or ``value``; or ``error``, with a ``line`` if there is one."""
        import jinja2

        try:
            if request["op"] == "check":
                return {"variables": self._check(request["template"])}
            if request["op"] == "repair":
                return {"value": _repair(request["text"])}
            return {"text": self._render(request["template"], request["values"])}
        except jinja2.TemplateSyntaxError as error:
            return {"error": error.message or "syntax error", "line": error.lineno}
        except jinja2.UndefinedError as error:
            return {"error": str(error.message)}
        except jinja2.exceptions.SecurityError as error:
            return {"error": f"not allowed in a template: {error}"}
        except (MemoryError, OverflowError, RecursionError) as error:
            self._compiled.clear()
            return {"error": f"it asks for too much ({type(error).__name__})", "greedy": True}
        except Exception as error:
            # A template can raise anything; the words of the exception are all that its author needs.
            return {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}

    def _check(self, template: str) -> list[str]:
        from jinja2 import TemplateSyntaxError, meta, nodes

        tree = self._environment.parse(template)
        for kind in (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends):
            for node in tree.find_all(kind):
                raise TemplateSyntaxError("a prompt template cannot use other templates", node.lineno)
        self._compile(template)
        return sorted(meta.find_undeclared_variables(tree) - set(self._environment.globals))

    def _render(self, template: str, values: dict[str, Any]) -> str:
        parts: list[str] = []
        size = 0
        for part in self._compile(template).generate(values):
            size += len(part)
            if size > MAX_OUTPUT_CHARS:
                raise OverflowError
            parts.append(part)
        return "".join(parts)

    def _compile(self, template: str) -> Any:
        if template in self._compiled:
            self._compiled.move_to_end(template)
        else:
            self._compiled[template] = self._environment.from_string(template)
            while len(self._compiled) > _COMPILED_KEPT:
                self._compiled.popitem(last=False)
        return self._compiled[template]


def _repair(text: str) -> Any:
    import json_repair

    return json_repair.loads(text, skip_json_loads=True)


def main() -> None:
    """Answer requests until stdin ends, which it does when the parent process ends."""
    worker = Worker()
    # Everything that the libraries import late must be loaded before the limits hold.
    worker.answer({"op": "check", "template": "{% for a in [1] %}{{ a | tojson | untrusted('a') }}{% endfor %}"})
    worker.answer({"op": "render", "template": "{{ {'a': [1]} | tojson | indent }}", "values": {}})
    worker.answer({"op": "repair", "text": "{'a': [1, tru"})
    for limit, value in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        # macOS refuses some limits; time is bounded there all the same.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, resource.getrlimit(limit)[1]))
    out = sys.stdout
    print(json.dumps({"ready": True}), file=out, flush=True)
    for line in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = math.ceil(used.ru_utime + used.ru_stime)
        resource.setrlimit(resource.RLIMIT_CPU, (spent + CPU_SECONDS, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        try:
            text = json.dumps(worker.answer(json.loads(line)))
        except MemoryError:
            text = '{"error": "it asks for too much (MemoryError)", "greedy": true}'
        print(text, file=out, flush=True)


if __name__ == "__main__":
    main()
