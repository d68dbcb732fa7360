"""``kmem -s``: slab caches, and the slab that an address is in."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from drgn import FaultError, Object, Program, cast
from drgn.helpers import ValidationError
from drgn.helpers.common.format import CellFormat, print_table
from drgn.helpers.linux.slab import (
    SlabObjectInfo,
    find_containing_slab_cache,
    for_each_slab_cache,
    slab_cache_pages_per_slab,
    slab_cache_usage,
)

from ._output import escaped, progress, read_until_fault

_HEADER = (
    "CACHE",
    CellFormat("OBJSIZE", ">"),
    CellFormat("ALLOCATED", ">"),
    CellFormat("TOTAL", ">"),
    CellFormat("SLABS", ">"),
    CellFormat("SSIZE", ">"),
    "NAME",
)
_UNKNOWN = CellFormat("?", ">")


def _name(cache: Object) -> str:
    return escaped(cache.name.string_())


def _row(cache: Object, problems: list[str]) -> Sequence[Any]:
    prog = cache.prog_
    usage: Sequence[Any] = "[UNKNOWN]", "", ""
    try:
        found = slab_cache_usage(cache)
        usage = found.active_objs, found.num_objs, found.num_slabs
    except (ValidationError, FaultError) as error:
        usage = "[CORRUPTED]", "", ""
        known = "" if isinstance(error, ValidationError) else f"{_name(cache)}: "
        problems.append(f"kmem: {known}{error}")
    except (ValueError, AttributeError):
        pass  # SLOB, or SLUB without CONFIG_SLUB_DEBUG, counts nothing.
    ssize: Any = _UNKNOWN
    try:
        pages = slab_cache_pages_per_slab(cache)
        ssize = CellFormat(f"{prog['PAGE_SIZE'].value_() * pages // 1024}k", ">")
    except ValueError:
        pass  # SLOB
    return (
        f"{cache.value_():x}",
        cache.object_size.value_(),
        *usage,
        ssize,
        _name(cache),
    )


def print_caches(caches: Iterable[Object], ignored: Collection[bytes] = ()) -> None:
    """Print the usage of slab caches; of those with an ignored name nothing but it.

    Raises FaultError after those before it, if there is one that the others cannot be
    found without.
    """
    rows: list[Sequence[Any]] = [_HEADER]
    problems: list[str] = []
    found, fault = read_until_fault(caches)
    for cache in progress(found, "Counting slab objects"):
        try:
            if cache.name.string_() in ignored:
                rows.append(
                    (f"{cache.value_():x}", "[IGNORED]", "", "", "", "", _name(cache))
                )
            else:
                rows.append(_row(cache, problems))
        except FaultError as error:
            problems.append(f"kmem: {cache.value_():x} left out: {error}")
    if len(rows) > 1 or fault is None:
        print_table(rows)
    for problem in problems:
        print(problem, file=sys.stderr)
    if fault is not None:
        raise fault


def ignored_names(text: str | None) -> list[bytes]:
    """The names of slab caches in ``NAME,NAME``; none without a text."""
    return text.encode().split(b",") if text else []


def named_caches(prog: Program, names: Sequence[str]) -> Iterator[Object]:
    """The slab caches that have the names, in their order, or all without names.

    Raises FaultError after those before it, if one cannot be read.
    """
    if not names:
        yield from for_each_slab_cache(prog)
        return
    by_name: dict[bytes, Object] = {}
    caches, fault = read_until_fault(for_each_slab_cache(prog))
    for cache in caches:
        with suppress(FaultError):
            by_name.setdefault(cache.name.string_(), cache)
    wanted = [name.encode() for name in names]
    yield from (by_name[name] for name in wanted if name in by_name)
    if fault is not None and not by_name.keys() >= set(wanted):
        raise fault


def print_slab_object(
    prog: Program,
    address: int,
    info: SlabObjectInfo | ValidationError,
    ignored: Collection[bytes] = (),
) -> None:
    """Print the slab cache, the slab and the object that an address is in.

    If the name of the cache is ignored, that is all that is said.
    """
    from drgn.helpers.linux.mm import page_to_virt

    if ignored:
        cache = find_containing_slab_cache(prog, address)
        if cache and cache.name.string_() in ignored:
            print_caches([cache], ignored)
            return
    if isinstance(info, ValidationError):
        print_caches([find_containing_slab_cache(prog, address)])
        print(f"kmem: {address:x} is in a slab that is broken: {info}")
        return
    if info.slab_cache:
        print_caches([info.slab_cache])
    memory = page_to_virt(cast("struct page *", info.slab)).value_()
    print_table([("  SLAB", "MEMORY"), (f"  {info.slab.value_():x}", f"{memory:x}")])
    if not info.slab_cache:
        return  # SLOB does not tell one object from the next.
    print("  FREE / [ALLOCATED]")
    text = f"{info.address:x}"
    print(f"  [{text}]" if info.allocated else f"  {text}")
