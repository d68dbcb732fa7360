"""``kmem ADDRESS``: what an address is."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any

from drgn import FaultError, Object, Program, Symbol
from drgn.helpers import ValidationError
from drgn.helpers.common.memory import identify_address_all
from drgn.helpers.linux.common import (
    IdentifiedPage,
    IdentifiedTaskStack,
    IdentifiedTaskStruct,
)
from drgn.helpers.linux.mm import find_vmap_area, follow_pfn
from drgn.helpers.linux.slab import SlabObjectInfo, slab_object_info

from ._kmem_pages import one_page, print_members, print_pages
from ._kmem_slab import print_slab_object
from ._kmem_totals import print_vmap_areas
from .set import print_task

#: What an address may be, in the order of printing, and what options limit it to.
_KINDS = ("task", "symbol", "slab", "vmalloc", "page")
_OPTION_KINDS = {
    "slab": ("slab",),
    "vmalloc": ("vmalloc",),
    "pages": ("page",),
    "page_members": ("page",),
}


def print_addresses(
    prog: Program,
    addresses: list[int],
    option: str | None,
    members: str | None,
    named: bool,
    ignored: Collection[bytes] = (),
) -> None:
    """Print what addresses are; with an option, only of the kind that it is about.

    ``members``: what to print of a page instead of a summary, ``member,member``.
    ``named``: whether names of slab caches were given, which say nothing here.
    ``ignored``: the names of slab caches whose objects are not looked at.
    """
    finder = _Finder(prog)
    kinds = _KINDS if option is None else _OPTION_KINDS[option]
    separator = ""
    for address in addresses:
        known = False
        for kind in kinds:
            found = finder.find(kind, address)
            if found is None:
                continue
            sys.stdout.write(separator)
            separator = "\n"
            known = True
            if named:
                print(
                    f"kmem: ignoring pre-selected slab caches for address: {address:x}"
                )
            _print(prog, kind, address, found, members, ignored)
        if known:
            continue
        if option in ("slab", "vmalloc"):
            print(
                f"{separator}kmem: address is not allocated in {option} subsystem:"
                f" {address:x}"
            )
            separator = "\n"
        else:
            print(f"kmem: nothing is known of address: {address:x}", file=sys.stderr)


class _Finder:
    """Finds what an address is."""

    def __init__(self, prog: Program) -> None:
        self._prog = prog
        self._cache: dict[Any, Any] = {}
        self._identities: tuple[int, list[Any]] | None = None

    def find(self, kind: str, address: int) -> Any:
        """What an address is of a kind, None if it is nothing of it."""
        try:
            return getattr(self, f"_{kind}")(address)
        except FaultError:
            return None

    def _identity(self, address: int, *types: type) -> Any:
        if self._identities is None or self._identities[0] != address:
            found = identify_address_all(self._prog, address, cache=self._cache)
            self._identities = address, _until_broken(found)
        for identity in self._identities[1]:
            if isinstance(identity, types):
                return identity
        return None

    def _task(self, address: int) -> Object | None:
        identity = self._identity(address, IdentifiedTaskStruct, IdentifiedTaskStack)
        return None if identity is None else identity.task

    def _symbol(self, address: int) -> Symbol | None:
        try:
            return self._prog.symbol(address)
        except LookupError:
            return None

    def _slab(self, address: int) -> SlabObjectInfo | ValidationError | None:
        try:
            return slab_object_info(self._prog, address)
        except ValidationError as error:
            return error

    def _vmalloc(self, address: int) -> Object | None:
        area = find_vmap_area(self._prog, address)
        # Without a vm_struct it is of vm_map_ram(), or has been freed lazily.
        return area if area and area.vm else None

    def _page(self, address: int) -> int | None:
        """The page frame number of a ``struct page``, or of what is mapped."""
        identity = self._identity(address, IdentifiedPage)
        if identity is not None:
            return int(identity.pfn)
        if address < 1 << 8 * self._prog.address_size() - 1:
            return None  # An address of user space, which is of no one task.
        mm = self._prog["init_mm"].address_of_()
        pfn: int = follow_pfn(mm, address).value_()
        return pfn


def _until_broken(identities: Any) -> list[Any]:
    found = []
    try:
        for identity in identities:
            found.append(identity)
    except (FaultError, ValidationError):
        pass  # A broken slab does not take away what was known before.
    return found


def _print(
    prog: Program,
    kind: str,
    address: int,
    found: Any,
    members: str | None,
    ignored: Collection[bytes],
) -> None:
    if kind == "task":
        print_task(found)
    elif kind == "symbol":
        offset = address - found.address
        print(f"{address:x} (?) {found.name}" + (f"+{offset}" if offset else ""))
    elif kind == "slab":
        print_slab_object(prog, address, found, ignored)
    elif kind == "vmalloc":
        print_vmap_areas([found])
    elif members is not None:
        print_members(prog, [one_page(prog, found)], members)
    else:
        print_pages(prog, [one_page(prog, found)])
