"""The registers of x86-64 as GDB numbers them, and their description in XML.

GDB's manual, appendix "Target Descriptions", "i386 Features": the core feature. Those
that a dump does not have are sent as unavailable.
"""

from __future__ import annotations

from collections.abc import Mapping

_POINTERS = {"rbp": "data_ptr", "rsp": "data_ptr", "rip": "code_ptr"}
_GENERAL = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"),
    *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip"),
)
_SEGMENTS = ("cs", "ss", "ds", "es", "fs", "gs")
_CONTROL = ("fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop")

# Intel's manual, volume 1, figure 3-8: flags by their bits.
_FLAGS = {
    0: "CF",
    1: "",
    2: "PF",
    4: "AF",
    6: "ZF",
    7: "SF",
    8: "TF",
    9: "IF",
    10: "DF",
    11: "OF",
    14: "NT",
    16: "RF",
    17: "VM",
    18: "AC",
    19: "VIF",
    20: "VIP",
    21: "ID",
}

# Names, sizes in bytes, and types, in GDB's order.
REGISTERS = (
    *((name, 8, _POINTERS.get(name, "int64")) for name in _GENERAL),
    ("eflags", 4, "i386_eflags"),
    *((name, 4, "int32") for name in _SEGMENTS),
    *((f"st{i}", 10, "i387_ext") for i in range(8)),
    *((name, 4, "int") for name in _CONTROL),
)

# What drgn calls a register in another way.
_OTHER_NAMES = {"eflags": "rflags"}


def description() -> bytes:
    """The description of the registers that GDB asks for."""
    lines = [
        '<?xml version="1.0"?>',
        '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
        "<target>",
        "<architecture>i386:x86-64</architecture>",
        '<feature name="org.gnu.gdb.i386.core">',
    ]
    lines.append('<flags id="i386_eflags" size="4">')
    for bit, name in _FLAGS.items():
        lines.append(f'<field name="{name}" start="{bit}" end="{bit}"/>')
    lines.append("</flags>")
    for name, size, type_ in REGISTERS:
        lines.append(f'<reg name="{name}" bitsize="{8 * size}" type="{type_}"/>')
    lines += ["</feature>", "</target>"]
    return "\n".join(lines).encode()


def encode(values: Mapping[str, int]) -> bytes:
    """The registers of a frame as hexadecimal digits."""
    return b"".join(encode_one(number, values) for number in range(len(REGISTERS)))


def encode_one(number: int, values: Mapping[str, int]) -> bytes:
    """One register. Raises IndexError if there is none of the number."""
    name, size, _ = REGISTERS[number]
    value = values.get(name, values.get(_OTHER_NAMES.get(name, "")))
    if value is None:
        return b"xx" * size
    return (value & ((1 << 8 * size) - 1)).to_bytes(size, "little").hex().encode()
