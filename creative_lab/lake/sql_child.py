"""The locked-down process that runs one analyst's query. Started by :mod:`creative_lab.lake.sql`, by file name.

DuckDB calls running foreign SQL unsafe by design, so there are several walls. The query must be one SELECT by its
syntax tree (a WITH clause may hide a COPY). DuckDB may open nothing but the catalogue and the folder of the views'
files, and its configuration is locked. The kernel (Landlock, where Linux has it) refuses every write, every other file
and every connection. No file can grow (RLIMIT_FSIZE). Memory and time are bounded. The environment is empty.

Standard input: {"database", "folder", "sql", "timeout_s", "memory_mb", "max_rows"}. Standard output: one JSON object.
"""

from __future__ import annotations

import base64
import ctypes
import datetime
import decimal
import json
import math
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

_QUERY_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE", "VALUES_NODE"}

# Landlock's numbers, from linux/landlock.h; the system calls have the same numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_CHANGES_V1 = sum(1 << bit for bit in range(4, 13))  # remove and make entries of every kind
_REFER = 1 << 13
_PR_SET_NO_NEW_PRIVS, _PR_SET_PDEATHSIG, _SIGKILL = 38, 1, 9


class Refused(Exception):
    """The statement is not one that may run."""


def confine(readable: list[str]) -> int:
    """Refuse this process everything but reading below ``readable``; returns Landlock's version, 0 where missing."""
    if not sys.platform.startswith("linux"):
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, 1)
    if version < 1:
        return 0
    handled = _EXECUTE | _WRITE_FILE | _READ_FILE | _READ_DIR | _CHANGES_V1
    handled |= (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0) | (_IOCTL if version >= 5 else 0)
    network = 0b11 if version >= 4 else 0  # binding and connecting of TCP
    attributes = (ctypes.c_uint64 * 3)(handled, network, 0)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, 16 if version >= 4 else 8, 0)
    if ruleset < 0:
        return 0
    for name in readable:
        try:
            descriptor = os.open(name, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
        except OSError:
            continue
        allowed = _READ_FILE | (_READ_DIR if Path(name).is_dir() else 0)
        rule = (ctypes.c_char * 12).from_buffer(
            bytearray(allowed.to_bytes(8, sys.byteorder) + descriptor.to_bytes(4, sys.byteorder))
        )
        libc.syscall(_ADD_RULE, ruleset, 1, rule, 0)
        os.close(descriptor)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.syscall(_RESTRICT_SELF, ruleset, 0) != 0:
        return 0
    os.close(ruleset)
    return int(version)


def check_statement(connection: Any, sql: str) -> None:
    """Raises Refused unless ``sql`` is exactly one statement that only reads."""
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise Refused("give exactly one statement" if statements else "there is no statement")
    kind = statements[0].type.name
    if kind != "SELECT":
        raise Refused(f"only SELECT is allowed, not {kind.replace('_', ' ')}")
    tree = json.loads(connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [sql]).fetchone()[0])
    if tree.get("error"):
        raise Refused(f"only SELECT is allowed: {tree.get('error_message', 'unknown statement')}")
    waiting: list[Any] = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            kind = item.get("type")
            if isinstance(kind, str) and kind.endswith("_NODE") and "class" not in item and kind not in _QUERY_NODES:
                raise Refused(
                    f"only SELECT is allowed, not {kind.removesuffix('_NODE').removesuffix('_QUERY')} inside it"
                )
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def connect(database: str, folder: str, memory_mb: int) -> Any:
    """A read-only connection that can open nothing but the catalogue and what lies in ``folder``."""
    import duckdb

    connection = duckdb.connect(
        database,
        read_only=True,
        config={
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "allow_community_extensions": "false",
            "memory_limit": f"{memory_mb}MB",
            "threads": "1",
            "max_temp_directory_size": "0MB",
        },
    )
    quoted = "'" + folder.replace("'", "''") + "'"
    connection.execute(f"SET allowed_directories = [{quoted}]")
    for setting in (
        "SET TimeZone = 'UTC'",
        "SET enable_external_access = false",
        "SET python_enable_replacements = false",
        "SET lock_configuration = true",
    ):
        connection.execute(setting)
    return connection


def plain(value: Any) -> Any:
    """A value of DuckDB as JSON can hold it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return str(value)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run the request and describe the result or the error."""
    import duckdb

    # Modules that fetching values would import later, when files can no longer be read.
    for module in ("pytz", "uuid"):
        try:
            __import__(module)
        except ImportError:
            continue
    connection = connect(request["database"], request["folder"], request["memory_mb"])
    landlock = confine([request["database"], request["folder"], "/sys/fs/cgroup", "/usr/share/zoneinfo"])
    # The signal's default action ends the process, whatever DuckDB is busy with.
    signal.setitimer(signal.ITIMER_REAL, request["timeout_s"])
    try:
        check_statement(connection, request["sql"])
        cursor = connection.execute(request["sql"])
        columns = [(item[0], str(item[1])) for item in cursor.description]
        rows = cursor.fetchmany(request["max_rows"] + 1)
    except Refused as error:
        return {"error": "refused", "message": str(error), "landlock": landlock}
    except (MemoryError, duckdb.OutOfMemoryException):
        return {
            "error": "failed",
            "message": f"the query needs more than {request['memory_mb']} MB",
            "landlock": landlock,
        }
    except duckdb.Error as error:
        message = " ".join(str(error).split("\n\n")[0].split())
        refused = isinstance(error, duckdb.PermissionException | duckdb.InvalidInputException)
        return {"error": "refused" if refused else "failed", "message": message[:500], "landlock": landlock}
    return {
        "columns": [name for name, _ in columns],
        "types": [kind for _, kind in columns],
        "rows": [[plain(value) for value in row] for row in rows[: request["max_rows"]]],
        "truncated": len(rows) > request["max_rows"],
        "landlock": landlock,
    }


def main() -> None:
    """Read the request, build the walls, answer."""
    request = json.loads(sys.stdin.read())
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    # Address space of the interpreter, DuckDB and the rows in Python, beside DuckDB's own limit.
    room = (2 * request["memory_mb"] + 3072) << 20
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    sys.stdout.write(json.dumps(answer(request)))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
