"""``tree``: what is in a red-black tree, a radix tree, an XArray or a maple tree."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from drgn import FaultError, Object, Program
from drgn.commands import CommandArgumentError, argument, drgn_argument
from drgn.helpers.linux.mapletree import mt_entries
from drgn.helpers.linux.rbtree import rbtree_addresses
from drgn.helpers.linux.xarray import xa_entries

from ._address import Location, parse_location
from ._code import CrashCodeBuilder
from ._define import crash_command, radix_arguments
from ._entries import Entries
from ._members import MemberOffset, parse_offset

_KINDS = ("rbtree", "radix", "xarray", "maple")


@crash_command(
    description="show the entries of a red-black, radix or maple tree, or an XArray",
    usage="**tree** [**-t** {rbtree,radix,xarray,maple}] [**-r** *OFFSET*]"
    " [**-o** *OFFSET*]\n            [**-s** *struct_name*[.*member*[,*member*]]]"
    " [**-l**] [**-x**] [**-d**] [**--drgn**]\n            *start*",
    arguments=(
        argument("-t", dest="kind", metavar="{rbtree,radix,xarray,maple}",
                 default="rbtree",
                 help="kind of the tree (default: rbtree); the beginning of a name will"
                 " do where it is no other's: rb, ra, x, m"),
        argument("-r", dest="root_offset", metavar="OFFSET",
                 help="the start is a structure that has the root at this offset: a"
                 " number of bytes or struct_name.member"),
        argument("-o", dest="offset", metavar="OFFSET",
                 help="for red-black trees: where an entry has the rb_node (default:"
                 " 0)"),
        argument("-s", "-S", dest="spec", metavar="struct_name[.member[,member]]",
                 help="type of the entries, to show them, and members to show alone"),
        argument("-l", dest="inorder", action="store_true",
                 help="for red-black trees: in the order that they are sorted in, not"
                 " each node before those below it"),
        *radix_arguments,
        drgn_argument,
        argument("start", help="hexadecimal address or symbol of the root: an rb_root,"
                 " radix_tree_root, xarray or maple_tree"),
    ),
)  # fmt: skip
def _crash_cmd_tree(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    kind = _kind(args.kind)
    for option, value in (("-o", args.offset), ("-l", args.inorder)):
        if value and kind != "rbtree":
            raise CommandArgumentError(f"tree: error: {option} is not for {kind} trees")
    start = parse_location(prog, args.start)
    if start.cpus is not None:
        raise CommandArgumentError("tree: error: the root of a tree has no CPUs")
    none = MemberOffset(0)
    root = none if args.root_offset is None else parse_offset(prog, args.root_offset)
    offset = none if args.offset is None else parse_offset(prog, args.offset)
    entries = Entries(prog, args.spec, args.integer_base)
    if args.drgn:
        _print_code(prog, kind, args.inorder, start, root, offset, entries)
        return
    address = start.resolve(prog) + root.bytes
    lost: list[FaultError] = []
    try:
        for entry in entry_addresses(prog, kind, args.inorder, address, lost):
            entries.print(entry - offset.bytes)
    finally:
        entries.say_lost()
        if lost:
            nodes = "1 node" if len(lost) == 1 else f"{len(lost)} nodes"
            print(
                f"what is below {nodes} of the tree is left out: {lost[0]}",
                file=sys.stderr,
            )


def _kind(text: str) -> str:
    found = [kind for kind in _KINDS if text and kind.startswith(text)]
    if len(found) != 1:
        raise CommandArgumentError(
            f"tree: error: not one of {', '.join(_KINDS)}: {text!r}"
        )
    return found[0]


def _root_type(prog: Program, kind: str) -> str:
    """The name of the type of a tree's root."""
    if kind == "rbtree":
        return "struct rb_root"
    if kind == "maple":
        return "struct maple_tree"
    # Linux 4.20 made radix trees of XArrays ("#define radix_tree_root xarray").
    names = ["struct radix_tree_root", "struct xarray"]
    if kind == "xarray":
        names.reverse()
    try:
        prog.type(names[0])
    except LookupError:
        return names[1]
    return names[0]


def entry_addresses(
    prog: Program, kind: str, inorder: bool, address: int, lost: list[FaultError]
) -> Iterator[int]:
    """Addresses of the entries, or of the rb_nodes in them.

    ``lost`` takes the errors of nodes that cannot be read.
    """
    root = Object(prog, f"{_root_type(prog, kind)} *", address)
    if kind == "rbtree":
        yield from rbtree_addresses(root, inorder, lost)
    elif kind == "maple":
        for _, _, entry in mt_entries(root, lost=lost):
            yield entry
    else:
        for _, entry in xa_entries(root, lost=lost):
            yield entry


_LOOPS = {
    "maple": ("mapletree", "mt_for_each", "first, last, entry"),
    "radix": ("radixtree", "radix_tree_for_each", "index, entry"),
    "xarray": ("xarray", "xa_for_each", "index, entry"),
}


def _print_code(
    prog: Program,
    kind: str,
    inorder: bool,
    start: Location,
    root: MemberOffset,
    offset: MemberOffset,
    entries: Entries,
) -> None:
    code = CrashCodeBuilder(prog)
    code.add_from_import("drgn", "Object")
    address = start.code()
    if root.member is not None and root.type is not None:
        name = root.type.type_name()
        code.append(
            f'start = Object(prog, "{name} *", {address})\n'
            f"root = start.{root.member}.address_of_()\n"
        )
    else:
        address += f" + {root.bytes}" if root.bytes else ""
        code.append(f'root = Object(prog, "{_root_type(prog, kind)} *", {address})\n')
    if kind == "rbtree":
        _append_rbtree(code, inorder, offset, entries)
    else:
        module, name, names = _LOOPS[kind]
        code.add_from_import(f"drgn.helpers.linux.{module}", name)
        with code.begin_block(f"for {names} in {name}(root):\n"):
            if entries.type is not None:
                code.add_from_import("drgn", "cast")
                code.append(f'entry = cast("{entries.type.type_name()} *", entry)\n')
            code.append(entries.code())
    code.print()


def _append_rbtree(
    code: CrashCodeBuilder, inorder: bool, offset: MemberOffset, entries: Entries
) -> None:
    name = f"rbtree_{'inorder' if inorder else 'preorder'}_for_each"
    wanted = entries.type
    typed = offset.type is not None and wanted in (None, offset.type)
    if typed and offset.type is not None:
        name += "_entry"
        loop = f'{name}("{offset.type.type_name()}", root, "{offset.member}")'
    else:
        loop = f"{name}(root)"
    code.add_from_import("drgn.helpers.linux.rbtree", name)
    with code.begin_block(f"for {'entry' if typed else 'node'} in {loop}:\n"):
        if not typed:
            type = "void" if wanted is None else wanted.type_name()
            address = f"node.value_() - {offset.bytes}" if offset.bytes else "node"
            code.append(f'entry = Object(prog, "{type} *", {address})\n')
        code.append(entries.code())
