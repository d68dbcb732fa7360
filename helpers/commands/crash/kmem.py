"""``kmem``: memory, and what addresses in it are."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from typing import Any

from drgn import Program
from drgn.commands import (
    CommandArgumentError,
    argument,
    drgn_argument,
    mutually_exclusive_group,
)

from ._address import parse_hex
from ._define import crash_command

#: ``-g`` without a value.
_ALL_FLAGS = object()

#: The options that addresses may come with.
_WITH_ADDRESSES = ("vmalloc", "pages", "page_members", "slab")

_Action = Callable[[Program, argparse.Namespace, list[str]], None]


@crash_command(
    description="kernel memory",
    long_description="Display how memory is used, or what addresses are.",
    arguments=(
        mutually_exclusive_group(
            argument("-f", dest="free", action="store_true",
                     help="show and check the free lists of the page allocator"),
            argument("-F", dest="free_pages", action="store_true",
                     help="like -f, with the pages that are on the lists"),
            argument("-i", dest="info", action="store_true",
                     help="sum up how memory is used"),
            argument("-v", dest="vmalloc", action="store_true",
                     help="show what vmalloc() and vmap() have mapped"),
            argument("-V", dest="vmstat", action="store_true",
                     help="show the statistics of zones, nodes, NUMA and VM events"),
            argument("-n", dest="nodes", action="store_true",
                     help="show NUMA nodes, memory sections and memory blocks"),
            argument("-z", dest="zones", action="store_true",
                     help="show the statistics of each memory zone"),
            argument("-o", dest="per_cpu_offset", action="store_true",
                     help="show for each CPU what is added to a per-CPU symbol"),
            argument("-h", dest="hstate", action="store_true",
                     help="show HugeTLB pages"),
            argument("-p", dest="pages", action="store_true",
                     help="show each struct page: physical address, mapping, index,"
                     " reference count, flags"),
            argument("-m", dest="page_members", metavar="PAGE_MEMBERS",
                     help="show members, separated by commas, of each struct page"),
            argument("-s", dest="slab", action="store_true",
                     help="show the usage of slab caches"),
            argument("-g", dest="page_flags", metavar="FLAGS", nargs="?",
                     type="hexadecimal", const=_ALL_FLAGS,
                     help="show what flags a hexadecimal value of page flags has, or"
                     " all that there are"),
        ),
        argument("-I", dest="ignore", metavar="NAME[,NAME...]",
                 help="with -s, leave out the slab caches of these names"),
        drgn_argument,
        argument("words", metavar="name", nargs="*",
                 help="with -s, show the slab caches of these names only"),
        # Both kinds of words may be mixed; this one is for the help.
        argument("addresses", metavar="address", nargs="*",
                 help="hexadecimal addresses: tell what they are of symbols, tasks,"
                 " stacks, mappings, pages, slab objects; with -v, -p, -m or -s only"
                 " of the one kind"),
    ),
)  # fmt: skip
def _crash_cmd_kmem(
    prog: Program,
    name: str,
    args: argparse.Namespace,
    *,
    parser: argparse.ArgumentParser,
    **kwargs: Any,
) -> None:
    addresses, names = _addresses_and_names(prog, args)
    option = _option(args)
    if names and option != "slab":
        raise CommandArgumentError("name can only be used with -s")
    if args.ignore is not None and option != "slab":
        raise CommandArgumentError("-I can only be used with -s")
    if addresses and option not in (None, *_WITH_ADDRESSES):
        raise CommandArgumentError(f"address not allowed with {option}")
    if not addresses and option is None:
        raise CommandArgumentError("address or option is required")
    if args.drgn:
        from ._kmem_code import print_code

        print_code(prog, option, args, addresses, names)
    elif addresses:
        from ._kmem_identify import print_addresses
        from ._kmem_slab import ignored_names

        ignored = ignored_names(args.ignore)
        print_addresses(
            prog, addresses, option, args.page_members, bool(names), ignored
        )
    else:
        assert option is not None
        _OPTIONS[option](prog, args, names)


def _addresses_and_names(
    prog: Program, args: argparse.Namespace
) -> tuple[list[int], list[str]]:
    addresses, names = [], []
    for word in (*args.words, *args.addresses):
        value = parse_hex(word)
        if value is None:
            names.append(word)
        elif value >> 8 * prog.address_size():
            raise CommandArgumentError(f"not an address: {word}")
        else:
            addresses.append(value)
    return addresses, names


def _option(args: argparse.Namespace) -> str | None:
    """The name of the option that was given."""
    for option in _OPTIONS:
        value = getattr(args, option)
        if value is not None and value is not False:
            return option
    return None


def _print_page_flags(
    prog: Program, args: argparse.Namespace, names: list[str]
) -> None:
    from ._kmem_pages import print_flags

    print_flags(prog, None if args.page_flags is _ALL_FLAGS else args.page_flags)


def _print_pages(prog: Program, args: argparse.Namespace, names: list[str]) -> None:
    from ._kmem_pages import all_pages, print_pages

    print_pages(prog, all_pages(prog))


def _print_members(prog: Program, args: argparse.Namespace, names: list[str]) -> None:
    from ._kmem_pages import all_pages, print_members

    print_members(prog, all_pages(prog), args.page_members)


def _print_caches(prog: Program, args: argparse.Namespace, names: list[str]) -> None:
    from ._kmem_slab import ignored_names, named_caches, print_caches

    print_caches(named_caches(prog, names), ignored_names(args.ignore))


def _from(module: str, function: str, *arguments: Any) -> _Action:
    """A function of a module that is imported when it is needed."""

    def call(prog: Program, args: argparse.Namespace, names: list[str]) -> None:
        imported = importlib.import_module(f".{module}", __package__)
        getattr(imported, function)(prog, *arguments)

    return call


_OPTIONS: dict[str, _Action] = {
    "free": _from("_kmem_zones", "print_free_lists", False),
    "free_pages": _from("_kmem_zones", "print_free_lists", True),
    "info": _from("_kmem_totals", "print_usage"),
    "vmalloc": _from("_kmem_totals", "print_all_vmap_areas"),
    "vmstat": _from("_kmem_totals", "print_statistics"),
    "nodes": _from("_kmem_zones", "print_nodes"),
    "zones": _from("_kmem_zones", "print_zones"),
    "per_cpu_offset": _from("_kmem_totals", "print_per_cpu_offsets"),
    "hstate": _from("_kmem_totals", "print_huge_pages"),
    "pages": _print_pages,
    "page_members": _print_members,
    "slab": _print_caches,
    "page_flags": _print_page_flags,
}
"""What each option prints, without addresses."""
