"""``bpf``: BPF programs and maps."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from typing import Any

from drgn import Object, Program
from drgn.commands import DrgnCodeBlockContext, argument, drgn_argument
from drgn.helpers.common.format import (
    CellFormat,
    double_quote_ascii_string,
)
from drgn.helpers.linux.bpf import (
    bpf_map_by_id,
    bpf_map_for_each,
    bpf_prog_by_id,
    bpf_prog_for_each,
    bpf_prog_used_maps,
)
from drgn.helpers.linux.timekeeping import (
    ktime_get_coarse_boottime_ns,
    ktime_get_coarse_real_ns,
)
from drgn.helpers.linux.user import kuid_val

from ._code import CrashCodeBuilder
from ._define import crash_command, radix_arguments
from ._output import escaped, format_options, print_rows

Row = Sequence[Any]

_INDENT = " " * 5
_UNUSED = "(unused)"
# include/uapi/linux/bpf.h: struct bpf_insn is two words of four bytes.
_INSTRUCTION_SIZE = 8


@crash_command(
    description="extended Berkeley Packet Filter (eBPF)",
    long_description="Without an ID, show all BPF programs and maps.",
    arguments=(
        argument("-p", dest="prog_id", metavar="PROG_ID", type=int,
                 help="show the program with this ID in detail"),
        argument("-m", dest="map_id", metavar="MAP_ID", type=int,
                 help="show the map with this ID in detail"),
        argument("-s", dest="structures", action="store_true",
                 help="with -p or -m, show the structures too"),
        *radix_arguments,
        drgn_argument,
    ),
)  # fmt: skip
def _crash_cmd_bpf(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    options = format_options(prog, args.integer_base)
    if args.drgn:
        _print_code(prog, args)
    elif args.prog_id is not None:
        bpf_prog = bpf_prog_by_id(prog, args.prog_id) if args.prog_id >= 0 else None
        if not bpf_prog:
            print(f"invalid BPF program ID: {args.prog_id}")
            return
        print_rows(_prog_rows([bpf_prog]))
        _print_prog(bpf_prog)
        if args.structures:
            _print_structures(options, bpf_prog[0], bpf_prog.aux[0])
    elif args.map_id is not None:
        bpf_map = bpf_map_by_id(prog, args.map_id) if args.map_id >= 0 else None
        if not bpf_map:
            print(f"invalid BPF map ID: {args.map_id}")
            return
        print_rows(_map_rows([bpf_map]))
        _print_map(bpf_map)
        if args.structures:
            _print_structures(options, bpf_map[0])
    else:
        print_rows(_prog_rows(bpf_prog_for_each(prog)))
        print()
        print_rows(_map_rows(bpf_map_for_each(prog)))


def _enumerator(value: Object, prefix: str) -> str:
    """The name of an enumerator without its prefix, or its number if it has none."""
    number = value.value_()
    for enumerator in value.type_.unaliased().enumerators or ():
        if enumerator.value == number and enumerator.name.startswith(prefix):
            return enumerator.name.removeprefix(prefix)
    return str(number)


def _prog_rows(progs: Iterator[Object] | Sequence[Object]) -> Iterator[Row]:
    yield (CellFormat("ID", "^"), CellFormat("BPF_PROG", "^"),
           CellFormat("BPF_PROG_AUX", "^"), CellFormat("BPF_PROG_TYPE", "^"),
           CellFormat("TAG", "^"), "USED_MAPS")  # fmt: skip
    for bpf_prog in progs:
        aux = bpf_prog.aux.read_()
        used = [str(each.id.value_()) for each in bpf_prog_used_maps(bpf_prog)]
        yield (
            aux.id.value_(),
            CellFormat(bpf_prog.value_(), "x"),
            CellFormat(aux.value_(), "x"),
            CellFormat(_enumerator(bpf_prog.type, "BPF_PROG_TYPE_"), "^"),
            bytes(bpf_prog.tag.value_()).hex(),
            CellFormat(",".join(used), "^"),
        )


def _map_rows(maps: Iterator[Object] | Sequence[Object]) -> Iterator[Row]:
    yield (CellFormat("ID", "^"), CellFormat("BPF_MAP", "^"),
           CellFormat("BPF_MAP_TYPE", "^"), "MAP_FLAGS")  # fmt: skip
    for bpf_map in maps:
        yield (
            bpf_map.id.value_(),
            CellFormat(bpf_map.value_(), "x"),
            CellFormat(_enumerator(bpf_map.map_type, "BPF_MAP_TYPE_"), "^"),
            f"{bpf_map.map_flags.value_():08x}",
        )


def _print_prog(bpf_prog: Object) -> None:
    page_size = bpf_prog.prog_["PAGE_SIZE"].value_()
    aux = bpf_prog.aux.read_()
    instructions = bpf_prog.len.value_() * _INSTRUCTION_SIZE
    memlock = bpf_prog.pages.value_() * page_size
    print(
        f"{_INDENT}XLATED: {instructions}  JITED: {bpf_prog.jited_len.value_()}"
        f"  MEMLOCK: {memlock}"
    )
    print(f"{_INDENT}LOAD_TIME: {_load_time(aux)}")
    compatible = "yes" if bpf_prog.gpl_compatible else "no"
    name = escaped(_name(aux)) or _UNUSED
    print(f"{_INDENT}GPL_COMPATIBLE: {compatible}  NAME: {name}  UID: {_uid(aux)}")


def _name(object: Object) -> bytes:
    try:
        name: bytes = object.name.string_()
    except AttributeError:
        return b""  # Before 4.15 (cb4d2b3f03d8, ad5b177bd73f).
    return name


def _load_time(aux: Object) -> str:
    """When a program was loaded, which it has by the clock that begins at boot."""
    prog = aux.prog_
    booted = ktime_get_coarse_real_ns(prog) - ktime_get_coarse_boottime_ns(prog)
    loaded = booted.value_() + aux.load_time.value_()
    return time.ctime(loaded // 1_000_000_000)


def _uid(owner: Object) -> str:
    # Maps have none since 5.11, which accounts for their memory by cgroup
    # (80ee81e0403c).
    try:
        user = owner.user.read_()
    except AttributeError:
        return _UNUSED
    return str(kuid_val(user.uid)) if user else _UNUSED


def _print_map(bpf_map: Object) -> None:
    name = _name(bpf_map)
    owner = bpf_map
    try:
        owner = bpf_map.memory  # From 5.3 to 5.10 (3539b96e041c).
    except AttributeError:
        pass
    print(
        f"{_INDENT}KEY_SIZE: {bpf_map.key_size.value_()}"
        f"  VALUE_SIZE: {bpf_map.value_size.value_()}"
        f"  MAX_ENTRIES: {bpf_map.max_entries.value_()}"
        f"{_INDENT}NAME: {double_quote_ascii_string(name) if name else _UNUSED}"
        f"  UID: {_uid(owner)}"
    )


def _print_structures(options: dict[str, Any], *structures: Object) -> None:
    for structure in structures:
        print(f"\n{structure.format_(**options)}")


def _print_code(prog: Program, args: argparse.Namespace) -> None:
    code = CrashCodeBuilder(prog)
    module = "drgn.helpers.linux.bpf"
    wants_progs = args.prog_id is not None or args.map_id is None
    if wants_progs:
        code.add_from_import(module, "bpf_prog_used_maps")
        with _block(code, "prog", args.prog_id):
            code.append(
                "aux = bpf_prog.aux\n"
                "prog_id = aux.id\n"
                "prog_type = bpf_prog.type\n"
                "tag = bpf_prog.tag\n"
                "used_map_ids = [each.id for each in bpf_prog_used_maps(bpf_prog)]\n"
            )
            if args.prog_id is not None:
                code.append(
                    "xlated = bpf_prog.len * 8\n"
                    "jited = bpf_prog.jited_len\n"
                    'memlock = bpf_prog.pages * prog["PAGE_SIZE"]\n'
                    "load_time = aux.load_time\n"
                    "gpl_compatible = bpf_prog.gpl_compatible\n"
                    "name = aux.name\n"
                    "user = aux.user\n"
                )
    if args.prog_id is None:
        if wants_progs:
            code.append("\n")
        with _block(code, "map", args.map_id):
            code.append(
                "map_id = bpf_map.id\n"
                "map_type = bpf_map.map_type\n"
                "map_flags = bpf_map.map_flags\n"
            )
            if args.map_id is not None:
                code.append(
                    "key_size = bpf_map.key_size\n"
                    "value_size = bpf_map.value_size\n"
                    "max_entries = bpf_map.max_entries\n"
                    "name = bpf_map.name\n"
                )
    code.print()


def _block(code: CrashCodeBuilder, kind: str, id: int | None) -> DrgnCodeBlockContext:
    """Begin a block in which ``bpf_prog`` or ``bpf_map`` is each, or one with an ID."""
    module = "drgn.helpers.linux.bpf"
    if id is None:
        code.add_from_import(module, f"bpf_{kind}_for_each")
        return code.begin_block(f"for bpf_{kind} in bpf_{kind}_for_each():\n")
    code.add_from_import(module, f"bpf_{kind}_by_id")
    code.append(f"bpf_{kind} = bpf_{kind}_by_id({id})\n")
    return code.begin_block(f"if bpf_{kind}:\n")
