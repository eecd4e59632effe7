"""The event log of a seed is one and the same file, whatever the process was like that wrote it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from canarium.clock import DEFAULT_START
from canarium.lab.demo import run_demo
from canarium.lab.silent_canary import Beat

MAIN = "from canarium.cli.main import main; main()"


def in_a_process_of_its_own(seed: int, hash_seed: int, folder: Path) -> bytes:
    """The trace that `canarium demo --fast --seed N --trace FILE` writes under one PYTHONHASHSEED."""
    trace = folder / f"trace-{seed}-{hash_seed}.jsonl"
    command = [sys.executable, "-c", MAIN, "demo", "--fast", "--no-color", "--seed", str(seed), "--trace", str(trace)]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "TMPDIR": str(folder)}
    subprocess.run(command, check=True, env=environment, capture_output=True, timeout=120)
    return trace.read_bytes()


def in_this_process(seed: int, folder: Path) -> tuple[bytes, list[Beat]]:
    trace, beats = folder / "trace.jsonl", list[Beat]()
    run_demo(beats.append, seed=seed, trace=trace)
    return trace.read_bytes(), beats


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Seed 7 under hash seed 1."""
    return in_a_process_of_its_own(7, 1, tmp_path_factory.mktemp("hash-seed-one"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Beat]]:
    """Seed 8, in this process."""
    return in_this_process(8, tmp_path_factory.mktemp("seed-eight"))


def titles(told: list[Beat]) -> list[str]:
    """The chapters of the story."""
    return [beat.text for beat in told if beat.kind == "title"]


def difference(one: bytes, other: bytes) -> str:
    """The first line that differs, for a person to read; empty when there is none."""
    ours, theirs = one.splitlines(), other.splitlines()
    for number, (mine, yours) in enumerate(zip(ours, theirs, strict=False), start=1):
        if mine != yours:
            return f"line {number}:\n  {mine[:600]!r}\n  {yours[:600]!r}"
    return "" if len(ours) == len(theirs) else f"{len(ours)} lines and {len(theirs)} lines"


def test_another_hash_seed_and_another_folder_give_the_same_trace(trace: bytes, tmp_path: Path) -> None:
    assert difference(trace, in_a_process_of_its_own(7, 2, tmp_path)) == ""


def test_a_process_that_ran_another_story_before_gives_the_same_trace(
    trace: bytes, other: tuple[bytes, list[Beat]], tmp_path: Path
) -> None:
    """Nothing is carried over from one run to the next, and caches that are warm change nothing."""
    again, told = in_this_process(7, tmp_path)

    assert difference(trace, again) == ""
    assert titles(told) == titles(other[1])


def test_another_seed_gives_another_trace(trace: bytes, other: tuple[bytes, list[Beat]]) -> None:
    assert difference(trace, other[0]) != ""


def test_every_line_says_what_happened_and_when_in_virtual_time(trace: bytes) -> None:
    entries: list[dict[str, Any]] = [json.loads(line) for line in trace.splitlines()]
    moments = [datetime.fromisoformat(entry["at"]) for entry in entries]

    assert all(list(entry)[:2] == ["at", "what"] for entry in entries)
    assert moments == sorted(moments)
    assert moments[0] - DEFAULT_START < timedelta(seconds=1)
    assert timedelta(minutes=1) < moments[-1] - DEFAULT_START < timedelta(minutes=20)
    kinds = Counter(entry["what"] for entry in entries)
    assert {kind for kind in ("write", "decision", "measurement", "scrape") if not kinds[kind]} == set(), kinds
    for entry in entries:
        if entry["what"] == "decision":
            assert entry["because"], entry
            assert all(reason["reason"] and reason["says"] for reason in entry["because"]), entry


def test_nothing_of_the_machine_is_in_it(trace: bytes) -> None:
    """No folder, no address of an object, and every time of day is a virtual one."""
    text = trace.decode()
    days = set(re.findall(r"\d{4}-\d\d-\d\d(?=T\d\d:\d\d)", text))

    assert "/tmp/" not in text
    assert "hash-seed-one" not in text
    assert "0x7f" not in text
    assert days == {f"{DEFAULT_START:%Y-%m-%d}"}
