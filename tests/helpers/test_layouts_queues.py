"""Queues and lists of old kernels, and those that no lab has, made by hand."""

from __future__ import annotations

import pytest
from mock_kernel import Kernel

from drgn.helpers.linux import (
    cgroup_bpf_prog_for_each,
    cgroup_bpf_prog_for_each_effective,
    qdisc_lookup,
    waitqueue_active,
    waitqueue_for_each_entry,
    waitqueue_for_each_task,
)

BASE = 0xFFFF888000010000


def test_wait_queues_before_4_13(kernel: Kernel) -> None:
    link = kernel.linked("list_head", "next", "prev")
    task = kernel.struct("task_struct", pid=kernel.int)
    entry = kernel.struct("__wait_queue", private=kernel.pointer, task_list=link)
    kernel.types["wait_queue_t"] = kernel.prog.typedef_type("wait_queue_t", entry)
    head = kernel.struct("__wait_queue_head", lock=kernel.long, task_list=link)
    first, second, waiter, other = (BASE + 0x100 * i for i in range(1, 5))
    kernel.words(BASE, 0, first + 8, second + 8)
    kernel.words(first, waiter, second + 8, BASE + 8)
    kernel.words(second, other, BASE + 8, first + 8)
    queue = kernel.at(head, BASE)
    assert waitqueue_active(queue)
    entries = list(waitqueue_for_each_entry(queue))
    assert [found.value_() for found in entries] == [first, second]
    assert entries[0].type_.type_name() == "wait_queue_t *"
    tasks = list(waitqueue_for_each_task(queue))
    assert [found.value_() for found in tasks] == [waiter, other]
    assert tasks[0].type_ == kernel.to(task)
    nobody = BASE + 0x1000
    kernel.words(nobody, 0, nobody + 8, nobody + 8)
    assert not waitqueue_active(kernel.at(head, nobody))


@pytest.mark.parametrize("sleeping", [True, False])
def test_queueing_discipline_of_what_comes_in(kernel: Kernel, sleeping: bool) -> None:
    head, node = kernel.hash_list()
    qdisc = kernel.to(kernel.struct("Qdisc", handle=kernel.u32, hash=node))
    queue = kernel.struct("netdev_queue", qdisc=qdisc, qdisc_sleeping=qdisc)
    dev = kernel.struct(
        "net_device",
        ingress_queue=kernel.to(queue),
        qdisc=qdisc,
        qdisc_hash=kernel.prog.array_type(head, 1),
    )
    root, ingress, other, at = (BASE + 0x100 * i for i in range(1, 5))
    kernel.words(BASE, at if sleeping else 0, root, 0)
    kernel.words(at, other, ingress)
    for address, handle in ((root, 1), (ingress, 0xFFFF), (other, 0xFFFE)):
        kernel.words(address, handle << 16, 0, 0)
    device = kernel.at(dev, BASE)
    assert qdisc_lookup(device, 1).value_() == root
    assert qdisc_lookup(device, 0xFFFF).value_() == (ingress if sleeping else 0)
    assert not qdisc_lookup(device, 0xFFFE)


def test_queueing_disciplines_in_a_list(kernel: Kernel) -> None:
    link = kernel.linked("list_head", "next", "prev")
    qdisc = kernel.struct("Qdisc", handle=kernel.u32, list=link)
    dev = kernel.struct("net_device", qdisc=kernel.to(qdisc))
    root, child = BASE + 0x100, BASE + 0x200
    kernel.words(BASE, root)
    kernel.words(root, 1 << 16, child + 8, child + 8)
    kernel.words(child, 0x10 << 16, root + 8, root + 8)
    device = kernel.at(dev, BASE)
    assert qdisc_lookup(device, 1).value_() == root
    assert qdisc_lookup(device, 0x10).value_() == child
    assert not qdisc_lookup(device, 2)


@pytest.mark.parametrize("paired", [True, False])
def test_programs_of_cgroups_before_6_0(kernel: Kernel, paired: bool) -> None:
    """A list of those attached; those in effect have storage since 4.19."""
    prog = kernel.prog
    link = kernel.linked("list_head", "next", "prev")
    program = kernel.to(kernel.struct("bpf_prog", len=kernel.u32))
    kernel.struct("bpf_prog_list", node=link, prog=program)
    if paired:
        item = kernel.struct("item", prog=program, storage=kernel.long)
        members = {"rcu": kernel.long, "items": prog.array_type(item, 3)}
    else:
        members = {"rcu": kernel.long, "progs": prog.array_type(program, 3)}
    array = kernel.to(kernel.struct("bpf_prog_array", **members))
    bpf = kernel.struct(
        "cgroup_bpf",
        effective=prog.array_type(array, 1),
        progs=prog.array_type(link, 1),
    )
    cgroup = kernel.at(kernel.struct("cgroup", bpf=bpf), BASE)
    first, second, runs = (BASE + 0x100 * i for i in range(1, 4))
    one, two = (BASE + 0x1000 * i for i in range(1, 3))
    kernel.words(BASE, runs, first, second)
    kernel.words(first, second, BASE + 8, one)
    kernel.words(second, BASE + 8, first, two)
    kernel.words(runs, 0, *((two, 7, one, 8, 0, 0) if paired else (two, one, 0)))
    attached = cgroup_bpf_prog_for_each(cgroup, 0)
    assert [found.value_() for found in attached] == [one, two]
    effective = cgroup_bpf_prog_for_each_effective(cgroup, 0)
    assert [found.value_() for found in effective] == [two, one]
