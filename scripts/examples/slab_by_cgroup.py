"""Count the slab objects that each cgroup has been charged for.

    drgn -c vmcore -s vmlinux scripts/examples/slab_by_cgroup.py [--caches] [CGROUP]...

Objects keep the memory cgroups alive that they were charged to; those that are gone
are marked "(gone)". ``--caches`` shows the slab caches of each cgroup. This needs
pydrgn: it reads all slabs as arrays.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from drgn import Object, columns, offsetof, sizeof
from drgn.helpers import arrays
from drgn.helpers.common.format import number_in_binary_units, print_table
from drgn.helpers.linux import cgroup_path, for_each_slab_cache, slab_cache_usage


def charges(cache: Object) -> Iterator[tuple[Object, int]]:
    """(``struct mem_cgroup *``, number of objects) of a cache."""
    if hasattr(cache, "memcg_params"):
        # Before 5.9 (9855609bde03), each cgroup had caches of its own.
        if not is_root(cache.memcg_params):
            usage = slab_cache_usage(cache)
            yield cache.memcg_params.memcg.read_(), usage.active_objs
        return
    pointers = prog.gather("unsigned long", charge_pointers(cache)).filled(0)
    pointers, counts = np.unique(pointers[pointers != 0], return_counts=True)
    for pointer, count in zip(pointers.tolist(), counts.tolist(), strict=True):
        yield Object(prog, "struct obj_cgroup *", pointer).memcg.read_(), count


def is_root(params: Object) -> bool:
    """Whether a cache is no cgroup's: then it has others in place of ``memcg``."""
    try:
        return bool(params.is_root_cache)
    except AttributeError:
        return not params.root_cache  # Since 4.11 (510ded33e075).


def charge_pointers(cache: Object) -> NDArray[np.uint64]:
    """Where the ``struct obj_cgroup *`` of each object of a cache is."""
    # Slabs have a type of their own since 5.17 (d122019bf061).
    slab = prog.type("struct slab" if has_struct_slab() else "struct page")
    # struct slabobj_ext since 6.10 (21c690a349ba), obj_cgroups before 5.11
    # (bcfe06bf2622).
    members = ("obj_exts", "memcg_data", "obj_cgroups")
    member = next((each for each in members if slab.has_member(each)), None)
    if member is None:
        return np.empty(0, np.uint64)  # !CONFIG_MEMCG
    wanted = [member, "objects"]
    # Since 7.0, each may lie behind its object: a stride, and in 7.3 a bit, tells.
    placed = ("stride", "obj_exts_in_object")
    wanted += [each for each in placed if slab.has_member(each)]
    found = columns(arrays.slabs(cache), *wanted, type=slab, prog=prog)
    vectors = found[member].filled(0).astype(np.uint64)
    # The low bits are flags, the first of which says that objects are charged for.
    charged = vectors & np.uint64(1) != 0
    vectors = vectors[charged] & ~np.uint64(7)
    counts = found["objects"].filled(0)[charged].astype(np.int64)
    sizes, offset = np.full(len(counts), prog.address_size()), 0
    if member == "obj_exts":
        extension = prog.type("struct slabobj_ext")
        # Renamed in 7.3.
        member = "objcg" if extension.has_member("objcg") else "_objcg"
        sizes[:], offset = sizeof(extension), offsetof(extension, member)
    if "stride" in found:
        sizes = found["stride"].filled(0)[charged].astype(np.int64)
    if "obj_exts_in_object" in found:
        apart = found["obj_exts_in_object"].filled(0)[charged].astype(bool)
        sizes[apart] = cache.size.value_()
    first = np.cumsum(counts) - counts
    number = np.arange(counts.sum()) - np.repeat(first, counts)
    offsets = number * np.repeat(sizes, counts) + offset
    return np.repeat(vectors, counts) + offsets.astype(np.uint64)


def has_struct_slab() -> bool:
    try:
        return prog.type("struct slab").has_member("slab_cache")
    except (LookupError, TypeError):
        return False


def name(memcg: Object) -> str:
    path = cgroup_path(memcg.css.cgroup).decode()
    return path if memcg.css.flags & prog["CSS_ONLINE"] else f"{path} (gone)"


def print_cgroup(cgroup: str, caches: dict[str, tuple[int, int]]) -> None:
    """Print (objects, bytes) by slab cache, the largest first."""
    print(f"{cgroup}:")
    rows = [("CACHE", "OBJECTS", "SIZE")]
    for cache, (objects, size) in sorted(
        caches.items(), key=lambda item: item[1][1], reverse=True
    ):
        rows.append((cache, str(objects), number_in_binary_units(size)))
    print_table(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="slab_by_cgroup.py",
        description="Count the slab objects that each cgroup has been charged for.",
    )
    parser.add_argument("--caches", action="store_true", help="by slab cache, too")
    parser.add_argument("cgroup", nargs="*", help="path (default: all)")
    args = parser.parse_args()
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for cache in for_each_slab_cache(prog):
        key = cache.name.string_().decode()
        for memcg, count in charges(cache):
            cgroup = name(memcg)
            if args.cgroup and cgroup.removesuffix(" (gone)") not in args.cgroup:
                continue
            caches = found.setdefault(cgroup, {})
            objects, size = caches.get(key, (0, 0))
            caches[key] = objects + count, size + count * cache.size.value_()
    if args.caches:
        for cgroup in sorted(found):
            print_cgroup(cgroup, found[cgroup])
        return
    rows = [("CGROUP", "OBJECTS", "SIZE")]
    for cgroup in sorted(found):
        objects = sum(objects for objects, _ in found[cgroup].values())
        size = sum(size for _, size in found[cgroup].values())
        rows.append((cgroup, str(objects), number_in_binary_units(size)))
    print_table(rows)


main()
