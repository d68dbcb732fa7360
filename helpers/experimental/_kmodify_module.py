"""A kernel module that runs once and does not stay."""

from __future__ import annotations

import errno
import itertools
import os
import struct

from drgn import ObjectNotFoundError, Program, Type, sizeof
from drgn.helpers.experimental._kmodify_code import Code
from drgn.helpers.experimental._kmodify_elf import (
    R_X86_64_64,
    SHF_EXECINSTR,
    SHF_WRITE,
    Relocation,
    Section,
    relocatable,
)

__all__ = ("DATA", "DONE", "address_of", "has_symbol", "module")

DATA = ".init.data"
_TEXT = ".init.text"

#: The errno with which a module that has done its work asks not to stay. The loading
#: of modules fails with it for no other reason.
DONE = errno.EINPROGRESS

_number = itertools.count()


def module(prog: Program, code: Code, data: bytes, user: int, size: int) -> bytes:
    """Return the file of a module whose ``init`` is ``code``.

    :param data: What code's :class:`Data` arguments are addresses in.
    :param user: Where this process wants the first ``size`` bytes of the data
        afterwards.
    :raises ValueError: if the kernel cannot load modules made here
    """
    type = _module_type(prog)
    name = f"drgn_kmodify_{os.getpid()}_{next(_number)}"
    copy = address_of(prog, "_copy_to_user", "copy_to_user_nofault")
    text = code.end(copy, user, size, -DONE, -errno.EFAULT)
    version = _vermagic(prog)
    information = {
        "name": name,
        "license": "GPL",
        "retpoline": "Y",  # see Code
        "vermagic": version,
    }
    modinfo = "".join(f"{key}={value}\0" for key, value in information.items())
    this_module = bytearray(sizeof(type))
    offset = _offset(type, "name")
    this_module[offset : offset + len(name)] = name.encode()
    sections = [
        Section(_TEXT, text, SHF_EXECINSTR, 16, code.relocations),
        Section(DATA, data, SHF_WRITE, 64),
        Section(".modinfo", modinfo.encode()),
        Section(
            ".gnu.linkonce.this_module",
            bytes(this_module),
            SHF_WRITE,
            64,
            [Relocation(_offset(type, "init"), R_X86_64_64, "init_module")],
        ),
    ]
    if "modversions" in version.split():
        # struct modversion_info: the layout's is looked at in any module.
        crc = struct.pack("<Q56s", _crc(prog, "module_layout"), b"module_layout")
        sections.append(Section("__versions", crc, 0, 32))
    return relocatable(sections, {"init_module": _TEXT})


def address_of(prog: Program, *names: str) -> int:
    """Return the address of the first function that the kernel has.

    :raises LookupError: if it has none of them
    """
    for name in names:
        if has_symbol(prog, name):
            return prog.symbol(name).address
    raise LookupError(f"the kernel has no {' or '.join(names)}")


def has_symbol(prog: Program, name: str) -> bool:
    try:
        prog.symbol(name)
    except LookupError:
        return False
    return True


def _module_type(prog: Program) -> Type:
    try:
        type = prog.type("struct module")
        if type.is_complete():
            return type
    except LookupError:
        pass
    raise ValueError("kernel was built without loadable modules (CONFIG_MODULES)")


def _offset(type: Type, name: str) -> int:
    return type.member(name).offset


def _vermagic(prog: Program) -> str:
    try:
        vermagic = prog.variable("vermagic")
    except ObjectNotFoundError:
        raise ValueError("debug info has no vermagic, which modules need") from None
    return vermagic.string_().decode()


def _crc(prog: Program, name: str) -> int:
    """CRC of an exported symbol (CONFIG_MODVERSIONS), from the kernel's tables.

    Not from ``__crc_NAME``: it was the CRC itself, not its place, before 5.19
    (7b4537199a4a).
    """
    start = prog.symbol("__start___ksymtab").address
    size = sizeof(prog.type("struct kernel_symbol"))
    count = (prog.symbol("__stop___ksymtab").address - start) // size
    index = (prog.symbol(f"__ksymtab_{name}").address - start) // size
    crcs = prog.symbol("__start___kcrctab").address
    # They were longs before 4.10 (71810db27c1c).
    crc_size = (prog.symbol("__stop___kcrctab").address - crcs) // count
    return prog.read_u32(crcs + crc_size * index)
