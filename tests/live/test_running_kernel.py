"""drgn on the running kernel, as root of a guest: /proc/kcore, and changing it."""

from __future__ import annotations

import fcntl
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from lab import live
from lab.manifest import Lab

from drgn import ProgramFlags

SCRIPT = Path(__file__).with_name("in_guest.py")


@pytest.fixture(scope="session")
def facts(lab: Lab, shared_directory: Path) -> dict[str, Any]:
    """What in_guest.py saw; it runs once for all workers."""
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("no qemu-system-x86_64")
    directory = shared_directory / "live"
    directory.mkdir(exist_ok=True)
    output = directory / "output"
    with open(directory / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not output.exists():
            output.write_text(live.run(lab, SCRIPT.read_text(), directory))
    out = output.read_text()
    assert out.startswith("{"), out
    seen: dict[str, Any] = json.loads(out)
    return seen


def test_what_runs(lab: Lab, facts: dict[str, Any]) -> None:
    assert facts["by default"] == [
        str(
            ProgramFlags.IS_LINUX_KERNEL | ProgramFlags.IS_LIVE | ProgramFlags.IS_LOCAL
        ),
        f'(const char [{len(lab.kernel) + 1}])"{lab.kernel}"',
        '(char [65])"live"',
    ]
    assert facts["errors by default"] == ""
    assert facts["-k"] == facts["by default"]
    flags = ProgramFlags.IS_LIVE | ProgramFlags.IS_LOCAL
    assert facts["core_dump_path"] == "/proc/kcore"
    assert facts["-p"] == [str(flags.value), "1"]


def test_another_user(facts: dict[str, Any]) -> None:
    assert facts["sudo"][:1] == ["-p"] and "/proc/kcore" in facts["sudo"][1]
    assert facts["by sudo"] == facts["by default"]
    assert facts["errors by sudo"] == ""
    assert facts["without sudo"] == (
        "[Errno 13] Permission denied: '/proc/kcore'\n"
        "error: debugging the running kernel requires root privileges\n"
    )


def test_tasks(facts: dict[str, Any]) -> None:
    ours, of_proc = facts["tasks"]
    # Those that came or went in between aside.
    assert len(set(ours) ^ set(of_proc)) <= 2 and len(ours) > 50
    assert facts["myself"] == ["python3", True, True]


def test_modules_and_symbols(facts: dict[str, Any]) -> None:
    ours, of_proc = facts["modules"]
    assert ours == of_proc and "dummy" in ours
    assert facts["have no files"] == []
    for name, address in facts["symbols"].items():
        assert address == facts["kallsyms"][name], name


def test_memory(facts: dict[str, Any]) -> None:
    assert facts["memory of a process"] == "pydrgn"
    assert facts["physical"] == ["console=", "console="]
    assert facts["found"]
    assert facts["fault"] == ["FaultError", "0x0"]
    before, after = facts["ticks"]
    assert before < after


def test_stacks(facts: dict[str, Any]) -> None:
    init, myself = facts["stacks"]
    assert init[0] in ("context_switch", "__schedule")
    assert "do_wait" in init or "__do_wait" in init
    assert facts["bt of myself"] == ["(active)"]
    assert myself == "UnsupportedOperation: cannot unwind stack of running task"


def test_kmodify(facts: dict[str, Any]) -> None:
    assert facts["written"] == ["written", "written"]
    assert facts["object"] == [7, "7\n"]
    assert facts["calls"] == [
        "(int)12",
        "(size_t)5",
        "ObjectNotFoundError: could not find function 'no_such_function'",
    ]
    assert facts["said"].endswith("hello from 42 drgns")
