"""Stacks of machines other than x86-64, of memory and tables made by hand.

Traces of programs of each machine that QEMU ran are the same as upstream's.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

import dump_builders
import dwarf_asm
import pytest

from drgn import Architecture, Object, Platform, PlatformFlags, Program, StackTrace
from drgn.engine.dwarf import constants as dw

_CODE, _STACK = 0x1000, 0x8000
_64, _LITTLE = PlatformFlags.IS_64_BIT, PlatformFlags.IS_LITTLE_ENDIAN


class Machine(NamedTuple):
    arch: Architecture
    flags: PlatformFlags
    elf: int
    """Its e_machine."""
    link: int
    """Number of the register with the return address."""
    sp: int
    saved: int
    """Number of a register that a function has to save."""
    sp_name: str
    saved_name: str
    link_name: str
    pt_regs: int
    """Words of struct pt_regs, as far as it has registers."""
    in_pt_regs: tuple[int, int, int, int]
    """Words of pc, sp, link, and the saved register there."""
    prstatus: int
    in_prstatus: tuple[int, int, int, int]

    @property
    def word(self) -> str:
        order = "<" if self.flags & _LITTLE else ">"
        return order + ("Q" if self.flags & _64 else "I")

    @property
    def size(self) -> int:
        return struct.calcsize(self.word)

    def words(self, count: int, values: dict[int, int]) -> bytes:
        """Words that are 0 but for those of some indices."""
        return b"".join(struct.pack(self.word, values.get(i, 0)) for i in range(count))


def _machines() -> dict[str, Machine]:
    a64 = (32, 31, 30, 19)
    aarch64 = (30, 31, 19, "sp", "x19", "lr", 34, a64, 34, a64)
    arm = (14, 13, 4, "sp", "r4", "lr", 17, (15, 13, 14, 4), 17, (15, 13, 14, 4))
    ppc = (32, 1, 36, 31)
    ppc64 = (65, 1, 31, "r1", "r31", "lr", 39, ppc, 39, ppc)
    s390 = ("r15", "r11", "r14", 19, (2, 18, 17, 14), 26, (1, 17, 16, 13))
    little, big = _64 | _LITTLE, _64
    return {
        "aarch64": Machine(Architecture.AARCH64, little, 183, *aarch64),
        "aarch64_be": Machine(Architecture.AARCH64, big, 183, *aarch64),
        "arm": Machine(Architecture.ARM, _LITTLE, 40, *arm),
        "armeb": Machine(Architecture.ARM, PlatformFlags(0), 40, *arm),
        "ppc64": Machine(Architecture.PPC64, big, 21, *ppc64),
        "ppc64le": Machine(Architecture.PPC64, little, 21, *ppc64),
        "s390x": Machine(Architecture.S390X, big, 22, 14, 15, 11, *s390),
    }


MACHINES = _machines()


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> Machine:
    name: str = request.param
    return MACHINES[name]


def frame_table(machine: Machine, extra: bytes = b"") -> bytes:
    """.debug_frame of a leaf at 0x1000 and of a function at 0x2000.

    The latter saves the register and the link in the two words beneath the CFA, which
    is four words above its stack pointer.
    """
    order, size = machine.word[0], machine.size
    link = machine.link

    def entry(body: bytes) -> bytes:
        return struct.pack(order + "I", len(body)) + body

    cie = struct.pack(order + "I", 2**32 - 1)
    cie += bytes([4, 0, size, 0, 1, 0x80 - size, link])  # Aligned by a word downwards.
    table = entry(cie + bytes([0x0C, machine.sp, 0]))
    # DW_CFA_def_cfa_offset, and where the registers are saved.
    code = bytes([0x0E, 4 * size, 0x80 | machine.saved, 2, 5, link, 1]) + extra
    if machine.arch is Architecture.S390X:
        # Its stack pointer is a register like others: DW_CFA_val_offset.
        code += bytes([0x14, machine.sp, 0])
    for low, instructions in ((_CODE, b""), (0x2000, code)):
        address = struct.pack(order + "I", 0)
        address += struct.pack(f"{order}2{machine.word[1]}", low, 0x100)
        table += entry(address + instructions)
    return table


def program(path: Path, machine: Machine, table: bytes | None) -> Program:
    """A program of code up to 0x7fff, with call frame information or none."""
    prog = Program(Platform(machine.arch, machine.flags))
    add_module(prog, path, machine, table)
    return prog


def add_module(
    prog: Program, path: Path, machine: Machine, table: bytes | None
) -> None:
    unit = dwarf_asm.Unit([], root=dwarf_asm.D(dw.DW_TAG_compile_unit))
    sections = dwarf_asm.assemble([unit], order=machine.word[0])
    if table is not None:
        sections[".debug_frame"] = table
    image = dwarf_asm.elf(
        sections,
        order=machine.word[0],
        bits=8 * machine.size,
        machine=machine.elf,
    )
    (path / "image").write_bytes(image)
    module = prog.extra_module("module", create=True)
    module.address_range = (0, 0x8000)
    module.try_file(path / "image", force=True)


def stack(machine: Machine, **values: int) -> bytes:
    """32 words, the indices of which are in the names: ``_3`` is the fourth."""
    return machine.words(32, {int(name[1:]): v for name, v in values.items()})


def of_pt_regs(
    prog: Program, machine: Machine, regs: bytes, memory: bytes
) -> StackTrace:
    prog.add_memory_segment(_STACK, len(memory), lambda a, n, o, p: memory[o : o + n])
    prog.add_memory_segment(0x100, len(regs), lambda a, n, o, p: regs[o : o + n])
    type = prog.struct_type("pt_regs", len(regs), ())
    return prog.stack_trace(Object(prog, type, address=0x100))


def saved(machine: Machine, places: tuple[int, ...], count: int, *values: int) -> bytes:
    """Words with pc, sp, link and the saved register."""
    return machine.words(count, dict(zip(places, values, strict=True)))


def check(machine: Machine, trace: StackTrace) -> None:
    """The leaf, two calls of the function at 0x2000, and what is no code."""
    size = machine.size
    assert [frame.pc for frame in trace] == [0x1010, 0x2010, 0x2020, 0]
    assert [frame.interrupted for frame in trace] == [True, False, False, False]
    sps = [_STACK, _STACK, _STACK + 4 * size, _STACK + 8 * size]
    assert [frame.sp for frame in trace] == sps
    names = (machine.sp_name, machine.saved_name, machine.link_name)
    for frame, values in zip(
        trace,
        [
            (sps[0], 7, 0x2010),
            (sps[1], 7, 0x2010),
            (sps[2], 8, 0x2020),
            (sps[3], 9, 0),
        ],
        strict=True,
    ):
        registers = frame.registers()
        assert tuple(registers[name] for name in names) == values
        assert tuple(map(frame.register, names)) == values


MEMORY = {"_2": 8, "_3": 0x2020, "_6": 9, "_7": 0}
"""What two calls of the function at 0x2000 save."""


def test_pt_regs(tmp_path: Path, machine: Machine) -> None:
    prog = program(tmp_path, machine, frame_table(machine))
    values = (0x1010, _STACK, 0x2010, 7)
    regs = saved(machine, machine.in_pt_regs, machine.pt_regs, *values)
    check(machine, of_pt_regs(prog, machine, regs, stack(machine, **MEMORY)))
    short = prog.struct_type("pt_regs", len(regs) - machine.size, ())
    with pytest.raises(ValueError, match="registers are truncated"):
        prog.stack_trace(Object(prog, short, address=0x100))


def core(machine: Machine, memory: bytes, regs: bytes, more: bytes = b"") -> bytes:
    """A core dump of thread 99."""
    order, size = machine.word[0], machine.size
    head = bytes(12) + struct.pack(f"{order}hxx2{machine.word[1]}", 0, 0, 0)
    head += struct.pack(order + "4i", 99, 0, 0, 0)
    desc = head + bytes(8 * size) + regs + bytes(size)
    return dump_builders.elf_core(
        [dump_builders.Load(_STACK, memory)],
        dump_builders.note(b"CORE", 1, desc, order) + more,
        machine=machine.elf,
        bits=8 * size,
        order=order,
    )


def test_core_dump(tmp_path: Path, machine: Machine) -> None:
    values = (0x1010, _STACK, 0x2010, 7)
    regs = saved(machine, machine.in_prstatus, machine.prstatus, *values)
    (tmp_path / "core").write_bytes(core(machine, stack(machine, **MEMORY), regs))
    prog = Program()
    prog.set_core_dump(tmp_path / "core")
    add_module(prog, tmp_path, machine, frame_table(machine))
    (thread,) = prog.threads()
    assert thread.tid == 99
    check(machine, thread.stack_trace())


def test_call_of_what_is_no_code(tmp_path: Path, machine: Machine) -> None:
    """It returns where the link register says."""
    prog = program(tmp_path, machine, frame_table(machine))
    values = (0x20000, _STACK, 0x2010, 7)
    regs = saved(machine, machine.in_pt_regs, machine.pt_regs, *values)
    trace = of_pt_regs(prog, machine, regs, stack(machine, **MEMORY))
    assert [frame.pc for frame in trace] == [0x20000, 0x2010, 0x2020, 0]
    assert trace[1].register(machine.saved_name) == 7


def test_registers_from_pcs(machine: Machine) -> None:
    prog = Program(Platform(machine.arch, machine.flags))
    (frame,) = prog.stack_trace_from_pcs([0x2010])
    assert frame.registers() == {}
    with pytest.raises(LookupError, match="register value is not known"):
        frame.register(machine.link_name)
    with pytest.raises(ValueError, match="unknown register 'rip'"):
        frame.register("rip")


def test_fields_of_the_condition_register(tmp_path: Path) -> None:
    machine = MACHINES["ppc64le"]
    prog = program(tmp_path, machine, None)
    regs = machine.words(39, {32: 0x1010, 38: 0x12345678})
    (frame,) = of_pt_regs(prog, machine, regs, b"")
    fields = [frame.register(f"cr{i}") for i in range(8)]
    assert fields == [0x10000000 * (i + 1) >> 4 * i for i in range(8)]


# Without call frame information


def test_frame_records(tmp_path: Path) -> None:
    """AArch64's say what the caller's are, not where its stack is."""
    machine = MACHINES["aarch64"]
    prog = program(tmp_path, machine, None)
    values = dict(
        zip((*machine.in_pt_regs, 29), (0x1010, 0x7FF0, 5, 7, _STACK), strict=True)
    )
    regs = machine.words(34, values)
    memory = stack(
        machine, _0=_STACK + 64, _1=0x2010, _8=_STACK + 128, _9=0x2010, _16=0, _17=0
    )
    trace = of_pt_regs(prog, machine, regs, memory)
    assert [frame.pc for frame in trace] == [0x1010, 0x2010, 0x2010]
    assert trace[2].registers() == {
        "x29": _STACK + 128, "fp": _STACK + 128, "x30": 0x2010, "lr": 0x2010
    }  # fmt: skip
    with pytest.raises(LookupError, match="stack pointer is not known"):
        trace[1].sp  # noqa: B018


@pytest.mark.parametrize("has_table", [False, True], ids=["records", "table"])
def test_signed_return_addresses(tmp_path: Path, has_table: bool) -> None:
    """The kernel tells which bits are a signature; the register keeps them."""
    machine = MACHINES["aarch64"]
    signature = 0x7F << 48
    negate_ra_state = b"\x2d"
    table = frame_table(machine, negate_ra_state) if has_table else None
    fp = {29: _STACK + 16}
    regs = machine.words(34, fp | {32: 0x2008, 31: _STACK, 30: 5})
    memory = stack(machine, _2=0xF0, _3=0x2010 | 0x55 << 48)
    mask = struct.pack("<2Q", 0, signature)
    notes = dump_builders.note(b"LINUX", 0x406, mask)
    (tmp_path / "core").write_bytes(core(machine, memory, regs, notes))
    prog = Program()
    prog.set_core_dump(tmp_path / "core")
    add_module(prog, tmp_path, machine, table)
    trace = prog.stack_trace(99)
    assert [frame.pc for frame in trace][:2] == [0x2008, 0x2010]
    assert trace[1].register("lr") == 0x2010 | 0x55 << 48


def test_back_chain(tmp_path: Path) -> None:
    """ppc64's frames are linked; what a signal interrupted is beyond one of no call."""
    machine = MACHINES["ppc64"]
    prog = program(tmp_path, machine, None)
    values = (0x1010, _STACK, 5, 7)
    regs = saved(machine, machine.in_pt_regs, machine.pt_regs, *values)
    links = {"_0": _STACK + 32, "_4": _STACK + 64, "_8": _STACK + 96, "_12": 0}
    memory = stack(machine, **links, _6=0x2010, _10=0, _14=0x2020)
    trace = of_pt_regs(prog, machine, regs, memory)
    assert [frame.pc for frame in trace] == [0x1010, 0x2010, 0x2020]
    assert trace[2].registers() == {"r1": _STACK + 96, "lr": 0x2020}


def test_endless_chain(tmp_path: Path) -> None:
    """A frame that was there before ends a stack."""
    machine = MACHINES["aarch64"]
    prog = program(tmp_path, machine, None)
    regs = machine.words(machine.pt_regs, {32: 0x1010, 29: _STACK})
    trace = of_pt_regs(prog, machine, regs, stack(machine, _0=_STACK, _1=0x2010))
    assert [frame.pc for frame in trace] == [0x1010, 0x2010, 0x2010]
