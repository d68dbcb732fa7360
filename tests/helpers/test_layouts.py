"""Layouts of structures that no lab's kernel has, made by hand."""

from __future__ import annotations

import gzip

import pytest
from mock_kernel import Kernel

from drgn import (
    Architecture,
    BadDataError,
    Object,
    Platform,
    Program,
    Symbol,
    SymbolBinding,
    SymbolKind,
    Type,
    TypeEnumerator,
    TypeMember,
)
from drgn.helpers.common.stack import print_registers
from drgn.helpers.linux import (
    PageCompound,
    PageHead,
    PageTail,
    cgroup_bpf_prog_for_each,
    cgroup_bpf_prog_for_each_effective,
    compound_head,
    find_sysv_msg_queue,
    for_each_sysv_msg_queue,
    get_kconfig,
    global_numa_event_state,
    global_zone_page_state,
    ktime_get_boottime_seconds,
    ktime_get_coarse_boottime_ns,
    ktime_get_coarse_ns,
    ktime_get_coarse_real_ns,
    ktime_get_real_seconds,
    ktime_get_seconds,
    ktime_to_ns,
    mutex_owner,
    neigh_table_for_each_neighbor,
    qdisc_lookup,
    rwsem_locked,
    rwsem_owner,
    sigpending_for_each,
    skb_shinfo,
    swap_usage_in_pages,
    timer_base_names,
)
from drgn.helpers.linux.kconfig import kconfig_text

TASK = 0xFFFF888000001000
BASE = 0xFFFF888000010000


@pytest.fixture
def task(kernel: Kernel) -> Type:
    return kernel.struct("task_struct", pid=kernel.int)


@pytest.fixture
def atomic(kernel: Kernel) -> Type:
    return kernel.struct("atomic64_t", counter=kernel.long)


def test_owner_of_a_mutex(kernel: Kernel, task: Type, atomic: Type) -> None:
    prog = kernel.prog
    mutex = kernel.struct("mutex", owner=atomic)
    for owner, expected in ((0, 0), (TASK, TASK), (TASK | 5, TASK)):
        lock = Object(prog, mutex, {"owner": {"counter": owner}})
        assert mutex_owner(lock).value_() == expected
        assert mutex_owner(lock).type_ == kernel.to(task)
    # Before 4.10.
    old = kernel.struct("mutex", owner=kernel.to(task))
    assert mutex_owner(Object(prog, old, {"owner": TASK})).value_() == TASK
    # CONFIG_PREEMPT_RT: bit 0 says that there are waiters.
    base = kernel.struct("rt_mutex_base", owner=kernel.to(task))
    rt = kernel.struct("mutex", rtmutex=base)
    lock = Object(prog, rt, {"rtmutex": {"owner": TASK | 1}})
    assert mutex_owner(lock).value_() == TASK
    # In its patches before 5.15.
    patched = kernel.struct("mutex", lock=base)
    lock = Object(prog, patched, {"lock": {"owner": TASK | 1}})
    assert mutex_owner(lock).value_() == TASK


WRITER, READERS, HANDOFF, FAIL = 1, 0x300, 4, -(1 << 63)


@pytest.mark.parametrize(
    ("count", "how"),
    [
        (0, "UNLOCKED"),
        (WRITER, "WRITE_LOCKED"),
        (WRITER | HANDOFF | 2, "WRITE_LOCKED"),
        (READERS, "READ_LOCKED"),
        (READERS | 2, "READ_LOCKED"),
        (HANDOFF | 2, "UNLOCKED"),
        (0x100, "READ_LOCKED"),
        (0xFE, "UNLOCKED"),
        (READERS + FAIL, "READ_LOCKED"),
        (FAIL, "UNLOCKED"),
        (1 << 62, "READ_LOCKED"),
    ],
)
def test_semaphores(
    kernel: Kernel, task: Type, atomic: Type, count: int, how: str
) -> None:
    type = kernel.struct("rw_semaphore", count=atomic, owner=atomic)
    value = {"count": {"counter": count}, "owner": {"counter": TASK | 3}}
    sem = Object(kernel.prog, type, value)
    assert rwsem_locked(sem).name == how
    assert rwsem_owner(sem).value_() == TASK


@pytest.mark.parametrize(
    ("count", "how"),
    [(0x100, "READ_LOCKED"), (1 << 30, "READ_LOCKED"), (-(1 << 31), "UNLOCKED")],
)
def test_semaphores_of_32_bits(count: int, how: str) -> None:
    prog = Program(Platform(Architecture.I386))
    long = prog.int_type("long", 4, True)
    atomic = prog.struct_type("atomic_long_t", 4, [TypeMember(long, "counter")])
    members = [TypeMember(atomic, "count"), TypeMember(atomic, "owner", 32)]
    type = prog.struct_type("rw_semaphore", 8, members)
    sem = Object(prog, type, {"count": {"counter": count}, "owner": {"counter": 0}})
    assert rwsem_locked(sem).name == how


def test_ways_of_a_semaphore_to_be_locked(kernel: Kernel, atomic: Type) -> None:
    type = kernel.struct("rw_semaphore", count=atomic, owner=atomic)
    values = [
        rwsem_locked(Object(kernel.prog, type, {"count": {"counter": count}})).value
        for count in (0, READERS, WRITER)
    ]
    assert values == [1, 2, 3]


@pytest.mark.parametrize(
    ("readers", "how"),
    [
        (1 << 31, "UNLOCKED"),
        ((1 << 31) + 2, "READ_LOCKED"),
        (2, "READ_LOCKED"),  # and a writer that waits for them
        (1 << 30, "WRITE_LOCKED"),
    ],
)
def test_semaphores_of_real_time_kernels(
    kernel: Kernel, task: Type, readers: int, how: str
) -> None:
    counter = kernel.struct("atomic_t", counter=kernel.int)
    base = kernel.struct("rt_mutex_base", owner=kernel.to(task))
    inner = kernel.struct("rwbase_rt", readers=counter, rtmutex=base)
    type = kernel.struct("rw_semaphore", rwbase=inner)
    signed = readers - (1 << 32) if readers >> 31 else readers
    value = {"readers": {"counter": signed}, "rtmutex": {"owner": TASK | 1}}
    sem = Object(kernel.prog, type, {"rwbase": value})
    assert rwsem_locked(sem).name == how
    assert rwsem_owner(sem).value_() == TASK
    # In the patches before 5.15.
    patched = kernel.struct("rw_semaphore", readers=counter, rtmutex=base)
    sem = Object(kernel.prog, patched, value)
    assert rwsem_locked(sem).name == how
    assert rwsem_owner(sem).value_() == TASK


@pytest.mark.parametrize(
    ("count", "owner", "how"),
    [
        (0, 0, "UNLOCKED"),
        (-0xFFFFFFFF, TASK, "WRITE_LOCKED"),
        (2, 1, "READ_LOCKED"),
        (-0xFFFFFFFE, 0, "READ_LOCKED"),
        (-(1 << 32), TASK, "UNLOCKED"),  # Only waiters.
        (1 << 31, TASK, "WRITE_LOCKED"),
    ],
)
def test_semaphores_before_5_3(
    kernel: Kernel, task: Type, atomic: Type, count: int, owner: int, how: str
) -> None:
    type = kernel.struct("rw_semaphore", count=atomic, owner=kernel.to(task))
    sem = Object(kernel.prog, type, {"count": {"counter": count}, "owner": owner})
    assert rwsem_locked(sem).name == how
    assert rwsem_owner(sem).value_() == owner & ~7


@pytest.mark.parametrize("shift", [None, 15, 24])
def test_ids_that_were_used_before(kernel: Kernel, shift: int | None) -> None:
    """The bits above the index count how often it was used; how many those of the
    index are can be chosen since 5.1 (``ipc_mni_shift``)."""
    prog = kernel.prog
    perm = kernel.struct("kern_ipc_perm", id=kernel.int)
    queue = kernel.struct("msg_queue", q_perm=perm, q_cbytes=kernel.ulong)
    root = kernel.struct("xarray", xa_head=kernel.pointer)
    kernel.struct("xa_node", shift=kernel.u32, slots=prog.array_type(kernel.pointer, 4))
    idr = kernel.struct("idr", idr_rt=root, idr_base=kernel.u32)
    ids = kernel.struct("ipc_ids", ipcs_idr=idr)
    namespace = kernel.struct("ipc_namespace", ids=prog.array_type(ids, 3))
    if shift is not None:
        kernel.objects["ipc_mni_shift"] = Object(prog, kernel.int, shift)
    ns = kernel.at(namespace, TASK)
    at = TASK + 0x1000
    kernel.words(TASK, 0, 0, at, 0, 0, 0)
    used = 5 << (shift or 15)
    kernel.words(at, used, 0)
    assert find_sysv_msg_queue(ns, used).value_() == at
    assert find_sysv_msg_queue(ns, used).type_ == kernel.to(queue)
    for id in (0, 1, used + 1, 4 << (shift or 15)):
        assert not find_sysv_msg_queue(ns, id)
    assert [each.value_() for each in for_each_sysv_msg_queue(ns)] == [at]


def test_time(kernel: Kernel) -> None:
    kernel.types["s64"] = kernel.prog.typedef_type("s64", kernel.long)
    for type, value in (
        (kernel.long, -5),
        (kernel.union("ktime", tv64=kernel.long), {"tv64": -5}),
    ):
        found = ktime_to_ns(Object(kernel.prog, type, value))
        assert found.value_() == -5 and found.type_.type_name() == "s64"


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("coarse", [False, True])
def test_clocks(kernel: Kernel, several: bool, coarse: bool) -> None:
    """Newer kernels keep what coarse clocks say, and several timekeepers."""
    prog = kernel.prog
    kernel.types["s64"] = prog.typedef_type("s64", kernel.long)
    kernel.types["u64"] = prog.typedef_type("u64", kernel.ulong)
    kernel.types["time64_t"] = prog.typedef_type("time64_t", kernel.long)
    mono = kernel.struct(
        "tk_read_base", base=kernel.long, xtime_nsec=kernel.ulong, shift=kernel.u32
    )
    names = ["xtime_sec", "ktime_sec", "offs_boot", *["coarse_nsec"] * coarse]
    type = kernel.struct(
        "timekeeper", tkr_mono=mono, **dict.fromkeys(names, kernel.long)
    )
    # Of a nanosecond there are 2 to the 8th parts here; 5 ns are past the second.
    base = {"base": 7 * 10**9, "xtime_nsec": (5 << 8) + 1, "shift": 8}
    value = {"tkr_mono": base, "xtime_sec": 90, "ktime_sec": 7, "offs_boot": 10**9}
    past = 5
    if coarse:
        past = value["coarse_nsec"] = 3
    data = kernel.struct("tk_data", timekeeper=type)
    if several:
        kernel.objects["TIMEKEEPER_CORE"] = Object(prog, kernel.int, 1)
        both = [{}, {"timekeeper": value}]
        array = Object(prog, prog.array_type(data, 2), both)
        kernel.objects["timekeeper_data"] = array
    else:
        kernel.objects["tk_core"] = Object(prog, data, {"timekeeper": value})
    assert ktime_get_seconds(prog).value_() == 7
    assert ktime_get_real_seconds(prog).value_() == 90
    assert ktime_get_boottime_seconds(prog).value_() == 8
    assert ktime_get_coarse_ns(prog).value_() == 7 * 10**9 + past
    assert ktime_get_coarse_real_ns(prog).value_() == 90 * 10**9 + past
    assert ktime_get_coarse_boottime_ns(prog).value_() == 8 * 10**9 + past


def test_swap_usage(kernel: Kernel, atomic: Type) -> None:
    old = kernel.struct("swap_info_struct", inuse_pages=kernel.u32)
    info = Object(kernel.prog, old, {"inuse_pages": 7})
    assert swap_usage_in_pages(info) == 7
    new = kernel.struct("swap_info_struct", inuse_pages=atomic)
    for counter in (7, 7 | 1 << 62):  # SWAP_USAGE_OFFLIST_BIT
        info = Object(kernel.prog, new, {"inuse_pages": {"counter": counter}})
        assert swap_usage_in_pages(info) == 7


def test_queue_of_signals(kernel: Kernel) -> None:
    link = kernel.linked("list_head", "next", "prev")
    queue = kernel.struct("sigqueue", list=link, number=kernel.long)
    pending = kernel.struct("sigpending", list=link)
    first, second = BASE + 0x100, BASE + 0x200
    kernel.words(BASE, first, second)
    kernel.words(first, second, BASE, 10)
    kernel.words(second, BASE, first, 12)
    entries = list(sigpending_for_each(kernel.at(pending, BASE)))
    assert [entry.number.value_() for entry in entries] == [10, 12]
    assert entries[0].type_ == kernel.to(queue)


def test_queueing_disciplines(kernel: Kernel) -> None:
    prog = kernel.prog
    head, node = kernel.hash_list()
    qdisc = kernel.struct("Qdisc", handle=kernel.u32, hash=node)
    dev = kernel.struct(
        "net_device", qdisc=kernel.to(qdisc), qdisc_hash=prog.array_type(head, 2)
    )
    root, child = BASE + 0x100, BASE + 0x200
    kernel.words(BASE, root, 0, child + 8)
    kernel.words(root, 1 << 16, 0, 0)
    kernel.words(child, 0x10 << 16, 0, BASE + 16)
    device = kernel.at(dev, BASE)
    assert qdisc_lookup(device, 1).value_() == root
    assert qdisc_lookup(device, 0x10).value_() == child
    assert not qdisc_lookup(device, 2)
    assert qdisc_lookup(device, 2).type_ == kernel.to(qdisc)


def test_queueing_disciplines_without_net_sched(kernel: Kernel) -> None:
    """Then a device has no other than its own."""
    qdisc = kernel.struct("Qdisc", handle=kernel.u32)
    dev = kernel.struct("net_device", qdisc=kernel.to(qdisc))
    root = BASE + 0x100
    kernel.words(BASE, root)
    kernel.words(root, 1 << 16)
    device = kernel.at(dev, BASE)
    assert qdisc_lookup(device, 1).value_() == root
    assert not qdisc_lookup(device, 2)


def neighbor_type(kernel: Kernel, node: Type) -> Type:
    chain = TypeMember(lambda: kernel.to(kernel.types["neighbour"]), "next")
    members = [chain, TypeMember(node, "hash", 64)]
    kernel.types["neighbour"] = kernel.prog.struct_type("neighbour", 24, members)
    return kernel.types["neighbour"]


def test_neighbors_in_lists(kernel: Kernel) -> None:
    head, node = kernel.hash_list()
    neighbor_type(kernel, node)
    table = kernel.struct(
        "neigh_hash_table", hash_heads=kernel.to(head), hash_shift=kernel.u32
    )
    buckets, first, second = BASE + 0x100, BASE + 0x200, BASE + 0x300
    kernel.words(BASE, buckets, 1)
    kernel.words(buckets, 0, first + 8)
    kernel.words(first, 0, second + 8, buckets + 8)
    kernel.words(second, 0, 0, first + 8)
    found = neigh_table_for_each_neighbor(kernel.at(table, BASE))
    assert [entry.value_() for entry in found] == [first, second]


def test_neighbors_in_chains(kernel: Kernel) -> None:
    _, node = kernel.hash_list()
    chains = kernel.to(kernel.to(neighbor_type(kernel, node)))
    table = kernel.struct(
        "neigh_hash_table", hash_buckets=chains, hash_shift=kernel.u32
    )
    buckets, first, second = BASE + 0x100, BASE + 0x200, BASE + 0x300
    kernel.words(BASE, buckets, 1)
    kernel.words(buckets, 0, first)
    kernel.words(first, second, 0, 0)
    kernel.words(second, 0, 0, 0)
    found = neigh_table_for_each_neighbor(kernel.at(table, BASE))
    assert [entry.value_() for entry in found] == [first, second]


def test_bases_of_timers(kernel: Kernel) -> None:
    for bases, names in (
        (1, ("BASE_STD",)),
        (2, ("BASE_STD", "BASE_DEF")),
        (3, ("BASE_LOCAL", "BASE_GLOBAL", "BASE_DEF")),
    ):
        type = kernel.prog.array_type(kernel.int, bases)
        kernel.objects["timer_bases"] = Object(kernel.prog, type, address=BASE)
        assert timer_base_names(kernel.prog) == names


CONFIGURATION = b'# A comment\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="x=y"\n\n'


def test_configuration(kernel: Kernel) -> None:
    data = gzip.compress(CONFIGURATION)
    kernel.memory(BASE, data)
    add_symbols(kernel, len(data))
    assert get_kconfig(kernel.prog) == {"CONFIG_A": "y", "CONFIG_C": '"x=y"'}
    assert kconfig_text(kernel.prog) == CONFIGURATION.decode()


def add_symbols(kernel: Kernel, size: int) -> None:
    binding, kind = SymbolBinding.GLOBAL, SymbolKind.OBJECT
    symbols = {
        "kernel_config_data": Symbol("kernel_config_data", BASE, size, binding, kind),
        "kernel_config_data_end": Symbol(
            "kernel_config_data_end", BASE + size, 0, binding, kind
        ),
    }

    def find(
        prog: Program, name: str | None, address: int | None, one: bool
    ) -> list[Symbol]:
        return [symbols[name]] if name in symbols else []

    kernel.prog.register_symbol_finder("mock", find, enable_index=0)


def test_configuration_before_5_1(kernel: Kernel) -> None:
    data = b"IKCFG_ST" + gzip.compress(CONFIGURATION) + b"IKCFG_ED\0"
    kernel.memory(BASE, data)
    char = kernel.prog.int_type("char", 1, True)
    type = kernel.prog.array_type(char, len(data))
    kernel.objects["kernel_config_data"] = Object(kernel.prog, type, address=BASE)
    assert get_kconfig(kernel.prog)["CONFIG_C"] == '"x=y"'


@pytest.mark.parametrize("cut", [0, 5, 20, -1])
def test_damaged_configuration(kernel: Kernel, cut: int) -> None:
    data = gzip.compress(CONFIGURATION)[:cut]
    kernel.memory(BASE, data or b"\0")
    add_symbols(kernel, len(data))
    with pytest.raises(BadDataError, match="configuration"):
        get_kconfig(kernel.prog)


def test_bpf_of_cgroups(kernel: Kernel) -> None:
    prog = kernel.prog
    head, node = kernel.hash_list()
    bpf_prog = kernel.struct("bpf_prog", len=kernel.u32)
    link = kernel.struct("bpf_link", prog=kernel.to(bpf_prog))
    cgroup_link = kernel.struct("bpf_cgroup_link", link=link)
    kernel.struct(
        "bpf_prog_list",
        node=node,
        prog=kernel.to(bpf_prog),
        link=kernel.to(cgroup_link),
    )
    item = kernel.struct("item", prog=kernel.to(bpf_prog), storage=kernel.long)
    array = kernel.struct("bpf_prog_array", items=prog.array_type(item, 4))
    bpf = kernel.struct(
        "cgroup_bpf",
        effective=prog.array_type(kernel.to(array), 2),
        progs=prog.array_type(head, 2),
    )
    cgroup = kernel.at(kernel.struct("cgroup", bpf=bpf), BASE)
    attached, linked, links, runs = (BASE + 0x100 * i for i in range(1, 5))
    one, two, three = (BASE + 0x1000 * i for i in range(1, 4))
    kernel.words(BASE, 0, runs, 0, attached)
    kernel.words(attached, linked, 0, one, 0)
    kernel.words(linked, 0, attached, 0, links)
    kernel.words(links, two)
    kernel.words(runs, three, 0, one, 0, two, 0, 0, 0)
    for each, expected in (
        (cgroup_bpf_prog_for_each, [one, two]),
        (cgroup_bpf_prog_for_each_effective, [three, one, two]),
    ):
        assert list(each(cgroup, 0)) == []
        assert [found.value_() for found in each(cgroup, 1)] == expected


def test_bpf_of_cgroups_that_can_have_none(kernel: Kernel) -> None:
    """With cgroups, but without CONFIG_CGROUP_BPF."""
    bpf = kernel.struct("cgroup_bpf")
    cgroup = kernel.at(kernel.struct("cgroup", bpf=bpf), BASE)
    assert list(cgroup_bpf_prog_for_each(cgroup, 0)) == []
    assert list(cgroup_bpf_prog_for_each_effective(cgroup, 0)) == []


def test_registers_of_other_architectures(capsys: pytest.CaptureFixture[str]) -> None:
    prog = Program(Platform(Architecture.AARCH64))
    print_registers(prog, {"x0": 1, "x1": 2, "x2": 3, "pc": 0xFFFF}, "")
    assert capsys.readouterr().out.splitlines() == [
        f" X0: {1:016x}   X1: {2:016x}   X2: {3:016x}",
        f" PC: {0xFFFF:016x}",
    ]


@pytest.mark.parametrize("as_offset", [True, False])
def test_shared_data_of_a_socket_buffer(kernel: Kernel, as_offset: bool) -> None:
    """The end is a pointer with !NET_SKBUFF_DATA_USES_OFFSET."""
    end_type = kernel.u32 if as_offset else kernel.pointer
    data_type = kernel.prog.typedef_type("sk_buff_data_t", end_type)
    sk_buff = kernel.struct("sk_buff", head=kernel.pointer, end=data_type)
    kernel.struct("skb_shared_info", nr_frags=kernel.int)
    end = 0x6C0 if as_offset else BASE + 0x6C0
    skb = Object(kernel.prog, sk_buff, {"head": BASE, "end": end})
    assert skb_shinfo(skb).value_() == BASE + 0x6C0
    if as_offset:  # of a buffer that is none
        skb = Object(kernel.prog, sk_buff, {"head": (1 << 64) - 8, "end": end})
        assert skb_shinfo(skb).value_() == 0x6B8


@pytest.mark.parametrize("masks", [False, True])
def test_copies_of_a_head_in_the_memory_map(kernel: Kernel, masks: bool) -> None:
    """The memory map of a hugetlb page, one page of memory twice, and another page."""
    ulong = kernel.ulong
    rest = kernel.prog.array_type(ulong, 6)
    info = "compound_info" if masks else "compound_head"
    page = kernel.struct("page", flags=ulong, **{info: ulong}, rest=rest)
    head_flag = [TypeEnumerator("PG_head", 16)]
    kernel.types["pageflags"] = kernel.prog.enum_type(
        "pageflags", kernel.u32, head_flag
    )
    kernel.objects["PAGE_SIZE"] = Object(kernel.prog, ulong, 4096)
    tail = (-0x8000 if masks else BASE) & (1 << 64) - 1 | 1
    head = [1 << 16, *[0] * 7]
    memory = head + [0, tail, *[0] * 6] * 63
    kernel.words(BASE, *memory, *memory, *head, *[0] * 8)
    pages = kernel.at(page, BASE)
    assert PageHead(pages) and not PageTail(pages)
    assert compound_head(pages).value_() == BASE
    for other in (1, 2, 63, 64, 65, 127):
        assert not PageHead(pages + other) and PageTail(pages + other), other
        assert compound_head(pages + other).value_() == BASE
        assert PageCompound(pages + other)
    for asked in (PageHead, compound_head):
        with pytest.raises(TypeError, match="'struct page'"):
            asked(pages[0])
    # Of a page that says to be a head, but has no tail.
    assert PageHead(pages + 128) and compound_head(pages + 128) == pages + 128


def test_counters_of_old_kernels(kernel: Kernel, atomic: Type) -> None:
    """Each name that one has had is of a kernel before."""
    prog = kernel.prog
    array = prog.array_type(atomic, 2)
    for number, name in enumerate(("vm_stat", "vm_zone_stat")):
        values = [{"counter": 0}, {"counter": 10 + number}]
        kernel.objects[name] = Object(prog, array, values)
        assert global_zone_page_state(prog, 1) == 10 + number
        # NUMA events were counted with zones, first.
        assert global_numa_event_state(prog, 1) == 10 + number
    for number, name in enumerate(("vm_numa_stat", "vm_numa_event")):
        values = [{"counter": 0}, {"counter": 20 + number}]
        kernel.objects[name] = Object(prog, array, values)
        assert global_numa_event_state(prog, 1) == 20 + number
