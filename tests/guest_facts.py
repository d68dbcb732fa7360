"""What tests of facts look up again and again."""

from __future__ import annotations

import re

import pytest
from lab.manifest import Lab

from drgn import Object, Program
from drgn.helpers.linux import (
    find_slab_cache,
    find_task,
    for_each_module,
    list_for_each_entry,
    path_lookup,
)
from drgn.helpers.linux._kfence import kfence_pool


def facts_of(lab: Lab, name: str) -> dict[str, str]:
    """What a task said, if the kernel has what it is about (Debian's all have)."""
    facts = lab.task(name)
    if "missing" in facts:
        pytest.skip(f"{lab.kernel} has no {facts['missing']}")
    return facts


def task_of(prog: Program, lab: Lab, name: str) -> Object:
    task = find_task(prog, int(facts_of(lab, name)["pid"]))
    assert task.comm.string_().decode() == name[:15]
    return task


def inode_at(prog: Program, path: str) -> Object:
    return path_lookup(prog, path).dentry.d_inode.read_()


def partial_slabs(cache: Object) -> list[Object]:
    """The slabs of a cache that have free objects, as its first node lists them."""
    # In pairs with barns since 7.0.
    paired = hasattr(cache, "per_node")
    node = cache.per_node[0].node if paired else cache.node[0]
    try:
        type = cache.prog_.type("struct slab *").type
    except LookupError:
        type = cache.prog_.type("struct page")  # before 5.17 (bb192ed9aa71)
    partial = node.partial if hasattr(node, "partial") else node.slabs_partial  # SLAB
    # Since 5.3 (916ac0527837).
    link = "slab_list" if type.has_member("slab_list") else "lru"
    return list(list_for_each_entry(type, partial.address_of_(), link))


def slab_list(slab: Object) -> Object:
    """What links a slab to others: lru before 5.3."""
    return slab.slab_list if hasattr(slab, "slab_list") else slab.lru


def has_orc(prog: Program) -> bool:
    """Whether the kernel does not unwind by frame pointers.

    Those do not lead from a system call to the user.
    """
    return bool(prog.symbols("__start_orc_unwind"))


def shows_times(prog: Program) -> bool:
    """Whether the kernel gives its log with times (CONFIG_PRINTK_TIME)."""
    return bool(prog["printk_time"])


def has_raw_tracepoints(prog: Program) -> bool:
    """Whether BPF programs may be of tracepoints (CONFIG_BPF_EVENTS)."""
    return bool(prog.symbols("bpf_get_raw_tracepoint"))


def checks_slabs(prog: Program) -> bool:
    """Whether SLUB checks all caches (CONFIG_SLUB_DEBUG_ON).

    Then none is merged, and CPUs have no free objects at hand.
    """
    return "slub_debug" in prog and bool(prog["slub_debug"])


def merges_slabs(prog: Program) -> bool:
    """Whether slab caches of alike objects are one.

    With checks they are not, nor those whose objects KASAN lays out.
    """
    return not checks_slabs(prog) and "cpu_quarantine" not in prog


def counts_slabs(prog: Program) -> bool:
    """Whether SLAB, or SLUB with CONFIG_SLUB_DEBUG, counts what it has allocated."""
    node = prog.type("struct kmem_cache_node")
    return node.has_member("nr_slabs") or node.has_member("total_slabs")


def needs_slab_counts(prog: Program) -> None:
    if not counts_slabs(prog):
        pytest.skip("this kernel does not count what its slab caches have allocated")


def cache_of(prog: Program, name: str) -> Object:
    """A slab cache, if it has not been merged into one of another name."""
    cache = find_slab_cache(prog, name)
    if cache is None and not counts_slabs(prog):  # Then no aliases are kept, either.
        pytest.skip(f"this kernel has no slab cache {name}")
    assert cache is not None
    return cache


def has_modules(prog: Program) -> bool:
    return next(for_each_module(prog), None) is not None


def needs_modules(prog: Program) -> None:
    if not has_modules(prog):
        pytest.skip("this kernel has no modules")


def times_tasks(prog: Program) -> bool:
    """Whether the kernel keeps when tasks last ran (CONFIG_SCHED_INFO)."""
    return prog.type("struct sched_info").has_member("last_arrival")


def kilobytes(text: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+):\s+(\d+) kB", text, re.M))


def in_kfence_pool(cache: Object) -> int:
    """How many objects KFENCE has allocated in place of a cache."""
    return len(kfence_pool(cache.prog_).allocated_objects(cache))
