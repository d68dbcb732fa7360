"""Stacks that begin at a ``struct pt_regs``."""

from __future__ import annotations

import pytest

from drgn import (
    Architecture,
    FaultError,
    Object,
    Platform,
    Program,
    TypeMember,
)

from .conftest import ShowStacks

PT_REGS = "r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss"


def pt_regs(prog: Program, **values: int) -> Object:
    word = prog.int_type("unsigned long", 8, False)
    fields = PT_REGS.split()
    members = [TypeMember(word, name, 64 * i) for i, name in enumerate(fields)]
    struct = prog.struct_type("pt_regs", 8 * len(fields), members)
    return Object(prog, struct, value=values)


def test_pt_regs() -> None:
    prog = Program(Platform(Architecture.X86_64))
    regs = pt_regs(prog, **{n: i + 1 for i, n in enumerate(PT_REGS.split())})
    (frame,) = prog.stack_trace(regs)
    assert str(frame) == "#0 at 0x11"
    assert frame.interrupted
    assert frame.registers() == {
        "rax": 11, "rdx": 13, "rcx": 12, "rbx": 6, "rsi": 14, "rdi": 15, "rbp": 5,
        "rsp": 20, "r8": 10, "r9": 9, "r10": 8, "r11": 7, "r12": 4, "r13": 3, "r14": 2,
        "r15": 1, "rip": 17, "rflags": 19, "cs": 18, "ss": 21,
    }  # fmt: skip
    typedef = prog.typedef_type("regs_t", regs.type_)
    assert len(prog.stack_trace(Object(prog, typedef, value=regs.value_()))) == 1
    pointer = prog.pointer_type(regs.type_)
    with pytest.raises(FaultError):
        prog.stack_trace(Object(prog, pointer, value=0x1000))
    image = regs.to_bytes_()
    prog.add_memory_segment(0x1000, len(image), lambda a, n, o, p: image[o : o + n])
    (frame,) = prog.stack_trace(Object(prog, pointer, value=0x1000))
    assert frame.pc == 17
    (frame,) = prog.stack_trace(Object(prog, regs.type_, address=0x1000))
    assert frame.pc == 17
    short = prog.struct_type("pt_regs", 8, [])
    with pytest.raises(ValueError, match="registers are truncated"):
        prog.stack_trace(Object(prog, short, value={}))


@pytest.mark.parametrize(
    ("arch", "name"),
    [
        (Architecture.I386, "i386"),
        (Architecture.RISCV64, "RISC-V 64"),
        (Architecture.S390, "s390"),
        (Architecture.LOONGARCH64, "LoongArch64"),
    ],
)
def test_other_architectures(arch: Architecture, name: str) -> None:
    prog = Program(Platform(arch))
    with pytest.raises(
        NotImplementedError,
        match=f"pt_regs stack unwinding is not supported for {name} architecture",
    ):
        prog.stack_trace(pt_regs(prog))


def test_walks_the_stack_from_pt_regs(dumped: ShowStacks) -> None:
    prog = dumped("O2")
    trace = prog.main_thread().stack_trace()
    values = {
        name.removeprefix("r") if name[1:2].isalpha() else name: value
        for name, value in trace[0].registers().items()
    }
    fields = set(PT_REGS.split())
    regs = pt_regs(prog, **{n: v for n, v in values.items() if n in fields})
    assert str(prog.stack_trace(regs)) == str(trace)
