"""One clear error, and GDB goes on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_no_program(gdb: Any) -> None:
    result = gdb(
        "drgn prog['x']",
        "drgn prog.type('struct x')",
        "drgn prog.read(0, 8)",
        "drgn prog.stack_trace()",
        "drgn frame",
        "drgn prog.platform, list(prog.threads()), list(prog.modules())",
        'print $drgn("1") + 1',
    )
    assert result.lines == ["(None, [], [])", "$1 = 2"]
    assert result.err.splitlines() == [
        "_drgn.ObjectNotFoundError: could not find 'x'",
        "LookupError: could not find 'struct x'",
        "ValueError: program address size is not known",
        "LookupError: no thread of this program is selected in GDB",
        "LookupError: No frame is currently selected",
    ]


def test_no_debug_info(gdb: Any, compile_c: Callable[..., Path]) -> None:
    program = compile_c(
        "#include <unistd.h>\nint main(void) { return usleep(1); }", "-O0", "-s"
    )
    result = gdb(
        "drgn prog['main']",
        "break usleep",
        "run",
        "drgn prog['main']",
        "drgn prog.stack_trace()[0].name",
        "drgn prog.type('struct nothing')",
        program=program,
    )
    assert result.lines[-1] == "'usleep'"
    errors = [line for line in result.err.splitlines() if "could not find" in line]
    assert errors == [
        "_drgn.ObjectNotFoundError: could not find 'main'",
        "_drgn.ObjectNotFoundError: could not find 'main'",
        "LookupError: could not find 'struct nothing'",
    ]


def test_program_that_dies_in_a_loop(
    gdb: Any, list_program: Path, tmp_path: Path
) -> None:
    script = tmp_path / "loop.py"
    script.write_text(
        "import gdb\n"
        "counter = prog['counter']\n"
        "for i in range(3):\n"
        "    print(counter.value_())\n"
        "    gdb.execute('continue', to_string=True)\n"
    )
    result = gdb(
        "break add",
        "run",
        "echo --\\n",
        f"drgn-script {script}",
        "drgn prog['counter']",
        program=list_program,
    )
    lines = result.out.split("--\n")[1].splitlines()
    assert (lines[0], lines[-1]) == ("7", "(int)7")
    assert result.err.splitlines()[-1].startswith(
        "_drgn.FaultError: could not read memory: the process is gone: 0x"
    )


def test_file_that_is_no_program(gdb: Any, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no program")
    result = gdb("drgn prog['x']", "print 2", program=path)
    assert result.lines[-1] == "$1 = 2"
    assert "could not find 'x'" in result.err


def test_running_thread(gdb: Any, compile_c: Callable[..., Path]) -> None:
    program = compile_c(
        "#include <unistd.h>\nint x = 4; int main(void) { for (;;) pause(); }"
    )
    result = gdb(
        "break main",
        "run",
        "echo --\\n",
        "continue &",
        "drgn prog.stack_trace()",
        "drgn frame",
        "drgn prog['x']",
        "kill",
        "drgn prog['x']",
        program=program,
    )
    after = result.out.split("--\n")[1].splitlines()
    assert after[0] == after[-1] == "(int)4"
    errors = [line for line in result.err.splitlines() if "Error: " in line]
    assert [re.sub(r"\d+", "N", error) for error in errors] == [
        "ValueError: thread N is running: interrupt it first",
        "LookupError: thread N is running: interrupt it first",
    ]
