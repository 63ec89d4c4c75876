"""Writes are whole or absent, whatever fails."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.lake.fs import PART_SUFFIX, FileSystem
from creative_lab_tests.lake.faults import ERRORS, FailingCalls

OLD, NEW = b"old" * 1000, b"new" * 700_000  # longer than the buffer, so that it is written in several calls


def _parts(folder: Path) -> list[Path]:
    return list(folder.rglob(f"*{PART_SUFFIX}"))


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_whichever_call_fails_a_reader_sees_the_old_file_or_the_new_one(tmp_path: Path, error: int) -> None:
    outcomes = set()
    for number in range(1, 200):
        folder = tmp_path / str(number)
        FileSystem(folder).write_bytes("a/b.bin", OLD)
        calls = FailingCalls(number, error)
        try:
            FileSystem(folder, calls=calls).write_bytes("a/b.bin", NEW)
            failed = False
        except OSError as caught:
            assert caught.errno == error
            failed = True
        seen = FileSystem(folder).read_bytes("a/b.bin")
        assert seen in (OLD, NEW)
        assert seen == NEW or failed, "a write that reported success is not there"
        assert [file.name for file in FileSystem(folder).list()] == ["a/b.bin"]
        outcomes.add((failed, seen == OLD))
        assert FileSystem(folder).write_bytes("a/b.bin", NEW).sha256 == hashlib.sha256(NEW).hexdigest()
        if not calls.failed:
            break
    else:
        pytest.fail("the write never got through")
    assert number > 8, "open, several writes, fsync, close, rename and the folder's fsync were all made to fail"
    assert outcomes == {(True, True), (True, False), (False, False)}


def test_a_new_file_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    for number in range(1, 200):
        calls = FailingCalls(number, errno.ENOSPC)
        folder = tmp_path / str(number)
        try:
            FileSystem(folder, calls=calls).write_bytes("deep/er/x", NEW)
        except OSError:
            assert not _parts(tmp_path)
            assert all(FileSystem(folder).read_bytes(file.name) == NEW for file in FileSystem(folder).list())
        if not calls.failed:
            return
    pytest.fail("the write never got through")


def test_an_error_of_the_caller_leaves_the_old_file(tmp_path: Path) -> None:
    files = FileSystem(tmp_path)
    files.write_bytes("x", OLD)
    with pytest.raises(KeyboardInterrupt), files.writer("x") as file:
        file.write(NEW)
        raise KeyboardInterrupt
    assert files.read_bytes("x") == OLD
    assert not _parts(tmp_path)


def test_a_file_size_limit_leaves_the_old_file_and_one_clear_error(tmp_path: Path) -> None:
    FileSystem(tmp_path).write_bytes("x", OLD)
    script = textwrap.dedent("""
        import resource, signal, sys
        from creative_lab.lake.fs import FileSystem
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        try:
            FileSystem(sys.argv[1]).write_bytes("x", b"n" * (2 << 20))
        except OSError as error:
            print(error.errno)
    """)
    run = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(run.stdout) == errno.EFBIG
    assert FileSystem(tmp_path).read_bytes("x") == OLD
    assert not _parts(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
        )
        if os.geteuid() == 0
        else None
    )
    if mount is None or mount.returncode:
        pytest.skip("mounting a small tmpfs needs root" if mount is None else f"no tmpfs here: {mount.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_no_partial_file_and_the_next_write_works(small_disk: Path) -> None:
    files = FileSystem(small_disk)
    files.write_bytes("x", OLD)
    with pytest.raises(OSError) as caught:
        files.write_bytes("x", b"n" * (5 << 20))
    assert caught.value.errno == errno.ENOSPC
    assert files.read_bytes("x") == OLD
    assert not _parts(small_disk)
    assert files.write_bytes("x", b"n" * (2 << 20)).bytes == 2 << 20


def test_killing_a_writer_200_times_never_shows_a_partial_file(tmp_path: Path) -> None:
    files = FileSystem(tmp_path)
    random.seed(7)

    def content(number: int) -> bytes:
        body = bytes([number % 251]) * random.Random(number).randrange(1, 400_000)
        return hashlib.sha256(body).digest() + body

    files.write_bytes("x", content(0))
    seen = set()
    for kill in range(200):
        child = os.fork()
        if not child:
            number = kill * 1000
            while True:  # until it is killed
                number += 1
                files.write_bytes("x", content(number))
        time.sleep(random.random() * 0.02)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        data = files.read_bytes("x")
        assert hashlib.sha256(data[32:]).digest() == data[:32]
        assert [file.name for file in files.list()] == ["x"]
        seen.add(data[:32])
    assert len(seen) > 50, "the kills came before anything was written"
    assert _parts(tmp_path), "no kill hit a write, so the test shows nothing"
    assert files.sweep(older_than_s=3600) == []
    assert len(files.sweep(older_than_s=0)) > 0
    assert not _parts(tmp_path)


def test_sweeping_spares_finished_and_recent_files(tmp_path: Path) -> None:
    files = FileSystem(tmp_path)
    files.write_bytes("kept.part.bin", b"1")
    old, recent = tmp_path / ".a.part", tmp_path / ".b.part"
    old.write_bytes(b"")
    recent.write_bytes(b"")
    os.utime(old, (1, 1))
    assert files.sweep() == [".a.part"]
    assert recent.exists()
    assert files.exists("kept.part.bin")


def test_content_addressed_files_are_stored_once(tmp_path: Path) -> None:
    files = FileSystem(tmp_path)
    name, digest = files.put(b"picture", ".png")
    before = files.path(name).stat().st_ino
    assert files.put(b"picture", ".png") == (name, digest)
    assert files.path(name).stat().st_ino == before
    assert name == f"objects/{digest[:2]}/{digest}.png"
    assert hashlib.sha256(files.read_bytes(name)).hexdigest() == digest


@given(st.text(max_size=40))
def test_no_name_leaves_the_root(name: str) -> None:
    files = FileSystem("/tmp/lake-root")
    try:
        path = files.path(name)
    except ValueError:
        return
    assert path.is_relative_to("/tmp/lake-root")
    assert ".." not in path.parts


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a/..", "nul\0"])
def test_names_that_leave_the_root_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="leaves"):
        FileSystem(tmp_path).write_bytes(name, b"x")


def test_seeking_writers_are_hashed_as_they_end_up(tmp_path: Path) -> None:
    with FileSystem(tmp_path).writer("x") as file:
        file.write(b"0000rest")
        file.seek(0)
        file.write(b"HEAD")
    assert file.stored is not None
    assert file.stored.sha256 == hashlib.sha256(b"HEADrest").hexdigest()
    assert file.stored.bytes == 8


def test_an_open_reader_keeps_the_old_content(tmp_path: Path) -> None:
    files = FileSystem(tmp_path)
    files.write_bytes("x", OLD)
    with files.open("x") as reader:
        files.write_bytes("x", NEW)
        assert reader.read() == OLD
    with files.open("x") as reader:
        files.remove("x")
        assert reader.read() == NEW
    files.remove("x")
    assert not files.exists("x")


def test_listing_is_sorted_and_versions_change_with_the_content(tmp_path: Path) -> None:
    files = FileSystem(tmp_path)
    for name in ["t/b/data.parquet", "t/a/data.parquet", "t/a/.hidden.parquet", "other/x"]:
        files.write_bytes(name, b"1")
    listed = files.list("t", suffix=".parquet")
    assert [file.name for file in listed] == ["t/a/data.parquet", "t/b/data.parquet"]
    files.write_bytes("t/a/data.parquet", b"2")
    again = files.list("t", suffix=".parquet")
    assert again[0].version != listed[0].version
    assert again[1] == listed[1]
    assert files.list("nowhere") == []


def test_a_lock_is_held_by_one_at_a_time_and_freed_by_death(tmp_path: Path) -> None:
    files = FileSystem(tmp_path)
    inside, most = 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with files.lock("x"):
                with guard:
                    inside += 1
                    most = max(most, inside)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    child = os.fork()
    if not child:
        with files.lock("x"):
            (tmp_path / "held").touch()
            signal.pause()
    deadline = time.monotonic() + 10
    while not (tmp_path / "held").exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with files.lock("x"):
        pass


def test_a_frame_written_into_a_file_is_hashed_as_it_ends_up(tmp_path: Path) -> None:
    with FileSystem(tmp_path).writer("x.parquet") as file:
        pl.DataFrame({"a": range(100_000)}).write_parquet(file)
    assert file.stored is not None
    assert file.stored.sha256 == hashlib.sha256((tmp_path / "x.parquet").read_bytes()).hexdigest()
