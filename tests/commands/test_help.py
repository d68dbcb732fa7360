"""What commands say of themselves: their texts are laid out as argparse's are."""

from __future__ import annotations

import os
import textwrap
from functools import partial
from typing import Any

import pytest

import drgn.commands
from drgn import Architecture, Platform, Program
from drgn.commands import (
    CommandNamespace,
    ParsedCommand,
    argument,
    argument_group,
    command,
    raw_command,
)
from drgn.commands.console import CommandConsole
from drgn.commands.linux import (
    linux_kernel_command,
    linux_kernel_custom_command,
    linux_kernel_raw_command,
)

TEXT = """
    As long texts stand in code,
    with a margin.

    - of
      two lines
    """
VMCOREINFO = """\
OSRELEASE=6.1.0
PAGESIZE=4096
SYMBOL(swapper_pg_dir)=ffffffff82a10000
NUMBER(phys_base)=0
KERNELOFFSET=0
NUMBER(pgtable_l5_enabled)=0
"""


@pytest.fixture
def namespace() -> CommandNamespace:
    return CommandNamespace()


@pytest.fixture
def userspace() -> Program:
    return Program(Platform(Architecture.X86_64))


@pytest.fixture
def linux() -> Program:
    prog = Program(Platform(Architecture.X86_64))
    prog.set_linux_kernel_custom(VMCOREINFO, False)
    return prog


def does_nothing(prog: Program, name: str, args: Any, **kwargs: Any) -> None:
    pass


def test_texts_lose_their_margin_and_keep_their_paragraphs(
    namespace: CommandNamespace, userspace: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    command(
        name="wordy",
        description="wordy",
        long_description=TEXT,
        epilog=TEXT,
        arguments=(
            argument("-x", action="store_true", help=TEXT),
            argument_group(
                argument("-y", action="store_true"), title="more", description=TEXT
            ),
        ),
        namespace=namespace,
    )(does_nothing)
    monkeypatch.setenv("COLUMNS", "80")
    text = namespace.lookup(userspace, "wordy").format_help()
    filled = "As long texts stand in code, with a margin.\n\n- of   two lines"
    first, second = filled.split("\n\n")
    assert text == (
        f"{filled}\n\noptions:\n  -x  {first}\n      \n      {second}\n\n"
        f"more:\n  {first}\n\n  {second}\n\n  -y\n\n{filled}"
    )


def test_parsers_know_the_long_description(
    namespace: CommandNamespace, userspace: Program
) -> None:
    @raw_command(
        description="raw", usage="raw ANY", long_description="long", namespace=namespace
    )
    def _cmd_raw(
        prog: Program, name: str, args: str, *, parser: Any, **kwargs: Any
    ) -> str:
        return str(parser.format_help())

    assert namespace.run(userspace, "raw x") == "usage: raw ANY\n\nlong\n"


@pytest.mark.parametrize("enabled", [True, False])
def test_commands_of_the_kernel_may_say_when_they_are_enabled(
    namespace: CommandNamespace, userspace: Program, linux: Program, enabled: bool
) -> None:
    asked = []

    def ask(prog: Program) -> bool:
        asked.append(prog)
        return enabled

    texts = {"usage": "x", "long_description": "x"}
    options = {"description": "x", "namespace": namespace}
    linux_kernel_command(name="a", **options)(does_nothing)
    linux_kernel_command(name="b", enabled=ask, **options)(does_nothing)
    linux_kernel_raw_command(name="c", enabled=ask, **options, **texts)(does_nothing)
    linux_kernel_custom_command(
        name="d", enabled=ask, parse=ParsedCommand, **options, **texts
    )(does_nothing)
    assert list(namespace.enabled(userspace)) == []
    assert asked == []
    names = [name for name, _ in namespace.enabled(linux)]
    assert names == (["a", "b", "c", "d"] if enabled else ["a"])
    assert set(asked) == {linux}


def test_commands_of_crash_are_pointed_to(
    userspace: Program, linux: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(prog: Program, line: str) -> list[str]:
        CommandConsole(prog, {}, "<console>").run_command(line)
        return capsys.readouterr().err.splitlines()

    missing = "drgn: ps: command not found"
    assert said(linux, "ps -k") == [missing, "drgn: did you mean '%crash ps'?"]
    assert said(userspace, "ps") == [missing]
    assert said(linux, "nope") == ["drgn: nope: command not found"]


def test_the_documented_command_works(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (drgn.commands.__doc__ or "").partition(".. code-block:: python3\n")[2]
    code = textwrap.dedent(code.partition("\nRedirections")[0])
    namespace = CommandNamespace()
    monkeypatch.setattr(drgn.commands, "command", partial(command, namespace=namespace))
    exec(code, {})  # Whose functions are of no module.
    prog = Program()
    prog.set_pid(os.getpid())
    namespace.run(prog, "threads")
    assert str(os.getpid()) in capsys.readouterr().out.splitlines()
    namespace.run(prog, "threads --names")
    name = prog.main_thread().name
    assert f"{os.getpid()} {name}" in capsys.readouterr().out.splitlines()
