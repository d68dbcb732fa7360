"""States that no guest is in: structures of the lab's kernels, made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from drgn import Object, Program, offsetof, sizeof
from drgn.helpers import ValidationError
from drgn.helpers.linux import (
    RB_EMPTY_NODE,
    RB_EMPTY_ROOT,
    bitmap_weight,
    completion_done,
    completion_for_each_task,
    cpu_rq,
    cpumask_to_cpulist,
    cpumask_weight,
    decode_memory_block_state,
    decode_memory_block_state_value,
    decode_section_flags,
    early_section,
    find_sysv_msg_queue,
    find_sysv_sem_array,
    find_sysv_shm,
    find_task,
    for_each_clear_bit,
    for_each_cpu,
    for_each_module,
    for_each_node_mask,
    for_each_online_cpu,
    for_each_set_bit,
    for_each_swap_info,
    for_each_sysv_msg_queue,
    for_each_sysv_sem_array,
    for_each_sysv_shm,
    gate_desc_func,
    global_node_page_state,
    global_numa_event_state,
    global_vm_event_state,
    global_zone_page_state,
    hlist_empty,
    is_a_nulls,
    ktime_get_boottime_seconds,
    ktime_get_clocktai_seconds,
    ktime_get_coarse_boottime_ns,
    ktime_get_coarse_clocktai_ns,
    ktime_get_coarse_ns,
    list_count_nodes,
    list_empty,
    list_first_entry_or_null,
    list_is_singular,
    llist_empty,
    llist_first_entry_or_null,
    llist_for_each_entry,
    llist_is_singular,
    module_taints,
    online_section,
    per_cpu,
    plist_head_empty,
    plist_node_empty,
    present_section,
    rq_for_each_rt_task,
    sbitmap_for_each_set,
    sk_fullsock,
    swait_active,
    swap_file_path,
    swap_is_file,
    tainted,
    task_rlimits,
    test_bit,
    total_swapcache_pages,
    uptime,
    uptime_pretty,
    valid_section,
    validate_list,
    validate_list_count_nodes,
    validate_list_for_each,
    validate_list_for_each_entry,
    validate_rbtree,
    validate_rbtree_inorder_for_each_entry,
    waitqueue_active,
    xa_is_value,
    xa_is_zero,
    xa_to_value,
)

test_bit.__test__ = False  # type: ignore[attr-defined]  # It is no test.

FREE = 0xFFFFA00000000000


class Made:
    """Memory of a dump, and what is put over it."""

    def __init__(self, prog: Program) -> None:
        self.prog = prog
        self.next = FREE

    def put(self, data: bytes, at: int | None = None) -> int:
        """Put bytes at an address, or where nothing is yet; return where."""
        if at is None:
            at = self.next
            self.next += len(data) + 0xFF & ~0xFF

        def read(_: int, count: int, offset: int, physical: bool) -> bytes:
            return data[offset : offset + count]

        self.prog.add_memory_segment(at, len(data), read)
        return at

    def words(self, *words: int, at: int | None = None) -> int:
        data = b"".join((word & (1 << 64) - 1).to_bytes(8, "little") for word in words)
        return self.put(data, at)

    def pointer(self, type: str, at: int) -> Object:
        return Object(self.prog, f"{type} *", at)

    def ring(self, *nodes: int) -> None:
        """Link the nodes of a list, the head first."""
        for i, node in enumerate(nodes):
            self.words(nodes[(i + 1) % len(nodes)], nodes[i - 1], at=node)

    def filled(self, type: str, value: object) -> Object:
        """A pointer to a structure that has these values."""
        made = Object(self.prog, type, value)
        return self.pointer(type, self.put(made.to_bytes_()))


@pytest.fixture
def made(live: Program) -> Made:
    return Made(live)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_lists(made: Made, count: int) -> None:
    head, *nodes = (made.next + 0x1000 + 16 * i for i in range(count + 1))
    made.ring(head, *nodes)
    list_head = made.pointer("struct list_head", head)
    assert list_empty(list_head) == (count == 0)
    assert list_is_singular(list_head) == (count == 1)
    assert list_count_nodes(list_head) == count
    assert validate_list_count_nodes(list_head) == count
    first = list_first_entry_or_null(list_head, "struct list_head", "next")
    assert first.value_() == (nodes[0] if nodes else 0)


@pytest.mark.parametrize("wrong", range(3))
def test_lists_that_do_not_lead_back(made: Made, wrong: int) -> None:
    """The link back of any node, the head's too, may be another."""
    nodes = [made.next + 0x1000 + 16 * i for i in range(3)]
    made.ring(*nodes)
    made.words(nodes[wrong], at=nodes[wrong] + 8)
    head = made.pointer("struct list_head", nodes[0])
    questions: tuple[Callable[[], object], ...] = (
        lambda: validate_list(head),
        lambda: validate_list_count_nodes(head),
        lambda: list(validate_list_for_each(head)),
        lambda: list(validate_list_for_each_entry("struct module", head, "list")),
    )
    for question in questions:
        with pytest.raises(ValidationError, match=f"has prev {nodes[wrong]:#x}"):
            question()
    # What is before that is given.
    found = validate_list_for_each(head)
    assert [next(found).value_() for _ in range((wrong - 1) % 3)] == (
        nodes[1 : 1 + (wrong - 1) % 3]
    )


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_lists_without_locks(made: Made, count: int) -> None:
    first = 0
    expected: list[int] = []
    for _ in range(count):
        first = made.words(first)
        expected.insert(0, first)
    head = made.pointer("struct llist_head", made.words(first))
    assert llist_empty(head) == (count == 0)
    assert llist_is_singular(head) == (count == 1)
    type, member = "struct llist_node", "next"
    entries = llist_for_each_entry(type, head.first, member)
    assert [entry.value_() for entry in entries] == expected
    assert llist_first_entry_or_null(head, type, member).value_() == first


def test_what_is_on_no_list(made: Made) -> None:
    node = made.words(0, 0)
    assert hlist_empty(made.pointer("struct hlist_head", made.words(0)))
    assert not hlist_empty(made.pointer("struct hlist_head", made.words(node)))
    for first, is_end in ((1, True), (node | 1, True), (node, False)):
        assert is_a_nulls(made.pointer("struct hlist_nulls_node", first)) == is_end
    head = made.next
    made.ring(head)
    plist = made.pointer("struct plist_head", head)
    assert plist_head_empty(plist)
    made.ring(head, head + 0x800)
    assert not plist_head_empty(plist)
    alone = made.next + 0x1000
    made.ring(alone + offsetof(made.prog.type("struct plist_node"), "node_list"))
    assert plist_node_empty(made.pointer("struct plist_node", alone))
    free = made.next + 0x2000
    made.words(free, 0, 0, at=free)
    assert RB_EMPTY_NODE(made.pointer("struct rb_node", free))
    made.words(free + 64, 0, 0, at=free)
    assert not RB_EMPTY_NODE(made.pointer("struct rb_node", free))
    root = made.pointer("struct rb_root", made.words(0))
    assert RB_EMPTY_ROOT(root)
    validate_rbtree("struct rb_node", root, "rb_left", lambda a, b: 0, False)


def test_trees_out_of_order(made: Made) -> None:
    """Of three timers, two may expire at once where that is allowed."""
    type, member = "struct hrtimer", "node.node"
    timers = [made.next + 0x1000 * i for i in range(1, 4)]
    timer = made.prog.type(type)
    nodes = [at + offsetof(timer, member) for at in timers]
    black = 1
    for node, parent, right, left in (
        (nodes[0], black, nodes[2], nodes[1]),
        (nodes[1], nodes[0], 0, 0),
        (nodes[2], nodes[0], 0, 0),
    ):
        made.words(parent, right, left, at=node)
    root = made.pointer("struct rb_root", made.words(nodes[0]))

    def compare(a: Object, b: Object) -> int:
        x, y = a.node.expires.value_(), b.node.expires.value_()
        return (x > y) - (x < y)

    for times, is_valid, is_strict in (
        ((5, 1, 9), True, True),
        ((5, 5, 9), True, False),
        ((5, 6, 9), False, False),
        ((5, 1, 4), False, False),
    ):
        for at, expires in zip(timers, times, strict=True):
            made.words(expires, at=at + offsetof(timer, "node.expires"))
        for allow_equal in (True, False):
            arguments = (type, root, member, compare, allow_equal)
            if is_valid if allow_equal else is_strict:
                validate_rbtree(*arguments)
                found = validate_rbtree_inorder_for_each_entry(*arguments)
                assert [entry.value_() for entry in found] == [
                    timers[1],
                    timers[0],
                    timers[2],
                ]
                continue
            with pytest.raises(ValidationError, match="compares"):
                validate_rbtree(*arguments)
            with pytest.raises(ValidationError, match="compares"):
                list(validate_rbtree_inorder_for_each_entry(*arguments))


@pytest.mark.parametrize("size", [0, 1, 2, 63, 64, 65, 127, 128, 130, 192])
def test_bits(live: Program, size: int) -> None:
    chosen = {0, 2, 63, 64, 66, 129, 191}
    words = [sum(1 << b - 64 * w for b in chosen if b // 64 == w) for w in range(3)]
    bitmap = Object(live, "unsigned long [3]", words)
    assert list(for_each_set_bit(bitmap, size)) == sorted(
        bit for bit in chosen if bit < size
    )
    assert list(for_each_clear_bit(bitmap, size)) == sorted(set(range(size)) - chosen)
    assert bitmap_weight(bitmap, size) == sum(bit < size for bit in chosen)
    assert [bit for bit in range(192) if test_bit(bit, bitmap)] == sorted(chosen)


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ((), ""),
        ((0,), "0"),
        ((0, 1), "0-1"),
        ((1, 3), "1,3"),
        ((0, 2, 3, 4, 63), "0,2-4,63"),
        ((5, 6, 7), "5-7"),
    ],
)
def test_masks(made: Made, bits: Sequence[int], text: str) -> None:
    at = made.words(sum(1 << bit for bit in bits), *[0] * 1024)
    cpus = made.pointer("struct cpumask", at)
    # There are no more CPUs than this.
    made.put(bytes([64, 0, 0, 0]), at=made.prog["nr_cpu_ids"].address_)
    assert cpumask_to_cpulist(cpus) == text
    assert cpumask_weight(cpus) == len(bits)
    assert list(for_each_cpu(cpus)) == list(bits)
    nodes = Object(made.prog, "nodemask_t", address=at)
    assert list(for_each_node_mask(nodes)) == list(bits)


def sbitmap(
    made: Made, depth: int, shift: int, numbers: list[tuple[int, int]]
) -> Object:
    """A bitmap of these words: what is set, and what is cleared of it."""
    type = made.prog.type("struct sbitmap")
    word = type.member("map").type.type
    data = bytearray(sizeof(word) * len(numbers))
    for i, (bits, cleared) in enumerate(numbers):
        for name, value in (("word", bits), ("cleared", cleared)):
            at = i * sizeof(word) + offsetof(word, name)
            data[at : at + 8] = value.to_bytes(8, "little")
    value = {"depth": depth, "shift": shift, "map_nr": len(numbers)}
    return made.filled("struct sbitmap", {**value, "map": made.put(bytes(data))})


@pytest.mark.parametrize(
    ("depth", "shift", "numbers", "expected"),
    [
        (64, 6, [(1 << 63 | 1, 0)], [0, 63]),
        (70, 6, [(2, 0), (0b111111, 0)], [1, *range(64, 70)]),
        (70, 6, [(2, 0), (1 << 6 | 1 << 5, 0)], [1, 69]),  # The last is beyond it.
        (64, 6, [(0b1110, 0b0110)], [3]),
        (9, 3, [(1, 0), (0b11, 0)], [0, 8]),
        (16, 3, [(1, 0), (1 << 7, 0), (0b11, 0)], [0, 15]),
        (1, 0, [(0b11, 0)], [0]),
    ],
)
def test_scalable_bitmaps(
    made: Made,
    depth: int,
    shift: int,
    numbers: list[tuple[int, int]],
    expected: list[int],
) -> None:
    made_bitmap = sbitmap(made, depth, shift, numbers)
    assert list(sbitmap_for_each_set(made_bitmap)) == expected


def test_entries_of_arrays(live: Program) -> None:
    for number, value in ((1, 0), (0x2B, 0x15), ((1 << 64) - 1, (1 << 63) - 1)):
        entry = Object(live, "void *", number)
        assert xa_is_value(entry) and not xa_is_zero(entry)
        assert xa_to_value(entry).value_() == value
    for number in (0, 2, 4, 1026, 1030, 1034):
        entry = Object(live, "void *", number)
        assert not xa_is_value(entry)
        assert xa_is_zero(entry) == (number == 1030)


FLAGS = (
    "SECTION_MARKED_PRESENT",
    "SECTION_HAS_MEM_MAP",
    "SECTION_IS_ONLINE",
    "SECTION_IS_EARLY",
    "SECTION_TAINT_ZONE_DEVICE",
)


@pytest.mark.parametrize("flags", [0, 1, 2, 4, 8, 16, 0b1111, 0b10110])
def test_flags_of_sections(made: Made, flags: int) -> None:
    # Some kernels have enumerators for what they have.
    last = "SECTION_TAINT_ZONE_DEVICE_BIT", "SECTION_MARKED_PRESENT_BIT"
    has_last = last[0] in made.prog or last[1] not in made.prog
    flags &= 0x1F if has_last else 0xF
    page = 0xFFFFEA0000000000
    section = made.filled("struct mem_section", {"section_mem_map": page | flags})
    names = [name for bit, name in enumerate(FLAGS) if flags >> bit & 1]
    assert decode_section_flags(section) == ("|".join(names) or "0")
    questions = (present_section, valid_section, online_section, early_section)
    for bit, question in enumerate(questions):
        assert question(section) == bool(flags >> bit & 1)
        assert not question(made.pointer("struct mem_section", 0))


def test_states_of_memory_blocks(made: Made) -> None:
    names = ("ONLINE", "GOING_OFFLINE", "OFFLINE", "GOING_ONLINE")
    names += ("CANCEL_ONLINE", "CANCEL_OFFLINE")
    is_enum = "MEM_ONLINE" in made.prog
    for bit, name in enumerate(names):
        # They are numbered in newer kernels.
        state = bit if is_enum else 1 << bit
        block = made.filled("struct memory_block", {"state": state})
        assert decode_memory_block_state(block) == f"MEM_{name}"
        assert decode_memory_block_state_value(made.prog, state) == f"MEM_{name}"
    assert decode_memory_block_state_value(made.prog, 99) == "99"


def test_functions_of_gates(live: Program) -> None:
    value = {"offset_low": 0x1234, "offset_middle": 0x8765, "offset_high": 0xFFFFFFFF}
    gate = Object(live, "gate_desc", value)
    assert gate_desc_func(gate).value_() == 0xFFFFFFFF87651234


def test_sockets_that_are_not_full(live: Program) -> None:
    for state in range(1, 13):
        sock = Object(live, "struct sock", {"__sk_common": {"skc_state": state}})
        # TIME_WAIT and NEW_SYN_RECV; SYN_RECV (3) was that of full ones once.
        assert sk_fullsock(sock) == (state not in (6, 12))


@pytest.mark.parametrize(("count", "done"), [(0, False), (1, True), (-1 % 2**32, True)])
def test_completions(made: Made, count: int, done: bool) -> None:
    type = made.prog.type("struct completion")
    queue = type.member("wait").type.unaliased()
    is_simple = queue.type_name() == "struct swait_queue_head"
    # Renamed in 4.13.
    has_head = not is_simple and queue.has_member("head")
    link = offsetof(queue, "head" if has_head else "task_list")
    at = made.put(Object(made.prog, type, {"done": count}).to_bytes_())
    made.ring(at + offsetof(type, "wait") + link)
    completion = made.pointer("struct completion", at)
    assert completion_done(completion) == done
    assert not list(completion_for_each_task(completion))
    active = swait_active if is_simple else waitqueue_active
    assert not active(completion.wait.address_of_())
    made.ring(at + offsetof(type, "wait") + link, made.next)
    assert active(completion.wait.address_of_())


NAMES_OF_LIMITS = ["CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE"]
NAMES_OF_LIMITS += ["MEMLOCK", "AS", "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE"]
NAMES_OF_LIMITS += ["RTPRIO", "RTTIME"]


def test_limits(made: Made) -> None:
    task = find_task(made.prog, 1)
    at = task.signal.rlim.address_
    infinity = -1
    assert at is not None
    numbers = [(i, infinity if i % 2 else 100 + i) for i in range(16)]
    made.words(*(number for pair in numbers for number in pair), at=at)
    assert task_rlimits(task) == {
        name: (soft, None if hard == infinity else hard)
        for name, (soft, hard) in zip(NAMES_OF_LIMITS, numbers, strict=True)
    }


def test_counters(made: Made) -> None:
    prog = made.prog
    cpus = list(for_each_online_cpu(prog))
    for cpu in cpus:
        events = per_cpu(prog["vm_event_states"], cpu).event
        made.words(*(i + 1000 * cpu for i in range(len(events))), at=events.address_)
    for i in (0, 1, prog["PGFAULT"].value_(), len(events) - 1):
        expected = sum(i + 1000 * cpu for cpu in cpus)
        assert global_vm_event_state(prog, i) == expected
    numa = "vm_numa_event" if "vm_numa_event" in prog else "vm_numa_stat"
    for name, state in (
        (numa, global_numa_event_state),
        ("vm_zone_stat", global_zone_page_state),
        ("vm_node_stat", global_node_page_state),
    ):
        array = prog[name]
        made.words(*(7 * i for i in range(len(array))), at=array.address_)
        # Without NUMA, there are none of its events.
        for i in {0, 1, len(array) - 1} if len(array) else ():
            assert state(prog, i) == 7 * i
    if "NR_SWAPCACHE" in prog:  # since 5.12
        assert total_swapcache_pages(prog) == 7 * prog["NR_SWAPCACHE"].value_()
    # It may be below zero for a moment, which is no number of pages.
    made.words(-3, at=prog["vm_zone_stat"].address_)
    assert global_zone_page_state(prog, 0) == 0


def test_taints(made: Made) -> None:
    modules = list(for_each_module(made.prog))[:1]
    # Newer kernels do not tell what is of the kernel alone.
    warned = "" if hasattr(made.prog["taint_flags"][0], "module") else "W"
    for mask, of_module, of_kernel in (
        (0, "", ""),
        (1, "P", "P"),
        (1 << 1, "F", "GF"),
        (1 << 12, "O", "GO"),
        (1 << 13 | 1 << 12, "OE", "GOE"),
        (1 << 9, warned, "GW"),
    ):
        for module in modules:
            made.words(mask, at=module.taints.address_)
            assert module_taints(module) == of_module
        made.words(mask, at=made.prog["tainted_mask"].address_)
        assert tainted(made.prog).replace(" ", "") == of_kernel


def test_real_time_tasks(made: Made) -> None:
    """Those of a higher priority, which is a lower number, come first."""
    rq = cpu_rq(made.prog, 0)
    queue = rq.rt.active.queue
    expected = [find_task(made.prog, pid) for pid in (2, 1)]
    for priority, task in zip((5, 90), expected, strict=True):
        head, link = queue[priority].address_, task.rt.run_list.address_
        assert head is not None and link is not None
        made.ring(head, link)
    found = [task.value_() for task in rq_for_each_rt_task(rq)]
    assert found == [task.value_() for task in expected]


def test_places_of_ipc_objects_that_were_used_before(made: Made) -> None:
    """Above its place, an ID has the number of those that were there before."""
    prog = made.prog
    # In kernels before 5.1, always 15 bits (5ac893b8cb71).
    shift = prog["ipc_mni_shift"].value_() if "ipc_mni_shift" in prog else 15
    for each, find, perm in (
        (for_each_sysv_msg_queue, find_sysv_msg_queue, "q_perm"),
        (for_each_sysv_sem_array, find_sysv_sem_array, "sem_perm"),
        (for_each_sysv_shm, find_sysv_shm, "shm_perm"),
    ):
        found = list(each(prog))[1]
        place = found.member_(perm).id
        id = place.value_()
        made.put((id | 5 << shift).to_bytes(4, "little"), at=place.address_)
        assert find(prog, id | 5 << shift).value_() == found.value_()
        assert not find(prog, id) and not find(prog, id | 4 << shift)
        made.put(id.to_bytes(4, "little"), at=place.address_)


def test_swap_space_that_is_not_in_use(made: Made) -> None:
    """Of three places, one was left and one has never been used."""
    prog = made.prog
    first, second = for_each_swap_info(prog)
    used, writable = 1, 2
    count = prog["nr_swapfiles"]
    before = prog.read(first.flags.address_, 8), prog.read(count.address_, 4)
    made.put((3).to_bytes(4, "little"), at=count.address_)
    for flags, is_used in ((0, False), (writable, False), (used | writable, True)):
        made.put(flags.to_bytes(8, "little"), at=first.flags.address_)
        found = [info.value_() for info in for_each_swap_info(prog)]
        assert found == [first.value_()] * is_used + [second.value_()]
    made.put(before[0], at=first.flags.address_)
    made.put(before[1], at=count.address_)
    no_file = Object(prog, "struct swap_info_struct", {})
    assert swap_file_path(no_file) == b""
    for mode, is_file in ((0o100600, True), (0o060600, False), (0o040700, False)):
        inode = made.filled("struct inode", {"i_mode": mode})
        mapping = made.filled("struct address_space", {"host": inode})
        file = made.filled("struct file", {"f_mapping": mapping})
        info = Object(prog, "struct swap_info_struct", {"swap_file": file})
        assert swap_is_file(info) == is_file


def test_clocks_that_are_apart(made: Made) -> None:
    """After a time suspended, and with leap seconds."""
    prog = made.prog
    if "tk_core" not in prog:
        return  # In newer kernels; see test_layouts.py.
    timekeeper = prog["tk_core"].timekeeper
    now = ktime_get_coarse_ns(prog).value_()
    made.words(37 * 10**9 - now, at=timekeeper.offs_tai.address_)
    assert ktime_get_coarse_clocktai_ns(prog).value_() == 37 * 10**9
    assert ktime_get_clocktai_seconds(prog).value_() == 37
    for seconds, text in (
        (0, "0 seconds"),
        (1, "1 second"),
        (60, "1 minute"),
        (7200, "2 hours"),
        (86400 + 3600 + 61, "1 day, 1 hour, 1 minute, 1 second"),
        (6 * 86400, "6 days"),
        (7 * 86400, "1 week"),
        (30 * 86400 + 2, "4 weeks, 2 days, 2 seconds"),
        (364 * 86400, "52 weeks"),
        (365 * 86400, "1 year"),
        (800 * 86400 + 60, "2 years, 10 weeks, 1 minute"),
    ):
        ns = seconds * 10**9 + 500_000_000
        made.words(ns - now, at=timekeeper.offs_boot.address_)
        assert ktime_get_coarse_boottime_ns(prog).value_() == ns
        assert ktime_get_boottime_seconds(prog).value_() == seconds
        assert uptime(prog) == seconds + 0.5
        assert uptime_pretty(prog) == text
