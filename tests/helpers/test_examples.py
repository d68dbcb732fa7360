"""The examples in the helpers' docstrings are true of the lab's dumps.

They were made on the 6.1 lab: on its live dump, those of ``panic`` on the other.
Addresses, and numbers of more than one digit, depend on the boot: of them only their
being there is compared. What they print depends on the kernel: on another one they run,
and what is to be true is.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from guest_facts import counts_slabs, has_modules, merges_slabs
from lab.manifest import Lab
from lab.parameters import lab_parameters

import drgn.helpers.arrays
import drgn.helpers.common
import drgn.helpers.linux
from drgn import Program
from drgn.helpers.linux import disk_name, for_each_disk, num_online_cpus
from drgn.hosts.display import displayhook
from drgn.hosts.namespace import LazyGlobals


def _has(name: str) -> Callable[[Program], bool]:
    return lambda prog: name in prog


def _has_slabs(prog: Program) -> bool:
    """Whether slabs have caches, which those of SLOB have not, of the names that
    examples have, which those of CONFIG_SLUB_TINY have not."""
    return any(
        _has_type(prog, "struct kmem_cache", name) for name in ("oo", "num")
    ) and counts_slabs(prog)


def _has_merged_scsi_caches(prog: Program) -> bool:
    return "slab_kset" in prog and "sg_pools" in prog and merges_slabs(prog)


def _has_vmap_stacks(prog: Program) -> bool:
    return _has_type(prog, "struct task_struct", "stack_vm_area")


def _has_two_cpus(prog: Program) -> bool:
    return num_online_cpus(prog) > 1


def _has_a_disk_first(prog: Program) -> bool:
    return disk_name(next(for_each_disk(prog))).startswith(b"vd")


#: What kernels of the examples have, by parts of their names.
_NEEDED: dict[str, Callable[[Program], object]] = {
    ".bpf.": _has("prog_idr"),
    ".cgroup.": _has("cgrp_dfl_root"),
    ".sock_cgroup_ptr": lambda prog: prog.symbols("cgroup_sk_alloc"),
    ".kernfs.": _has("cgrp_dfl_root"),
    ".list.": has_modules,
    ".list_entries": has_modules,
    ".module.": has_modules,
    "module_kallsyms": has_modules,
    ".mutex_owner": _has("module_mutex"),
    "memory_block": _has("memory_subsys"),
    ".section_mem_map_addr": _has("vmemmap"),
    ".global_numa_event_state": _has("NUMA_HIT"),
    ".global_vm_event_state": _has("vm_event_states"),
    ".task_group_": lambda prog: _has_type(prog, "struct task_group"),
    ".task_since_last_arrival_ns": lambda prog: _has_type(
        prog, "struct sched_info", "last_arrival"
    ),
    ".find_vmap_area": _has_vmap_stacks,
    # Of the stack or the memory of a task.
    ".PageCompound": _has_slabs,
    ".PageHead": _has_slabs,
    ".PageSlab": _has_slabs,
    ".compound_head": _has_slabs,
    ".virt_to_page": _has_slabs,
    ".skb_shinfo": _has_slabs,
    ".find_containing_slab_cache": _has_slabs,
    ".get_slab_cache_aliases": _has_merged_scsi_caches,
    ".slab_": _has_slabs,
    ".find_slab_cache": _has_slabs,
    ".for_each_slab_cache": _has_slabs,
    "._slab_arrays.": _has_slabs,
    "._slab_usage.": _has_slabs,
    # Of another processor than the first.
    ".per_cpu": _has_two_cpus,
    ".per_cpu_ptr": lambda prog: _has_type(prog, "struct net_device", "pcpu_refcnt"),
    ".cpu_curr": _has_two_cpus,
    ".rq_for_each_fair_task": _has_two_cpus,
    ".task_cpu": _has_two_cpus,
    # Requests of the first disk.
    ".blk_": _has_a_disk_first,
    ".req_op": _has_a_disk_first,
    ".request_queue_busy_iter": _has_a_disk_first,
    ".rq_data_dir": _has_a_disk_first,
    ".sbitmap_for_each_set": _has_a_disk_first,
    # Since 5.11 (0d02129e76ed).
    ".bdev_partno": lambda prog: not _has_type(prog, "struct hd_struct"),
    # Since 5.15 (6fc88c354f3a).
    ".cgroup_bpf_prog_for_each": lambda prog: "CGROUP_INET_EGRESS" in prog,
    ".cgroup_bpf_prog_for_each_effective": lambda prog: "CGROUP_INET_EGRESS" in prog,
    # CONFIG_IKCONFIG, which Debian does not have.
    ".get_kconfig": lambda prog: prog.symbols("kernel_config_data"),
    # Since 5.14 (c07aea3ef4d4).
    ".is_pp_page": lambda prog: (
        _has_type(prog, "struct page", "pp_magic") or "PGTY_netpp" in prog
    ),
    # Since 6.0 (f09bddbd8661).
    ".load_vmlinux_kallsyms": lambda prog: b"kallsyms" in prog["VMCOREINFO"].string_(),
    # Since 6.1 (54a611b60590).
    ".mt_for_each": lambda prog: _has_type(prog, "struct maple_tree"),
    ".mtree_load": lambda prog: _has_type(prog, "struct maple_tree"),
    # CONFIG_STACKDEPOT.
    ".stack_depot_fetch": lambda prog: _has_type(prog, "depot_stack_handle_t"),
}

_NUMBER = re.compile(r"\b(0x[0-9a-f]+|[0-9a-f]{16}|\d[\d.]+)\b")


def _modules() -> Iterator[ModuleType]:
    for package in (drgn.helpers.common, drgn.helpers.linux):
        for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            yield importlib.import_module(found.name)
    yield drgn.helpers.arrays


def _examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in _modules():
        for found in finder.find(module):
            if found.examples:
                yield found


def _has_type(prog: Program, name: str, member: str | None = None) -> bool:
    try:
        type = prog.type(name)
    except LookupError:
        return False
    return member is None or type.has_member(member)


def _public_helpers() -> Iterator[tuple[str, object]]:
    for module in _modules():
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.isfunction(value):
                yield f"{module.__name__}.{name}", value


class _Checker(doctest.OutputChecker):
    def __init__(self, kernel: str) -> None:
        self.same_kernel = re.fullmatch(r"6\.1\..*-cloud-amd64", kernel)

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        if not (self.same_kernel or want in ("True\n", "False\n")):
            return bool(got) == bool(want)
        want, got = _NUMBER.sub("NUMBER", want), _NUMBER.sub("NUMBER", got)
        return super().check_output(want, got, optionflags)


@pytest.fixture(scope="module", params=list(lab_parameters()))
def lab(request: pytest.FixtureRequest) -> Lab:
    lab: Lab = request.param
    return lab


def _open(lab: Lab, dump: str) -> Program:
    prog = Program()
    prog.set_core_dump(lab.dump(dump))
    prog.load_debug_info([lab.vmlinux])
    return prog


@pytest.fixture(scope="module")
def live(lab: Lab) -> Program:
    return _open(lab, "live.elf")


@pytest.fixture(scope="module")
def panicked(lab: Lab) -> Program:
    return _open(lab, "panic.elf")


@pytest.fixture
def prog(example: doctest.DocTest, request: pytest.FixtureRequest) -> Iterator[Program]:
    """The dump that an example is about, as the default program."""
    of_panic = example.name.startswith("drgn.helpers.linux.panic.")
    prog: Program = request.getfixturevalue("panicked" if of_panic else "live")
    for name, has in _NEEDED.items():
        if name in example.name and not has(prog):
            pytest.skip("this kernel does not have what the example shows")
    drgn.set_default_prog(prog)
    yield prog
    drgn.set_default_prog(None)


@pytest.mark.parametrize("example", list(_examples()), ids=lambda example: example.name)
def test_example(
    example: doctest.DocTest, lab: Lab, prog: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What doctest shows values with is the prompt's way here.
    monkeypatch.setattr(sys, "__displayhook__", displayhook)
    example.globs = LazyGlobals(prog)
    output: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(
        _Checker(lab.kernel), verbose=False, optionflags=flags
    )
    failed, _ = runner.run(example, out=output.append, clear_globs=False)
    assert not failed, "".join(output)


def test_every_helper_has_an_example() -> None:
    without = [
        name
        for name, helper in _public_helpers()
        if ">>>" not in (helper.__doc__ or "")
    ]
    assert without == []
