"""Structures of Linux 4.9 and of 7.x, made by hand."""

from __future__ import annotations

import pytest
from mock_kernel import Kernel

from drgn import (
    FaultError,
    Object,
    Program,
    Symbol,
    SymbolBinding,
    SymbolKind,
    Type,
    TypeEnumerator,
)
from drgn.helpers.arrays import slab_usage
from drgn.helpers.linux import (
    bdev_partno,
    cgroup_bpf_prog_for_each,
    cgroup_bpf_prog_for_each_effective,
    get_slab_cache_aliases,
    hrtimer_clock_base_for_each,
    irq_desc_affinity_mask,
    is_pp_page,
    kernfs_path,
    loadavg,
    module_kallsyms,
    op_is_write,
    per_cpu_ptr,
    percpu_counter_sum,
    percpu_counter_sum_positive,
    req_op,
    rq_data_dir,
    slab_cache_usage,
    sock_cgroup_ptr,
    super_block_for_each_mount,
    tainted,
    total_swapcache_pages,
)
from drgn.helpers.linux._cpu_stacks import exception_stacks, interrupt_stack
from drgn.helpers.linux._slub_lists import slub_lists
from drgn.helpers.linux.common import identified_area

BASE = 0xFFFF888000010000
PER_CPU = 0x1000


def operations(kernel: Kernel, flags: Type, first_flag: int, discard: int) -> Type:
    """``struct request`` and what names the bits of its flags."""
    prog = kernel.prog
    op = prog.enum_type(
        "req_op",
        kernel.u32,
        [
            TypeEnumerator("REQ_OP_READ", 0),
            TypeEnumerator("REQ_OP_WRITE", 1),
            TypeEnumerator("REQ_OP_DISCARD", discard),
        ],
    )
    for enumerator in op.enumerators or ():
        kernel.objects[enumerator.name] = Object(prog, op, enumerator.value)
    kernel.objects["__REQ_FAILFAST_DEV"] = Object(prog, kernel.u32, first_flag)
    return kernel.struct("request", cmd_flags=flags)


@pytest.mark.parametrize("number", range(3))
def test_operations_before_4_10(kernel: Kernel, number: int) -> None:
    u64 = kernel.prog.int_type("u64", 8, False)
    request = operations(kernel, u64, 0, 2)
    flags = number << 61 | 1 << 3 | 1
    rq = Object(kernel.prog, request, {"cmd_flags": flags})
    assert req_op(rq).value_() == number
    assert op_is_write(req_op(rq)) == bool(number)
    assert rq_data_dir(rq) == int(number != 0)


@pytest.mark.parametrize(("number", "writes"), [(0, 0), (1, 1), (2, 0), (3, 1)])
def test_operations(kernel: Kernel, number: int, writes: int) -> None:
    request = operations(kernel, kernel.u32, 8, 3)
    rq = Object(kernel.prog, request, {"cmd_flags": number | 1 << 12})
    assert req_op(rq).value_() == number and rq_data_dir(rq) == writes


def test_number_of_a_partition(kernel: Kernel) -> None:
    prog = kernel.prog
    byte = prog.int_type("unsigned char", 1, False)
    u8 = kernel.types["u8"] = prog.typedef_type("u8", byte)
    old_part = kernel.struct("hd_struct", partno=kernel.int)
    kernel.words(BASE, 7)
    atomic = kernel.struct("atomic_t", counter=kernel.int)
    for members, value in (
        ({"bd_part": kernel.to(old_part)}, {"bd_part": BASE}),
        ({"bd_partno": u8}, {"bd_partno": 7}),
        ({"__bd_flags": atomic}, {"__bd_flags": {"counter": 7 | 1 << 8}}),
    ):
        bdev = kernel.struct("block_device", **members)
        found = bdev_partno(Object(prog, bdev, value))
        assert found.value_() == 7 and found.type_ == u8


def test_pages_of_swap_spaces(kernel: Kernel) -> None:
    """An array of spaces before 4.11, an array of arrays before 5.12."""
    prog = kernel.prog
    space = kernel.struct("address_space", nrpages=kernel.ulong)
    spaces = [{"nrpages": 5}, {"nrpages": 0}, {"nrpages": 6}]
    kernel.objects["swapper_spaces"] = Object(prog, prog.array_type(space, 3), spaces)
    assert total_swapcache_pages(prog) == 11
    kernel.words(BASE, 1, 2, 3)
    arrays = prog.array_type(kernel.to(space), 2)
    kernel.objects["swapper_spaces"] = Object(prog, arrays, [BASE, 0])
    counts = prog.array_type(kernel.u32, 2)
    kernel.objects["nr_swapper_spaces"] = Object(prog, counts, [2, 0])
    assert total_swapcache_pages(prog) == 3


SIGNATURE = 0xDEAD000000000040


@pytest.mark.parametrize(
    ("magic", "pool"),
    [
        (SIGNATURE, True),
        (SIGNATURE | 3, True),
        (SIGNATURE | 0x12345 << 7, True),  # with the index of a DMA mapping
        (0xDEAD000000000100, False),  # LIST_POISON1
        (0, False),
        (BASE, False),
    ],
)
def test_pages_of_pools(kernel: Kernel, magic: int, pool: bool) -> None:
    page = kernel.struct("page", pp_magic=kernel.ulong)
    assert is_pp_page(Object(kernel.prog, page, {"pp_magic": magic})) == pool


@pytest.mark.parametrize(("type", "pool"), [(0xF6, True), (0xF5, False), (0, False)])
def test_pages_of_pools_by_type(kernel: Kernel, type: int, pool: bool) -> None:
    page = kernel.struct("page", page_type=kernel.u32)
    kernel.objects["PGTY_netpp"] = Object(kernel.prog, kernel.u32, 0xF6)
    assert is_pp_page(Object(kernel.prog, page, {"page_type": type << 24})) == pool


def test_mounts_of_a_superblock_in_a_chain(kernel: Kernel) -> None:
    """Since 6.18; a list before."""
    mount = kernel.linked("mount", "mnt_next_for_sb")
    sb = kernel.struct("super_block", s_mounts=kernel.to(mount))
    kernel.words(BASE, BASE + 0x100)
    kernel.words(BASE + 0x100, BASE + 0x200)
    kernel.words(BASE + 0x200, 0)
    found = super_block_for_each_mount(kernel.at(sb, BASE))
    assert [mount.value_() for mount in found] == [BASE + 0x100, BASE + 0x200]


def red_black(kernel: Kernel) -> tuple[Type, Type]:
    """``struct rb_node`` and ``struct rb_root``."""
    node = kernel.linked("rb_node", "__rb_parent_color", "rb_right", "rb_left")
    return node, kernel.struct("rb_root", rb_node=kernel.to(node))


@pytest.mark.parametrize("kind", ["head", "cached", "linked"])
def test_queues_of_timers(kernel: Kernel, kind: str) -> None:
    """Before 5.4 (511885d7061e), since then, and in newer kernels with links."""
    node, root = red_black(kernel)
    pointer = kernel.to(node)
    if kind == "linked":
        node = kernel.struct("rb_node_linked", node=node, prev=pointer, next=pointer)
    entry = kernel.struct("timerqueue_node", node=node, expires=kernel.long)
    kernel.struct("hrtimer", node=entry)
    if kind == "head":
        active = kernel.struct("timerqueue_head", head=root, next=pointer)
    else:
        cached = kernel.struct("rb_root_cached", rb_root=root, rb_leftmost=pointer)
        active = kernel.struct("timerqueue_head", rb_root=cached)
    base = kernel.struct("hrtimer_clock_base", index=kernel.u32, active=active)
    first, second = BASE + 0x100, BASE + 0x200
    kernel.words(BASE, 0, second, first)
    kernel.words(second, 1, 0, first, *[0] * 4)
    kernel.words(first, second, 0, 0, *[0] * 4)
    found = hrtimer_clock_base_for_each(kernel.at(base, BASE))
    assert [timer.value_() for timer in found] == [first, second]


def slub(kernel: Kernel, paired: bool, counted: bool = True) -> Object:
    """A cache with sheaves: three objects on a CPU, two in the barn of a node."""
    prog = kernel.prog
    link = kernel.linked("list_head", "next", "prev")
    atomic = kernel.struct("atomic_long_t", counter=kernel.long)
    char_p = prog.pointer_type(prog.int_type("char", 1, True))
    sheaf = kernel.struct(
        "slab_sheaf",
        barn_list=link,
        size=kernel.u32,
        objects=prog.array_type(kernel.pointer, 4),
    )
    sheaf_p = kernel.to(sheaf)
    per_cpu = kernel.struct("slub_percpu_sheaves", main=sheaf_p, spare=sheaf_p)
    barn = kernel.struct("node_barn", sheaves_full=link)
    node_members = {"nr_slabs": atomic, "total_objects": atomic, "partial": link}
    if not counted:
        node_members = {"nr_partial": kernel.ulong, "partial": link}
    if not paired:
        node_members["barn"] = kernel.to(barn)
    node = kernel.struct("kmem_cache_node", **node_members)
    counts = kernel.struct("kmem_cache_order_objects", x=kernel.u32)
    members = {
        "size": kernel.u32,
        "offset": kernel.u32,
        "name": char_p,
        "oo": counts,
        "cpu_sheaves": kernel.to(per_cpu),
        "list": link,
    }
    if paired:
        pair = kernel.struct(
            "kmem_cache_per_node_ptrs", barn=kernel.to(barn), node=kernel.to(node)
        )
        members["per_node"] = prog.array_type(pair, 2)
    else:
        members["node"] = prog.array_type(kernel.to(node), 2)
    cache = kernel.struct("kmem_cache", **members)
    kernel.struct(
        "slab",
        slab_cache=kernel.to(cache),
        slab_list=link,
        objects=kernel.u32,
        inuse=kernel.u32,
    )
    add_machine(kernel)

    at_node, at_barn, at_cpu = BASE + 0x1000, BASE + 0x2000, BASE + 0x3000
    main, full = BASE + 0x4000, BASE + 0x5000
    pointers = (0, 0, at_barn, at_node) if paired else (0, at_node)
    caches, name, own = BASE + 0x7000, BASE + 0x7100, BASE + 40
    kernel.objects["slab_caches"] = Object(prog, link, address=caches)
    kernel.words(caches, own, own)
    kernel.memory(name, b"lab\0")
    per_cpu_cache = at_cpu - PER_CPU
    kernel.words(
        BASE, 64, 0, name, 1 << 16 | 8, per_cpu_cache, caches, caches, *pointers
    )
    partial = at_node + 16
    kernel.words(at_node, 2, 16, partial, partial, at_barn)
    kernel.words(at_barn, full, full)
    kernel.words(full, at_barn, at_barn, 2, 0x9040, 0x9080, 0, 0)
    kernel.words(main, 0, 0, 3, 0x8040, 0x8080, 0x80C0, 0)
    kernel.words(at_cpu, main, 0)
    return kernel.at(cache, BASE)


def add_machine(kernel: Kernel) -> None:
    """One CPU, nodes 0 and 1 of which 1 is online, and a place for pages."""
    prog = kernel.prog
    word = prog.array_type(kernel.ulong, 1)
    mask = kernel.struct("cpumask", bits=word)
    nodes = kernel.struct("nodemask_t", bits=word)
    online = BASE + 0x6000
    kernel.words(online, 1)
    kernel.objects["__cpu_online_mask"] = Object(prog, mask, address=online)
    kernel.objects["__per_cpu_offset"] = Object(
        prog, prog.array_type(kernel.ulong, 1), [PER_CPU]
    )
    states = prog.array_type(nodes, 2)
    kernel.objects["node_states"] = Object(prog, states, [{"bits": [3]}, {"bits": [2]}])
    kernel.objects["N_ONLINE"] = Object(prog, kernel.u32, 1)
    page = kernel.struct("page", flags=kernel.ulong)
    kernel.types["phys_addr_t"] = prog.typedef_type("phys_addr_t", kernel.ulong)
    kernel.types["unsigned long"] = kernel.ulong
    kernel.objects["vmemmap"] = Object(prog, kernel.to(page), 0xFFFFEA0000000000)
    kernel.objects["page_offset_base"] = Object(prog, kernel.ulong, 0xFFFF888000000000)
    kernel.objects["PAGE_SHIFT"] = Object(prog, kernel.int, 12)
    kernel.objects["PAGE_SIZE"] = Object(prog, kernel.ulong, 4096)


@pytest.mark.parametrize("paired", [True, False])
def test_sheaves_of_slub(kernel: Kernel, paired: bool) -> None:
    """Since 7.0, nodes and barns are pairs; in 6.18, nodes have barns."""
    usage = slab_cache_usage(slub(kernel, paired))
    assert (usage.num_slabs, usage.num_objs, usage.free_objs) == (2, 16, 5)
    usages = slab_usage(kernel.prog)
    assert {name: column.tolist() for name, column in usages.items()} == {
        "cache": [BASE], "name": [b"lab"], "slabs": [2], "objects": [16], "free": [5],
    }  # fmt: skip


def test_slub_that_does_not_count(kernel: Kernel) -> None:
    """Without CONFIG_SLUB_DEBUG, as with CONFIG_SLUB_TINY."""
    cache = slub(kernel, True, counted=False)
    with pytest.raises(ValueError, match="CONFIG_SLUB_DEBUG"):
        slab_cache_usage(cache)
    with pytest.raises(ValueError, match="CONFIG_SLUB_DEBUG"):
        slab_usage(kernel.prog)


def test_list_of_slabs_that_leads_to_the_beginning_of_memory(kernel: Kernel) -> None:
    slub(kernel, True)
    kernel.words(BASE + 0x8000, 0, 0)
    with pytest.raises(FaultError):
        slub_lists(kernel.prog).free_on_list(BASE + 0x8000)


def test_affinity_without_smp(kernel: Kernel) -> None:
    """Interrupts go to the only CPU."""
    prog = kernel.prog
    word = prog.array_type(kernel.ulong, 1)
    kernel.struct("cpumask", bits=word)
    kernel.types["unsigned long"] = kernel.ulong
    kernel.words(BASE, 0, 1)
    rows = prog.array_type(word, 65)
    kernel.objects["cpu_bit_bitmap"] = Object(prog, rows, address=BASE)
    data = kernel.struct("irq_common_data", state_use_accessors=kernel.u32)
    desc = kernel.struct("irq_desc", irq_common_data=data)
    mask = irq_desc_affinity_mask(kernel.at(desc, BASE + 0x100))
    assert mask.type_ == kernel.to(kernel.types["cpumask"])
    assert mask.bits[0].value_() == 1


def test_programs_of_cgroups_before_4_15(kernel: Kernel) -> None:
    prog = kernel.prog
    program = kernel.struct("bpf_prog", len=kernel.u32)
    pointers = prog.array_type(kernel.to(program), 2)
    bpf = kernel.struct("cgroup_bpf", prog=pointers, effective=pointers)
    cgroup = kernel.struct("cgroup", bpf=bpf)
    kernel.words(BASE, 0x1000, 0, 0x2000, 0x1000)
    where = kernel.at(cgroup, BASE)
    for each, expected in (
        (cgroup_bpf_prog_for_each, [[0x1000], []]),
        (cgroup_bpf_prog_for_each_effective, [[0x2000], [0x1000]]),
    ):
        found = [[p.value_() for p in each(where, kind)] for kind in range(2)]
        assert found == expected


@pytest.mark.parametrize(
    ("value", "cgroup"),
    [(BASE, BASE), (0, 0x9000), (7 << 32 | 1, 0x9000), (BASE | 2, 0x9000)],
)
def test_cgroups_of_sockets_before_5_15(
    kernel: Kernel, value: int, cgroup: int
) -> None:
    prog = kernel.prog
    type = kernel.struct("cgroup", id=kernel.int)
    root = kernel.struct("cgroup_root", cgrp=type)
    kernel.objects["cgrp_dfl_root"] = Object(prog, root, address=0x9000)
    u64 = prog.int_type("u64", 8, False)
    data = kernel.struct("sock_cgroup_data", val=u64)
    found = sock_cgroup_ptr(Object(prog, data, {"val": value}))
    assert found.value_() == cgroup and found.type_ == kernel.to(type)


def test_taint_before_4_10(kernel: Kernel) -> None:
    prog = kernel.prog
    char = prog.int_type("char", 1, True)
    flag = kernel.struct("tnt", bit=kernel.u32, true=char, false=char)
    letters = [
        {"bit": bit, "true": ord(yes), "false": ord(no)}
        for bit, (yes, no) in enumerate(("PG", "F ", "S "))
    ]
    kernel.objects["tnts"] = Object(prog, prog.array_type(flag, 3), letters)
    for mask, text in ((0, ""), (5, "P S"), (2, "GF ")):
        kernel.objects["tainted_mask"] = Object(prog, kernel.ulong, mask)
        assert tainted(prog) == text


def module_with_symbols(kernel: Kernel, info: int, **more: Type) -> Object:
    """A module with one symbol, "it"."""
    byte = kernel.prog.int_type("unsigned char", 1, False)
    symbol = kernel.struct(
        "elf64_sym",
        st_name=kernel.u32,
        st_info=byte,
        st_shndx=kernel.u32,
        st_value=kernel.ulong,
        st_size=kernel.ulong,
    )
    kernel.words(BASE, 1, info, 5, 0xFFFFFFFFC0000010, 0x20)
    kernel.memory(BASE + 0x100, b"\0it\0")
    members = {"symtab": kernel.to(symbol), "num_symtab": kernel.u32}
    kallsyms = kernel.struct("mod_kallsyms", **members, strtab=kernel.pointer, **more)
    kernel.words(BASE + 0x200, BASE, 1, BASE + 0x100, 0)
    module = kernel.struct("module", kallsyms=kernel.to(kallsyms))
    kernel.words(BASE + 0x300, BASE + 0x200)
    return kernel.at(module, BASE + 0x300)


def test_symbols_of_a_broken_module(kernel: Kernel) -> None:
    """Addresses of names wrap around, as the kernel's would."""
    module = module_with_symbols(kernel, 1 << 4 | 2, typetab=kernel.pointer)
    kernel.words(BASE + 0x200, BASE, 1, (1 << 64) - 1, 0)
    kernel.memory(0, b"zero\0")
    (symbol,) = module_kallsyms(module)
    assert symbol.name == "zero"


def test_symbols_of_a_module(kernel: Kernel) -> None:
    module = module_with_symbols(kernel, 1 << 4 | 2, typetab=kernel.pointer)
    (symbol,) = module_kallsyms(module)
    assert symbol == Symbol(
        "it", 0xFFFFFFFFC0000010, 0x20, SymbolBinding.GLOBAL, SymbolKind.FUNC
    )


@pytest.mark.parametrize(
    ("letter", "binding", "kind"),
    [
        ("t", SymbolBinding.UNKNOWN, SymbolKind.FUNC),
        ("d", SymbolBinding.UNKNOWN, SymbolKind.OBJECT),
        ("w", SymbolBinding.WEAK, SymbolKind.UNKNOWN),
        ("a", SymbolBinding.UNKNOWN, SymbolKind.UNKNOWN),
    ],
)
def test_symbols_of_a_module_before_5_2(
    kernel: Kernel, letter: str, binding: SymbolBinding, kind: SymbolKind
) -> None:
    """Their letters were where their kinds were."""
    (symbol,) = module_kallsyms(module_with_symbols(kernel, ord(letter)))
    assert symbol == Symbol("it", 0xFFFFFFFFC0000010, 0x20, binding, kind)


def test_stacks_of_a_cpu_before_5_2(kernel: Kernel) -> None:
    """Where their ends are, in two per-CPU variables, in the order of the hardware."""
    prog = kernel.prog
    offsets = prog.array_type(kernel.ulong, 2)
    kernel.objects["__per_cpu_offset"] = Object(prog, offsets, [0, 0x100])
    kernel.objects["THREAD_SIZE"] = Object(prog, kernel.ulong, 0x4000)
    irq_stack_ptr = Object(prog, kernel.pointer, address=BASE)
    kernel.objects["irq_stack_ptr"] = irq_stack_ptr
    ends = kernel.struct("orig_ist", ist=prog.array_type(kernel.ulong, 7))
    kernel.objects["orig_ist"] = Object(prog, ends, address=BASE + 8)
    sizes = [0x1000, 0x1000, 0x2000, 0x1000]
    kernel.objects["exception_stack_sizes"] = Object(
        prog, prog.array_type(kernel.ulong, 4), sizes
    )
    # The end of that for interrupts was below the page's until 4.15.
    top = BASE + 0x10000
    kernel.words(BASE + 0x100, top - 64, *(top + 0x10000 * i for i in range(1, 8)))
    assert interrupt_stack(prog, 1) == (top - 0x4000, 0x4000)
    assert [*exception_stacks(prog, 1)] == [
        ("DF", top + 0xF000, 0x1000),
        ("NMI", top + 0x1F000, 0x1000),
        ("DB", top + 0x2E000, 0x2000),
        ("MCE", top + 0x3F000, 0x1000),
    ]


def test_arrays_that_headers_declare_without_length(kernel: Kernel) -> None:
    """GCC before 8 gives no other type of them."""
    prog = kernel.prog
    kernel.words(BASE, 1 << 11, 3 << 10, 1 << 10)
    loads = prog.array_type(kernel.ulong)
    kernel.objects["avenrun"] = Object(prog, loads, address=BASE)
    assert loadavg(prog) == (1.0, 1.5, 0.5)

    space = kernel.struct("address_space", nrpages=kernel.ulong)
    kernel.words(BASE + 0x100, BASE + 0x200, 0)
    kernel.words(BASE + 0x200, 7, 4)
    spaces = prog.array_type(kernel.to(space))
    kernel.objects["swapper_spaces"] = Object(prog, spaces, address=BASE + 0x100)
    counts = prog.array_type(kernel.u32, 2)
    kernel.objects["nr_swapper_spaces"] = Object(prog, counts, [2, 0])
    assert total_swapcache_pages(prog) == 11

    # Before 4.11, the spaces themselves, of which a symbol knows the length.
    del kernel.objects["nr_swapper_spaces"]
    spaces = prog.array_type(space)
    kernel.objects["swapper_spaces"] = Object(prog, spaces, address=BASE + 0x200)
    symbol = Symbol(
        "swapper_spaces", BASE + 0x200, 16, SymbolBinding.GLOBAL, SymbolKind.OBJECT
    )

    def find(
        prog: Program, name: str | None, address: int | None, one: bool
    ) -> list[Symbol]:
        return [symbol] if name == symbol.name else []

    prog.register_symbol_finder("mock", find, enable_index=0)
    assert total_swapcache_pages(prog) == 11


@pytest.mark.parametrize(
    ("flags", "structures"),
    [(4, [BASE + 0x100]), (0, [0]), (2, [])],
    ids=["vmalloc", "vm_map_ram", "freed"],
)
def test_areas_before_5_3(kernel: Kernel, flags: int, structures: list[int]) -> None:
    """Flags say what an area is, whatever pointer has been left in it."""
    vm = kernel.struct("vm_struct", caller=kernel.pointer)
    area = kernel.struct("vmap_area", flags=kernel.ulong, vm=kernel.to(vm))
    kernel.words(BASE, flags, BASE + 0x100)
    found = identified_area(kernel.at(area, BASE), BASE)
    assert [each.vm_struct.value_() for each in found] == structures


def test_aliases_beside_caches_of_cgroups(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 5.9, those may be nowhere in sysfs, as is what a directory points to."""
    prog = kernel.prog
    char = kernel.to(prog.int_type("char", 1, True))
    symlink = kernel.struct("kernfs_elem_symlink", target_kn=kernel.pointer)
    node = kernel.struct("kernfs_node", name=char, symlink=symlink)
    kobj = kernel.struct("kobject", sd=kernel.to(node))
    kset = kernel.struct("kset", kobj=kobj)
    cache = kernel.struct("kmem_cache", name=char, kobj=kobj)
    names = BASE + 0x1000
    kernel.memory(names, b"filp\0filp(7:lab)\0io_kiocb\0TCPv6\0")
    kernel.words(BASE, names, BASE + 0x100)
    kernel.words(BASE + 0x10, names + 5, 0)
    kernel.words(BASE + 0x20, names + 17, BASE + 0x100)
    kernel.words(BASE + 0x30, names + 26, 0)
    kernel.words(BASE + 0x40, BASE + 0x200)
    slab_kset = Object(prog, kernel.to(kset), BASE + 0x40)
    kernel.objects["slab_kset"] = slab_kset
    caches = [kernel.at(cache, BASE), kernel.at(cache, BASE + 0x10)]
    nodes = [kernel.at(node, BASE + 0x20), kernel.at(node, BASE + 0x30)]
    linux = "drgn.helpers.linux"
    monkeypatch.setattr(f"{linux}.slab.for_each_slab_cache", lambda prog: caches)
    monkeypatch.setattr(f"{linux}.kernfs.kernfs_children", lambda kn: nodes)
    assert get_slab_cache_aliases(prog) == {"io_kiocb": "filp"}


def test_path_of_a_kernfs_node_that_was_not_filled_in(kernel: Kernel) -> None:
    """Free objects of its slab cache are zero, and are no root."""
    char = kernel.to(kernel.prog.int_type("char", 1, True))
    node = kernel.struct("kernfs_node", parent=kernel.pointer, name=char)
    kernel.words(BASE, 0, BASE + 0x100)
    kernel.words(BASE + 0x10, 0, 0)
    kernel.memory(BASE + 0x100, b"\0")
    assert kernfs_path(kernel.at(node, BASE)) == b"/"
    with pytest.raises(FaultError):
        kernfs_path(kernel.at(node, BASE + 0x10))


def test_per_cpu_variables(kernel: Kernel) -> None:
    prog = kernel.prog
    pointer = Object(prog, kernel.to(kernel.int), 0x1000)
    # Without CONFIG_SMP there are no offsets.
    assert per_cpu_ptr(pointer, 0).value_() == 0x1000
    offsets = prog.array_type(kernel.ulong, 2)
    kernel.objects["__per_cpu_offset"] = Object(prog, offsets, [0x100, 0x300])
    assert [per_cpu_ptr(pointer, cpu).value_() for cpu in range(2)] == [0x1100, 0x1300]
    for cpu in (-1, 2):
        with pytest.raises(ValueError, match=f"there is no CPU {cpu}"):
            per_cpu_ptr(pointer, cpu)


@pytest.mark.parametrize("count", [-3, 0, 5])
def test_counters_of_one_cpu(kernel: Kernel, count: int) -> None:
    s64 = kernel.prog.int_type("s64", 8, True)
    counter = kernel.struct("percpu_counter", count=s64)
    kernel.words(BASE, count % 2**64)
    fbc = kernel.at(counter, BASE)
    assert percpu_counter_sum(fbc) == count
    assert percpu_counter_sum_positive(fbc) == max(count, 0)
