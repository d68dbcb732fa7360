"""Writing memory through Objects and by address."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., str]

VALUES = [
    ("counter", "-5", "(int)-5"),
    ("counter", "2**32 + 3", "(int)3"),
    ("counter", "prog['third_node'].value", "(int)3"),
    ("ratio", "1.25", "(double)1.25"),
    ("single", "0.1", "(float)0.10000000149011612"),
    ("is_on", "False", "(_Bool)0"),
    ("color", "2", "(enum color)BLUE"),
    ("color", "prog['RED']", "(enum color)RED"),
    ("origin", "{'y': 4}", "(point){\n\t.x = (double)0.0,\n\t.y = (double)4.0,\n}"),
    ("numbers", "[9, 8]", "(int [4]){ 9, 8 }"),
    ("numbers", "prog['numbers'].read_()", "(int [4]){ 1, 2, 3, 4 }"),
    ("first_node.name", "b'abc'", '(char [8])"abc"'),
    ("first_node.next.value", "77", "(int)77"),
    ("first_node.small", "13", "(unsigned int)5"),
    ("first_node.other", "-1", "(unsigned int)31"),
    ("first_node.wide", "-3", "(int)-3"),
    ("operation", "0", "(int (*)(int, int))0x0"),
    ("fixed", "6", "(const int)6"),
]


def test_values(run: Run) -> None:
    """Each is written, shown, and what was there is written back."""
    lines = []
    for name, value, _ in VALUES:
        first, _, members = name.partition(".")
        lines += [
            f"obj = prog[{first!r}]{'.' + members if members else ''}",
            "old = obj.read_()",
            f"obj.write_({value})",
            "print(obj, end=';')",
            "obj.write_(old)",
            "assert obj.value_() == old.value_()",
        ]
    out = run("\n".join(lines))
    assert out.split(";")[:-1] == [expected for _, _, expected in VALUES]


def test_bits_around_a_bit_field_stay(run: Run) -> None:
    out = run(
        "first = prog['first_node']\n"
        "first.small.write_(6)\n"
        "first.wide.write_(77)\n"
        "first.other.write_(0)\n"
        "print(*(first.member_(n).value_() for n in ('small', 'other', 'wide')))\n"
    )
    assert out == "6 0 77\n"


def test_structures_and_pointers(run: Run) -> None:
    out = run(
        "first, third = prog['first_node'], prog['third_node']\n"
        "first.next.write_(third.address_of_())\n"
        "print(first.next.name.string_())\n"
        "first.write_(third)\n"
        "print(first.value_() == third.value_())\n"
        "prog.write(first.address_, bytes(4))\n"
        "print(first.value, prog.read_u32(first.address_))\n"
        "prog.write(first.name.address_ + 1, memoryview(b'xy'))\n"
        "print(first.name)\n"
    )
    assert out == "b'three'\nTrue\n(int)0 0\n(char [8])\"txyee\"\n"


ERRORS = [
    ("prog['counter'].read_().write_(1)",
     "ValueError cannot write to value, which is not in memory"),
    ("Object(prog, 'int').write_(1)", "ObjectAbsentError object absent"),
    ("prog['add'].write_(1)", "TypeError cannot write object with function type"),
    ("prog['counter'].write_('x')", "TypeError 'int' value must be number"),
    ("prog['origin'].write_(1)",
     "TypeError 'point' value must be dictionary or mapping"),
    ("prog['origin'].write_({'z': 1})",
     "LookupError 'struct <anonymous>' has no member 'z'"),
    ("prog['numbers'].write_(range(5))", "ValueError too many items in array value"),
    ("prog['first_node'].next.write_(prog['counter'])",
     "TypeError cannot convert 'int' to incompatible type 'struct node *'"),
    ("prog['origin'].write_(prog['first_node'])",
     "TypeError cannot convert 'struct node' to incompatible type 'point'"),
    ("Object(prog, 'int', address=8).write_(1)",
     "FaultError could not write memory: 0x8"),
    ("prog.write(0, b'x')", "FaultError could not write memory: 0x0"),
    ("prog.write(-1, b'x')",
     "OverflowError can't convert negative int to unsigned"),
    ("prog.write(0, 'x')",
     "TypeError a bytes-like object is required, not 'str'"),
    ("prog.write(0, b'x', physical=True)",
     "FaultError could not find physical memory segment: 0x0"),
]  # fmt: skip


def _errors(expressions: list[str]) -> str:
    return textwrap.dedent(
        f"""
        from drgn import Object
        for text in {expressions!r}:
            try:
                print(eval(text))
            except Exception as error:
                print(type(error).__name__, error)
        """
    )


def test_errors(run: Run) -> None:
    out = run(_errors([text for text, _ in ERRORS]))
    assert out.splitlines() == [expected for _, expected in ERRORS]


@pytest.fixture(scope="module")
def core(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import subprocess

    path = tmp_path_factory.mktemp("core") / "core"
    subprocess.run(
        ["gdb", "-nx", "-batch", "-ex", "break main", "-ex", "run",
         "-ex", f"generate-core-file {path}", program],
        check=True, capture_output=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return path


def test_core_dump_is_read_only(run: Run, core: Path) -> None:
    expressions = [
        "prog['counter'].write_(1)",
        "prog['first_node'].small.write_(1)",
        "prog.write(prog['counter'].address_, b'x')",
        "prog.resume()",
        "prog.step()",
        "prog.call('add', 1, 2)",
        "prog.breakpoint('add')",
        "prog.interrupt()",
        "prog['counter'].value_()",
    ]
    out = run(_errors(expressions), core=core)
    assert out.splitlines() == [
        *["UnsupportedOperation core dump is read-only"] * 3,
        *["UnsupportedOperation core dump cannot be run or stopped"] * 5,
        "7",
    ]
