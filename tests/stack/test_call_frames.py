"""Stacks whose call frame information no compiler writes."""

from __future__ import annotations

import struct
from pathlib import Path

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit

from drgn import Architecture, BadDataError, Platform, Program, StackTrace
from drgn.engine.dwarf import constants as dw
from drgn.engine.dwarf import opcodes as op

from .test_pt_regs import PT_REGS, pt_regs

STACK = struct.pack("<4Q", 0x2010, 0x3010, 0, 0x1090)
DEF_CFA_EXPRESSION, EXPRESSION, VAL_EXPRESSION = 0x0F, 0x10, 0x16
CALL_FRAME_CFA = bytes([op.DW_OP_call_frame_cfa])


def expression(opcode: int, *code: int, register: int | None = None) -> bytes:
    """A call frame instruction with an expression."""
    number = b"" if register is None else bytes([register])
    return bytes([opcode]) + number + bytes([len(code), *code])


def traced(
    path: Path,
    code: bytes = b"",
    *,
    return_address: int = 16,
    frame_base: bytes = CALL_FRAME_CFA,
) -> StackTrace:
    """A trace whose second function has call frame instructions of its own.

    The stack is at 0x8000, and rbp 0x8010, as a function with a frame pointer has it.
    A variable ``based`` of the second function is at its frame base.
    """
    cie = struct.pack("<IB2B2B", 2**32 - 1, 1, 0, 1, 0x78, return_address)
    cie += b"\x0c\x07\x08\x90\x01"  # CFA is rsp + 8, rip is saved at CFA - 8.
    frames = struct.pack("<I", len(cie)) + cie
    for low, instructions in ((0x1000, b""), (0x2000, code)):
        fde = struct.pack("<IQQ", 0, low, 0x80) + instructions
        frames += struct.pack("<I", len(fde)) + fde
    long = D(dw.DW_TAG_base_type, name="long", byte_size=8, encoding=dw.DW_ATE_signed)
    based = bytes([op.DW_OP_fbreg, 0])
    function = D(
        dw.DW_TAG_subprogram,
        [D(dw.DW_TAG_variable, name="based", type=long, location=based)],
        name="f",
        low_pc=0x2000,
        high_pc=0x80,
        frame_base=A(dw.DW_FORM_exprloc, frame_base),
    )
    root = D(
        dw.DW_TAG_compile_unit, language=dw.DW_LANG_C11, low_pc=0x1000, high_pc=0x3000
    )
    sections = dwarf_asm.assemble([Unit([long, function], root=root)])
    (path / "image").write_bytes(dwarf_asm.elf(sections | {".debug_frame": frames}))
    prog = Program(Platform(Architecture.X86_64))
    module = prog.extra_module("module", create=True)
    module.address_range = (0, 0x8000)
    module.try_file(path / "image", force=True)
    prog.add_memory_segment(0x8000, len(STACK), lambda a, n, o, p: STACK[o : o + n])
    none = dict.fromkeys(PT_REGS.split(), 0)
    regs = pt_regs(prog, **none | {"ip": 0x1010, "sp": 0x8000, "bp": 0x8010})
    return prog.stack_trace(regs)


def pcs(trace: StackTrace) -> list[int]:
    return [frame.pc for frame in trace]


def test_call_frame_information(tmp_path: Path) -> None:
    trace = traced(tmp_path)
    assert pcs(trace) == [0x1010, 0x2010, 0x3010, 0x1090]
    assert trace[1]["based"].address_ == 0x8010


@pytest.mark.parametrize(
    ("return_address", "code", "message"),
    [
        (16, b"\x3f", "unknown DWARF CFI opcode 0x3f"),
        (17, b"", "unknown return address register"),
        (
            16,
            expression(DEF_CFA_EXPRESSION, op.DW_OP_reg0 + 7),
            "invalid opcode 0x57 for CFI expression",
        ),
        (
            16,
            expression(VAL_EXPRESSION, op.DW_OP_lit0, op.DW_OP_stack_value, register=3),
            "invalid opcode 0x9f for CFI expression",
        ),
        (
            16,
            expression(EXPRESSION, op.DW_OP_plus, register=3),
            "DWARF expression stack underflow",
        ),
    ],
)
def test_malformed(
    tmp_path: Path, return_address: int, code: bytes, message: str
) -> None:
    """It is an error, wherever in the stack; the trace would be a guess."""
    with pytest.raises(BadDataError, match=rf"\.debug_frame\+0x\w+: {message}"):
        traced(tmp_path, code, return_address=return_address)


@pytest.mark.parametrize(
    "code",
    [
        expression(DEF_CFA_EXPRESSION, op.DW_OP_breg0 + 17, 0),  # Not known.
        expression(DEF_CFA_EXPRESSION, op.DW_OP_lit0, op.DW_OP_deref),  # No memory.
        expression(DEF_CFA_EXPRESSION, op.DW_OP_call2, 0, 0),  # Not for this.
        b"\x0c\x00\x08",  # rax + 8, where there is no return address.
        expression(EXPRESSION, op.DW_OP_lit0, register=16),
        expression(VAL_EXPRESSION, op.DW_OP_breg0 + 17, 0, register=16),
    ],
)
def test_goes_on_by_the_frame_pointer(tmp_path: Path, code: bytes) -> None:
    """Where call frame information cannot be followed, as if there were none."""
    trace = traced(tmp_path, code)
    assert pcs(trace) == [0x1010, 0x2010, 0x1090]
    assert trace[1]["based"].address_ == 0x8020


def test_addresses(tmp_path: Path) -> None:
    address = (0x8010).to_bytes(8, "little")
    trace = traced(tmp_path, expression(DEF_CFA_EXPRESSION, op.DW_OP_addr, *address))
    assert pcs(trace)[:3] == [0x1010, 0x2010, 0x3010]


def test_frame_bases(tmp_path: Path) -> None:
    def based(*code: int) -> int | None:
        trace = traced(tmp_path, frame_base=bytes(code))
        address: int | None = trace[1]["based"].address_
        return address

    assert based(op.DW_OP_reg0 + 7) == 0x8008
    assert based(op.DW_OP_breg0 + 7, 1) == 0x8009
    # Relative to itself.
    assert based(op.DW_OP_fbreg, 0) is None
    assert based(op.DW_OP_reg0 + 17, op.DW_OP_lit0) is None
    with pytest.raises(BadDataError, match="stray operations in DW_AT_frame_base"):
        based(op.DW_OP_reg0 + 7, op.DW_OP_lit0)
    with pytest.raises(BadDataError, match="invalid opcode 0x9f for DW_AT_frame_base"):
        based(op.DW_OP_lit0, op.DW_OP_stack_value)
