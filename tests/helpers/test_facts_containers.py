"""Lists, trees, bitmaps and arrays of the kernel hold what the guest printed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from guest_facts import facts_of
from lab.manifest import Lab
from mock_kernel import Kernel

from drgn import Object, Program, cast, container_of
from drgn.helpers.linux import (
    RB_EMPTY_NODE,
    RB_EMPTY_ROOT,
    bitmap_weight,
    cpu_online_mask,
    cpu_possible_mask,
    find_pid,
    find_task,
    for_each_clear_bit,
    for_each_disk,
    for_each_module,
    for_each_online_cpu,
    for_each_set_bit,
    hlist_empty,
    hlist_for_each,
    hlist_for_each_entry,
    hlist_nulls_empty,
    hlist_nulls_for_each_entry,
    idr_find,
    idr_for_each,
    idr_for_each_entry,
    is_a_nulls,
    list_count_nodes,
    list_empty,
    list_first_entry,
    list_first_entry_or_null,
    list_for_each,
    list_for_each_entry,
    list_for_each_entry_reverse,
    list_for_each_reverse,
    list_is_singular,
    list_last_entry,
    list_next_entry,
    list_prev_entry,
    llist_empty,
    llist_first_entry,
    llist_first_entry_or_null,
    llist_for_each,
    llist_for_each_entry,
    llist_is_singular,
    llist_next_entry,
    mt_for_each,
    mtree_load,
    page_index,
    page_to_virt,
    path_lookup,
    per_cpu,
    per_cpu_ptr,
    percpu_counter_sum,
    percpu_counter_sum_positive,
    pfn_to_page,
    plist_first_entry,
    plist_for_each,
    plist_for_each_entry,
    plist_head_empty,
    plist_last_entry,
    plist_node_empty,
    radix_tree_for_each,
    radix_tree_lookup,
    rb_find,
    rb_first,
    rb_last,
    rb_next,
    rb_parent,
    rb_prev,
    rbtree_inorder_for_each,
    rbtree_inorder_for_each_entry,
    rbtree_preorder_for_each,
    rbtree_preorder_for_each_entry,
    request_queue_busy_iter,
    sbitmap_for_each_set,
    test_bit,
    validate_list,
    validate_list_count_nodes,
    validate_list_for_each,
    validate_list_for_each_entry,
    validate_rbtree,
    validate_rbtree_inorder_for_each_entry,
    xa_for_each,
    xa_is_value,
    xa_is_zero,
    xa_load,
    xa_to_value,
)

test_bit.__test__ = False  # type: ignore[attr-defined]  # It is no test.


def addresses(objects: object) -> list[int]:
    return [obj.value_() for obj in objects]  # type: ignore[attr-defined]


def test_list_of_modules(live: Program, each_lab: Lab) -> None:
    names = [line.split()[0] for line in each_lab.fact("proc/modules").splitlines()]
    head = live["modules"].address_of_()
    type, member = "struct module", "list"

    def name(module: Object) -> str:
        return module.name.string_().decode()

    assert [name(m) for m in list_for_each_entry(type, head, member)] == names
    reverse = list_for_each_entry_reverse(type, head, member)
    assert [name(m) for m in reverse] == names[::-1]
    valid = validate_list_for_each_entry(type, head, member)
    assert [name(m) for m in valid] == names
    nodes = addresses(list_for_each(head))
    assert nodes == [m.list.address_ for m in for_each_module(live)]
    assert addresses(list_for_each_reverse(head)) == nodes[::-1]
    assert addresses(validate_list_for_each(head)) == nodes
    validate_list(head)
    assert list_count_nodes(head) == validate_list_count_nodes(head) == len(names)
    if not names:
        assert list_empty(head) and not list_is_singular(head)
        return
    assert not list_empty(head) and not list_is_singular(head)
    first = list_first_entry(head, type, member)
    assert name(first) == names[0] == name(list_first_entry_or_null(head, type, member))
    assert name(list_last_entry(head, type, member)) == names[-1]
    assert name(list_next_entry(first, member)) == names[1]
    assert name(list_prev_entry(list_next_entry(first, member), member)) == names[0]


def test_lists_of_threads(live: Program, each_lab: Lab) -> None:
    pid = int(each_lab.task("many-threads")["pid"])
    head = find_task(live, pid).signal.thread_head.address_of_()
    assert list_count_nodes(head) == len(each_lab.fact(f"proc/{pid}/task").split()) > 40
    alone = find_task(live, int(each_lab.task("wait-pipe")["pid"]))
    assert list_is_singular(alone.signal.thread_head.address_of_())
    nobody = alone.children.address_of_()
    assert list_empty(nobody) and list_count_nodes(nobody) == 0
    assert not list_first_entry_or_null(nobody, "struct task_struct", "sibling")


def test_names_of_a_file(live: Program) -> None:
    """An inode has a hash list of its dentries; that of a pipe has none."""
    for path in ("/mnt/tmpfs/many/file-0777", "/mnt/ext4/pattern", "/run/lab.sock"):
        head = path_lookup(live, path).dentry.d_inode.i_dentry.address_of_()
        assert not hlist_empty(head) and len(list(hlist_for_each(head))) == 1
        is_named = live.type("struct dentry").has_member("d_u")
        member = "d_u.d_alias" if is_named else "d_alias"
        (dentry,) = hlist_for_each_entry("struct dentry", head, member)
        assert dentry.d_name.name.string_().decode() == path.rsplit("/", 1)[1]
    unused = find_pid(live, 2).tasks[live["PIDTYPE_SID"]].address_of_()
    assert hlist_empty(unused) and not list(hlist_for_each(unused))


def test_nulls_lists(live: Program, each_lab: Lab) -> None:
    """The nulls pointer at the end of a bucket has the number of the bucket."""
    table = live["tcp_hashinfo"]
    ports = set()
    for i in range(table.ehash_mask.value_() + 1):
        head = table.ehash[i].chain.address_of_()
        if hlist_nulls_empty(head):
            assert is_a_nulls(head.first) and head.first.value_() >> 1 == i
            continue
        assert not is_a_nulls(head.first)
        for sk in hlist_nulls_for_each_entry(
            "struct sock", head, "__sk_common.skc_nulls_node"
        ):
            ports.add(sk.member_("__sk_common").skc_num.value_())
    lines = each_lab.fact("proc/net/tcp").splitlines()[1:]
    listed = {int(line.split()[1].split(":")[1], 16) for line in lines
              if line.split()[3] == "01"}  # fmt: skip
    assert listed and listed <= ports


def test_lockless_lists(kernel: Kernel) -> None:
    """Those of a kernel are empty when it stops."""
    base = 0xFFFF888000010000
    node = kernel.linked("llist_node", "next")
    head_type = kernel.struct("llist_head", first=kernel.to(node))
    entry = kernel.struct("entry", number=kernel.long, node=node)
    first, second = base + 0x100, base + 0x200
    kernel.words(base, first + 8, 0)
    kernel.words(first, 1, second + 8)
    kernel.words(second, 2, 0)
    head, empty = kernel.at(head_type, base), kernel.at(head_type, base + 8)
    assert llist_empty(empty) and not llist_empty(head)
    assert not llist_is_singular(head) and not llist_is_singular(empty)
    assert llist_is_singular(kernel.at(head_type, first + 8))
    assert addresses(llist_for_each(head.first)) == [first + 8, second + 8]
    entries = list(llist_for_each_entry(entry, head.first, "node"))
    assert [found.number.value_() for found in entries] == [1, 2]
    assert llist_first_entry(head, entry, "node").value_() == first
    assert llist_first_entry_or_null(head, entry, "node").value_() == first
    assert not llist_first_entry_or_null(empty, entry, "node")
    assert llist_next_entry(entries[0], "node").value_() == second


def test_plists(live: Program, each_lab: Lab) -> None:
    """Requests for latency are kept in the order of their microseconds."""
    asked = [int(n) for n in facts_of(each_lab, "latency")["microseconds"].split()]
    # Renamed in 5.7 (2552d3520132).
    name = "cpu_latency_constraints"
    name = name if name in live else "cpu_dma_constraints"
    head = live[name].list.address_of_()
    assert not plist_head_empty(head)
    nodes = list(plist_for_each(head))
    priorities = [node.prio.value_() for node in nodes]
    assert priorities == sorted(priorities) and set(asked) <= set(priorities)
    type = "struct pm_qos_request"
    entries = list(plist_for_each_entry(type, head, "node"))
    assert [entry.node.address_ for entry in entries] == addresses(nodes)
    assert plist_first_entry(head, type, "node").node.prio.value_() == min(asked)
    assert plist_last_entry(head, type, "node").value_() == entries[-1].value_()
    assert not plist_node_empty(nodes[0])


def test_tree_of_timers(live: Program, each_lab: Lab) -> None:
    """The tree of timers has the one that the workload set, in its order."""
    wanted = int(each_lab.task("timers")["posix"])
    type, member = "struct hrtimer", "node.node"

    def compare(a: Object, b: Object) -> int:
        x, y = a.node.expires.value_(), b.node.expires.value_()
        return (x > y) - (x < y)

    def against(key: int, timer: Object) -> int:
        expires = timer.node.expires.value_()
        return (key > expires) - (key < expires)

    # The clock's timers are in two trees: those of user space are in the soft one if
    # the kernel is PREEMPT_RT.
    roots = [
        base.active.rb_root.rb_root.address_of_()
        for cpu in for_each_online_cpu(live)
        for base in per_cpu(live["hrtimer_bases"], cpu).clock_base
        if base.clockid == 1  # CLOCK_MONOTONIC
    ]
    found = []
    for root in roots:
        if RB_EMPTY_ROOT(root):
            continue
        timers = list(rbtree_inorder_for_each_entry(type, root, member))
        expiries = [timer.node.expires.value_() for timer in timers]
        assert expiries == sorted(expiries)
        nodes = [timer.node.node.address_ for timer in timers]
        assert addresses(rbtree_inorder_for_each(root)) == nodes
        assert sorted(addresses(rbtree_preorder_for_each(root))) == sorted(nodes)
        preorder = list(rbtree_preorder_for_each_entry(type, root, member))
        assert preorder[0].node.node.address_ == root.rb_node.value_()
        assert sorted(addresses(preorder)) == sorted(addresses(timers))
        validate_rbtree(type, root, member, compare, True)
        valid = validate_rbtree_inorder_for_each_entry(
            type, root, member, compare, True
        )
        assert addresses(valid) == addresses(timers)
        assert rb_first(root).value_() == nodes[0]
        assert rb_last(root).value_() == nodes[-1]
        for one, other in zip(rbtree_inorder_for_each(root), nodes[1:], strict=False):
            assert rb_next(one).value_() == other
            assert rb_prev(rb_next(one)).value_() == one.value_()
            assert not RB_EMPTY_NODE(one)
            parent = rb_parent(one)
            assert not parent or one.value_() in (
                parent.rb_left.value_(),
                parent.rb_right.value_(),
            )
        timer = rb_find(type, root, member, wanted, against)
        if timer:
            found.append(timer)
    (timer,) = found
    assert live.symbol(timer.function.value_()).name == "posix_timer_fn"


def test_tree_of_areas(live: Program, each_lab: Lab) -> None:
    pid = int(each_lab.task("many-areas")["pid"])
    mm = find_task(live, pid).mm
    if not hasattr(mm, "mm_mt"):
        pytest.skip("this kernel has no tree of areas")  # before 6.1 (d4af56c5c7c6)
    tree = mm.mm_mt.address_of_()
    expected = [
        tuple(int(address, 16) for address in line.split()[0].split("-"))
        for line in each_lab.fact(f"proc/{pid}/maps").splitlines()
        if "[vsyscall]" not in line
    ]
    assert [(first, last + 1) for first, last, _ in mt_for_each(tree)] == expected
    for start, end in expected[::25]:
        area = cast("struct vm_area_struct *", mtree_load(tree, end - 1))
        assert area.vm_start.value_() == start
    assert not mtree_load(tree, 0)


def pages_of(mapping: Object) -> Object:
    # Renamed in 4.17 (b93b016313b3).
    name = "i_pages" if hasattr(mapping, "i_pages") else "page_tree"
    return mapping.member_(name).address_of_()


def test_arrays_of_pages(live: Program) -> None:
    """The pages of a file that the guest has read, by their places in it."""
    inode = path_lookup(live, "/mnt/ext4/pattern").dentry.d_inode
    pages = pages_of(inode.i_mapping)
    entries = dict(xa_for_each(pages))
    assert not any(map(xa_is_value, entries.values()))
    assert dict(radix_tree_for_each(pages)).keys() == entries.keys()
    for index in (0, 17, 255):
        entry = xa_load(pages, index)
        assert radix_tree_lookup(pages, index).value_() == entry.value_()
        page = cast("struct page *", entry) + (
            index - page_index(cast("struct page *", entry)).value_()
        )
        text = b"file pattern %018d\n" % (index * 128)
        assert live.read(page_to_virt(page), len(text)) == text
    assert not xa_load(pages, 512) and not radix_tree_lookup(pages, 1 << 40)


def test_values_in_arrays(live: Program, each_lab: Lab) -> None:
    """Pages of a swapped file are numbers, and zero is one of its own."""
    value = Object(live, "void *", 42 << 1 | 1)
    assert xa_is_value(value) and xa_to_value(value).value_() == 42
    assert xa_is_zero(Object(live, "void *", 257 << 2 | 2)) and not xa_is_zero(value)


def test_process_ids(live: Program, each_lab: Lab) -> None:
    idr = live["init_pid_ns"].idr.address_of_()
    numbers = [number for number, _ in idr_for_each(idr)]
    listed = {int(p.name) for p in (each_lab.facts / "proc").glob("[0-9]*")}
    assert len(listed & set(numbers)) > 0.9 * len(listed)
    for number, pid in idr_for_each_entry(idr, "struct pid"):
        assert pid.numbers[0].nr.value_() == number
        assert idr_find(idr, number).value_() == pid.value_()
    assert not idr_find(idr, max(numbers) + 1)


def test_bits_of_masks(live: Program, each_lab: Lab) -> None:
    text = re.search(r"/cpu/online:(\d+)-(\d+)", each_lab.fact("sys/cpus"))
    assert text
    online = list(range(int(text[1]), int(text[2]) + 1))
    bits = cpu_online_mask(live).bits
    assert list(for_each_set_bit(bits, 64)) == online
    assert list(for_each_clear_bit(bits, 8)) == [i for i in range(8) if i not in online]
    assert bitmap_weight(bits, 64) == len(online)
    assert [test_bit(i, bits) for i in range(4)] == [i in online for i in range(4)]
    assert bitmap_weight(cpu_possible_mask(live).bits, 64) >= len(online)


def hardware_queues(queue: Object) -> Iterator[Object]:
    try:
        entries = xa_for_each(queue.hctx_table.address_of_())
    except AttributeError:
        # Before 5.18 (4e5cc99e1e48), and again in Linux 7, an array.
        for i in range(queue.nr_hw_queues.value_()):
            yield queue.queue_hw_ctx[i]
    else:
        for _, entry in entries:
            yield cast("struct blk_mq_hw_ctx *", entry)


def test_tags_of_requests(live: Program) -> None:
    """A bit of a tag set is set for each request that the stopped disk has."""
    disk = next(d for d in for_each_disk(live) if d.disk_name.string_() == b"vda")
    requests = list(request_queue_busy_iter(disk.queue.read_(), "driver"))
    assert requests
    tags: set[int] = set()
    for hctx in hardware_queues(disk.queue):
        tags |= set(sbitmap_for_each_set(hctx.tags.bitmap_tags.sb.address_of_()))
    assert {rq.tag.value_() for rq in requests} == tags


def test_counters_of_cpus(live: Program, each_lab: Lab) -> None:
    match = re.search(r"^Committed_AS: +(\d+) kB", each_lab.fact("proc/meminfo"), re.M)
    assert match
    counter = live["vm_committed_as"].address_of_()
    total = percpu_counter_sum(counter)
    assert total == percpu_counter_sum_positive(counter)
    assert abs(total * 4 - int(match[1])) < 32768
    parts = [
        per_cpu_ptr(counter.counters, cpu)[0].value_()
        for cpu in for_each_online_cpu(live)
    ]
    assert counter.count.value_() + sum(parts) == total


def test_frames_are_of_pages(live: Program, each_lab: Lab) -> None:
    entry = int(each_lab.task("map-memory")["frames.file"].split()[3], 16)
    page = pfn_to_page(live, entry & (1 << 55) - 1)
    assert page_index(page).value_() == 3
    mapping = cast("struct address_space *", page.mapping)
    inode = container_of(mapping, "struct inode", "i_data")
    assert xa_load(pages_of(mapping), 3)
    assert inode.i_size.value_() == 1 << 20


@pytest.mark.parametrize("value", [0, 1, 0x55, (1 << 64) - 1])
def test_weights(live: Program, value: int) -> None:
    bits = Object(live, "unsigned long [1]", [value])
    assert bitmap_weight(bits, 64) == value.bit_count()
