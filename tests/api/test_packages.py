"""Packages that are reached without an import, and private ones that scripts import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import drgn
from drgn.internal.rlcompleter import Completer

# What scripts that `drgn` runs may write after `import drgn` alone.
REACHED = """
import drgn
print(drgn.cli.version_header.__name__)
print(drgn.commands.linux.linux_kernel_command.__name__)
print(drgn.helpers.ValidationError.__name__)
print(drgn.helpers.common.format.escape_ascii_string.__name__)
print(drgn.helpers.experimental.__name__)
print(drgn.helpers.linux.pid.find_task.__name__)
print(drgn.internal.version.__version__)
"""


def test_packages_are_reached_without_an_import() -> None:
    output = subprocess.run(
        [sys.executable, "-c", REACHED], capture_output=True, text=True, check=True
    ).stdout
    assert output.split() == [
        "version_header",
        "linux_kernel_command",
        "ValidationError",
        "escape_ascii_string",
        "drgn.helpers.experimental",
        "find_task",
        drgn.__version__,
    ]


def test_what_is_not_there_is_an_attribute_error() -> None:
    for module in (drgn, drgn.helpers, drgn.commands):
        with pytest.raises(AttributeError, match=f"^module '{module.__name__}' has no"):
            _ = module.nothing


class TestCompleter:
    def complete(self, text: str) -> list[str | None]:
        names = {"word": {"key": "text"}, "wood": [1], "o": "text"}
        completer = Completer(names)
        found = [completer.complete(text, 0)]
        while found[-1] is not None:
            found.append(completer.complete(text, len(found)))
        return found

    def test_names(self) -> None:
        assert self.complete("wo") == ["wood", "word", None]

    def test_attributes_behind_subscripts(self) -> None:
        assert self.complete("o.upp") == ["o.upper(", None]
        assert self.complete("word['key'].upp") == ["word['key'].upper(", None]
        assert self.complete("wood[0].rea") == ["wood[0].real", None]
        assert self.complete("word['none'].upp") == [None]


def test_commands_of_crash_by_upstreams_private_name() -> None:
    from drgn.commands import _crash, crash
    from drgn.commands._crash import common

    for name in ("CRASH_COMMAND_NAMESPACE", "crash_command", "crash_custom_command"):
        assert getattr(_crash, name) is getattr(crash, name)
    assert common.crash_raw_command is crash.crash_raw_command


def test_commands_of_the_prompt_by_upstreams_private_name() -> None:
    from drgn.commands import _builtin

    assert _builtin._cmd_sh(drgn.Program(), "sh", "exit 3") == 3


class TestRepl:
    def run(self, namespace: str) -> tuple[str, str]:
        """What the prompt prints, and its errors."""
        script = f"import drgn\nfrom drgn.internal.repl import interact\n{namespace}\n"
        done = subprocess.run(
            [sys.executable, "-c", script],
            input="word * 2\nprog\n%sh echo from the shell\n",
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout, done.stderr

    def test_names_banner_and_commands(self) -> None:
        output, errors = self.run(
            "interact({'word': 'ab', 'prog': drgn.Program()}, 'Welcome.')"
        )
        assert "Welcome." in errors
        assert "'abab'" in output
        assert "<_drgn.Program object at" in output
        assert "from the shell" in output

    def test_without_a_program(self) -> None:
        _, errors = self.run("interact({'word': 'ab'}, '')")
        assert "NoDefaultProgramError: no default program" in errors
