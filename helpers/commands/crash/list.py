"""``list``: what is on a linked list."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from drgn import FaultError, Program, sizeof
from drgn.commands import (
    CommandError,
    DrgnCodeBlockContext,
    argument,
    drgn_argument,
    mutually_exclusive_group,
)

from ._address import Location, parse_hex, parse_location
from ._code import CrashCodeBuilder
from ._define import crash_command, radix_arguments
from ._entries import Entries
from ._members import MemberOffset, parse_offset


@crash_command(
    description="show the entries of a linked list",
    usage="**list** [**-o** *OFFSET*] [**-s** *struct_name*[.*member*[,*member*]]]"
    " [**-l** *OFFSET*]\n            [**-H** | **-h**] [**-O** *OFFSET*] [**-r**]"
    " [**-e** *END*] [**-x**] [**-d**] [**--drgn**]\n            *start*",
    arguments=(
        argument("-o", dest="offset", metavar="OFFSET",
                 help="where an entry has the pointer to the next: a number of bytes or"
                 " struct_name.member (default: 0). It may be given without -o, before"
                 " the start, where it cannot be taken for an address"),
        argument("-s", "-S", dest="spec", metavar="struct_name[.member[,member]]",
                 help="type of the entries, to show them, and members to show alone"),
        argument("-l", dest="link", metavar="OFFSET",
                 help="with -s, not with -o: where an entry has the list_head, while"
                 " addresses are those of the list_heads"),
        mutually_exclusive_group(
            argument("-H", dest="anchor", action="store_true",
                     help="the start is a list_head that stands for itself, outside of"
                     " the entries"),
            argument("-h", dest="embedded", action="store_true",
                     help="the start is an entry with a list_head in it"),
        ),
        argument("-O", dest="anchor_offset", metavar="OFFSET",
                 help="with -h: the start is a structure which has the list_head of the"
                 " whole list, outside of the entries, at this offset"),
        argument("-r", dest="reverse", action="store_true",
                 help="go backwards, by list_head.prev, as if with -h, if not -H"),
        argument("-e", dest="end", metavar="END", type="address",
                 help="end before this hexadecimal address too"),
        *radix_arguments,
        drgn_argument,
        argument("words", metavar="start", nargs="+",
                 help="hexadecimal address or symbol of the first entry, if neither -H"
                 " nor -O is given"),
    ),
)  # fmt: skip
def _crash_cmd_list(
    prog: Program,
    name: str,
    args: argparse.Namespace,
    *,
    parser: argparse.ArgumentParser,
    **kwargs: Any,
) -> None:
    start, offset = _start_and_offset(prog, args, parser)
    walk = _Walk(prog, args, start.resolve(prog), offset)
    if args.drgn:
        _print_code(prog, args, start, walk)
        return
    empty = True
    try:
        for address in walk.addresses():
            empty = False
            walk.entries.print(address, walk.link.bytes)
    finally:
        walk.entries.say_lost()
    if walk.is_cut:
        print("\ninvalid list entry: 0")
    elif empty:
        print("(empty)")


def _start_and_offset(
    prog: Program, args: argparse.Namespace, parser: argparse.ArgumentParser
) -> tuple[Location, MemberOffset]:
    """Take apart the arguments without options, and check what goes together."""
    words = list(args.words)
    offset = args.offset
    if len(words) == 2 and offset is None:
        # The offset comes first, unless only the second can be one.
        swapped = _is_offset(words[1]) and not _is_offset(words[0])
        offset = words.pop(1 if swapped else 0)
    if len(words) > 1:
        parser.error(f"unrecognized arguments: {' '.join(words[1:])}")
    if _is_offset(words[0]) and "." in words[0]:
        parser.error("the start of the list is required")
    if args.anchor_offset is not None and not args.embedded:
        parser.error("-O can only be used with -h")
    if args.link is not None and args.spec is None:
        parser.error("-l can only be used with -s/-S")
    if args.link is not None and offset is not None:
        parser.error("-l not allowed with an offset")
    location = parse_location(prog, words[0])
    if location.cpus is not None:
        parser.error("the start of a list has no CPUs")
    parsed = MemberOffset(0) if offset is None else parse_offset(prog, offset)
    return location, parsed


def _is_offset(text: str) -> bool:
    """Whether a word is an offset rather than an address or a symbol."""
    if "." in text:
        return True
    value = parse_hex(text)
    return value is not None and value < _MOST_OFFSET


# What is larger is an address.
_MOST_OFFSET = 1 << 24


class _Walk:
    """A way through a list."""

    def __init__(
        self,
        prog: Program,
        args: argparse.Namespace,
        start: int,
        offset: MemberOffset,
    ) -> None:
        self._prog = prog
        self.end = args.end
        self.start = start
        self.offset = offset
        self.entries = Entries(prog, args.spec, args.integer_base)
        self.link = MemberOffset(0)
        if args.link is not None:
            self.link = parse_offset(prog, args.link)
        self.anchor: int | None = None
        self.anchor_offset: MemberOffset | None = None
        if args.anchor:
            self.anchor = start
        elif args.anchor_offset is not None:
            self.anchor_offset = parse_offset(prog, args.anchor_offset)
            self.anchor = start + self.anchor_offset.bytes
        # Only a list_head has a way back.
        self.embedded = (args.embedded or args.reverse) and self.anchor is None
        # The previous list_head's address lies after the next one's.
        self.previous = sizeof(prog.type("void *")) if args.reverse else 0
        # A list of list_heads is a ring: where a NULL ends it, it is damaged.
        self.is_cut = False

    def addresses(self) -> Iterator[int]:
        """Addresses of the entries.

        Raises FaultError where a pointer leads out of memory, after the entries that a
        ring has on the way back to there; CommandError where the list runs in a circle
        that its start is not on.
        """
        # Links hold the addresses of entries, or of the list_heads in them.
        of_heads = self.anchor is not None or self.embedded
        back = self.offset.bytes if of_heads else 0
        forth = self.previous + (0 if of_heads else self.offset.bytes)
        if self.anchor is not None:
            first = self._prog.read_word(self.anchor + forth)
        else:
            first = self.start + back
        self.is_cut = of_heads and first == 0
        if self.anchor is not None and first in (0, self.anchor, self.end):
            return
        seen: set[int] = set()
        node = first
        while True:
            yield node - back
            seen.add(node)
            try:
                following = self._prog.read_word(node + forth)
            except FaultError:
                if of_heads and self.end is None:
                    head = first if self.anchor is None else self.anchor
                    seen.update((0, head))
                    yield from (node - back for node in self._before(head, seen))
                raise
            if following in (0, node, first, self.anchor, self.end):
                self.is_cut = of_heads and following == 0
                return
            if following in seen:
                raise CommandError(
                    f"the list runs in a circle: {node:x} leads back to {following:x}"
                )
            node = following

    def _before(self, head: int, seen: set[int]) -> list[int]:
        """The list_heads that one comes to from a ring's other end, as the list has
        them, until one that was seen or cannot be read."""
        opposite = sizeof(self._prog.type("void *")) - self.previous
        found: list[int] = []
        node = head
        with suppress(FaultError):
            while (node := self._prog.read_word(node + opposite)) not in seen:
                seen.add(node)
                found.append(node)
        return found[::-1]


def _print_code(
    prog: Program, args: argparse.Namespace, start: Location, walk: _Walk
) -> None:
    code = CrashCodeBuilder(prog)
    if walk.anchor is None:
        _append_pointers(code, walk, start)
    else:
        _append_anchored(code, walk, start)
    code.print()


def _append_anchored(code: CrashCodeBuilder, walk: _Walk, start: Location) -> None:
    """Code for a list with an anchor outside of the entries."""
    address = start.code()
    if walk.anchor_offset is not None:
        within = walk.anchor_offset
        address += f" + {within.bytes}"
        if within.type is not None:
            code.append(f"# {within.type.type_name()}.{within.member}\n")
    code.add_from_import("drgn", "Object")
    code.append(f'head = Object(prog, "struct list_head *", {address})\n')
    way = "_reverse" if walk.previous else ""
    member = walk.offset if walk.offset.member else walk.link
    wanted = walk.entries.type
    if member.type is not None and wanted in (None, member.type):
        name = f"list_for_each_entry{way}"
        loop = f'{name}("{member.type.type_name()}", head, "{member.member}")'
        with _begin_loop(code, name, f"for entry in {loop}:\n"):
            if walk.end is not None:
                code.append(f"if entry.{member.member}.address_ == {walk.end:#x}:\n")
                code.append("    break\n")
            code.append(walk.entries.code())
        return
    name = f"list_for_each{way}"
    with _begin_loop(code, name, f"for node in {name}(head):\n"):
        if walk.end is not None:
            code.append(f"if node.value_() == {walk.end:#x}:\n    break\n")
        offset = walk.offset.bytes + walk.link.bytes
        back = f" - {offset}" if offset else ""
        code.append(f"address = node.value_(){back}\n")
        _append_entry(code, walk, "address")


def _begin_loop(code: CrashCodeBuilder, name: str, text: str) -> DrgnCodeBlockContext:
    code.add_from_import("drgn.helpers.linux.list", name)
    return code.begin_block(text)


def _append_entry(code: CrashCodeBuilder, walk: _Walk, address: str) -> None:
    if walk.entries.type is not None:
        code.add_from_import("drgn", "Object")
        name = walk.entries.type.type_name()
        code.append(f'entry = Object(prog, "{name} *", {address})\n')
        code.append(walk.entries.code())


def _append_pointers(code: CrashCodeBuilder, walk: _Walk, start: Location) -> None:
    """Code for a list whose start is an entry."""
    offset = walk.offset.bytes
    back = offset if walk.embedded else 0
    forth = walk.previous + (0 if walk.embedded else offset)
    end = "" if walk.end is None else f", {walk.end:#x}"
    code.append(
        f"node = {start.code()}{f' + {back}' if back else ''}\nseen = {{0{end}}}\n"
    )
    before = back + walk.link.bytes
    with code.begin_block("while node not in seen:\n"):
        code.append(
            f"seen.add(node)\naddress = node{f' - {before}' if before else ''}\n"
        )
        _append_entry(code, walk, "address")
        code.append(f"node = prog.read_word(node{f' + {forth}' if forth else ''})\n")
