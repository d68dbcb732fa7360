"""Plugins: how they are found, in which order their hooks are called."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import logging, sys
logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", stream=sys.stdout)
from drgn import Architecture, Platform, Program
import os
prog = Program()
print("made")  # No hook has been called yet.
prog.set_pid(os.getpid())
"""
BROKEN = "raise ValueError('broken')\n"


def hook(text: str, priority: int | str | None = None) -> str:
    source = f"def drgn_prog_set(prog): print({text!r}, prog.flags.name)\n"
    if priority is not None:
        source += f"drgn_prog_set.drgn_priority = {priority!r}\n"
    return source


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A directory with some plugins, two of them installed."""
    sources = {
        "early": hook("early", 10),
        "late": hook("late", 90),
        "other": hook("other"),
        "second": hook("second"),
        "broken": BROKEN,
        "raises": "def drgn_prog_set(prog): 1 / 0\n",
        "useless": "",
        "strange": hook("strange", "high"),
    }
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source)
    info = tmp_path / "someone-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: someone\n")
    info.joinpath("entry_points.txt").write_text(
        "[console_scripts]\nx = y:z\n[drgn.plugins]\none = late\ntwo = other\n"
    )
    return tmp_path


def run(
    plugins: Path, enabled: str = "", disabled: str = "", script: str = SCRIPT
) -> list[str]:
    result = subprocess.run(
        [sys.executable, "-c", script],
        env={
            **os.environ,
            "PYTHONPATH": str(plugins),
            "DRGN_PLUGINS": enabled,
            "DRGN_DISABLE_PLUGINS": disabled,
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return result.stdout.splitlines()


FLAGS = "IS_LIVE|IS_LOCAL"


@pytest.mark.parametrize(
    ("enabled", "disabled", "called"),
    [
        ("", "", ["other", "late"]),
        ("", "two", ["late"]),
        ("", "t*,x", ["late"]),
        ("", "*", []),
        ("two", "*", ["other"]),
        ("a=early", "", ["early", "other", "late"]),
        ("a=second,b=early", "one", ["early", "second", "other"]),
        ("a={}/early.py", "*", ["early"]),
        ("z=second,b=other", "*", ["other", "second"]),
        ("d=late,c=second,b=early,a=other", "*", ["early", "other", "second", "late"]),
        (",,a=useless,", "*", []),
    ],
)
def test_order(plugins: Path, enabled: str, disabled: str, called: list[str]) -> None:
    lines = run(plugins, enabled.format(plugins), disabled)
    assert lines == ["made", *(f"{name} {FLAGS}" for name in called)]


@pytest.mark.parametrize(
    ("enabled", "message"),
    [
        ("bad=broken", "failed to load 'bad=broken':"),
        ("bad=nowhere", "failed to load 'bad=nowhere':"),
        ("bad=/nowhere.py", "failed to load 'bad=/nowhere.py':"),
        ("bad=", "failed to load 'bad=':"),
        ("three", "not found: 'three'"),
        ("bad=raises", "'bad' drgn_prog_set failed:"),
        ("bad=strange", "'bad' drgn_priority is not a number:"),
    ],
)
def test_what_fails_is_logged(plugins: Path, enabled: str, message: str) -> None:
    lines = run(plugins, enabled)
    assert lines[1] == f"WARNING drgn.plugins: {message}"
    assert lines[-2:] == [f"other {FLAGS}", f"late {FLAGS}"]


COMMANDS = """
from types import SimpleNamespace
from drgn import ProgramFlags
from drgn.commands import DEFAULT_COMMAND_NAMESPACE
kernel = SimpleNamespace(flags=ProgramFlags.IS_LINUX_KERNEL)
print(*sorted(name for name, _ in DEFAULT_COMMAND_NAMESPACE.enabled(kernel)))
"""


@pytest.mark.parametrize(
    ("enabled", "disabled", "commands"),
    [
        ("", "", "crash help py sh source"),
        ("", "crash_commands", "help py sh source"),
        ("", "builtin_*", "crash"),
        ("", "*", ""),
        ("crash_commands", "*", "crash"),
        ("builtin_commands", "builtin_commands,x", "crash help py sh source"),
    ],
)
def test_commands_that_come_along(
    plugins: Path, enabled: str, disabled: str, commands: str
) -> None:
    assert run(plugins, enabled, disabled, COMMANDS) == [commands]


def test_commands_that_come_along_are_found(plugins: Path) -> None:
    lines = run(plugins, "builtin_commands,crash_commands,three", "*")
    assert lines == ["made", "WARNING drgn.plugins: not found: 'three'"]
