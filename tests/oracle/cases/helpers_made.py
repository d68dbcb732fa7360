# ruff: noqa: B023 (functions are called where they are made)
# Structures that are not in a dump, or not in two states there, put over its memory.
from drgn import Object, offsetof, sizeof
from drgn.helpers.linux import (
    MAJOR,
    MINOR,
    MKDEV,
    RB_EMPTY_NODE,
    RB_EMPTY_ROOT,
    bitmap_weight,
    cgroup_bpf_prog_for_each,
    cgroup_bpf_prog_for_each_effective,
    cgroup_get_from_path,
    completion_done,
    completion_for_each_task,
    cpu_rq,
    cpumask_to_cpulist,
    cpumask_weight,
    decode_file_type,
    decode_memory_block_state,
    decode_section_flags,
    early_section,
    fget,
    find_task,
    for_each_clear_bit,
    for_each_cpu,
    for_each_file,
    for_each_module,
    for_each_node_mask,
    for_each_set_bit,
    for_each_task,
    gate_desc_func,
    get_net_ns_by_fd,
    get_net_ns_by_inode,
    global_numa_event_state,
    global_vm_event_state,
    global_zone_page_state,
    hlist_empty,
    hlist_for_each,
    hlist_nulls_empty,
    is_a_nulls,
    ktime_get_boottime_seconds,
    ktime_get_coarse_ns,
    kuid_val,
    list_count_nodes,
    list_empty,
    list_first_entry_or_null,
    list_is_singular,
    llist_empty,
    llist_first_entry,
    llist_first_entry_or_null,
    llist_for_each,
    llist_for_each_entry,
    llist_is_singular,
    llist_next_entry,
    module_taints,
    mutex_owner,
    online_section,
    op_is_write,
    path_lookup,
    pci_is_bridge,
    pci_pcie_type,
    per_cpu,
    plist_head_empty,
    plist_node_empty,
    present_section,
    print_files,
    print_mounts,
    req_op,
    rq_data_dir,
    rq_for_each_rt_task,
    rwsem_locked,
    rwsem_owner,
    sbitmap_for_each_set,
    sk_fullsock,
    sk_tcpstate,
    swait_active,
    tainted,
    task_rlimits,
    test_bit,
    uptime,
    uptime_pretty,
    valid_section,
    validate_list,
    validate_list_count_nodes,
    validate_list_for_each,
    validate_rbtree,
    validate_rbtree_inorder_for_each_entry,
    waitqueue_active,
    xa_is_value,
    xa_is_zero,
    xa_to_value,
)

FREE = 0xFFFFA00000000000
next_free = FREE


def put(address, data):
    def read(at, size, offset, physical):
        return data[at - address : at - address + size]

    prog.add_memory_segment(address, len(data), read, False)


def words(*numbers, at=None):
    global next_free
    address = next_free if at is None else at
    put(address, b"".join((n & (1 << 64) - 1).to_bytes(8, "little") for n in numbers))
    if at is None:
        next_free += 8 * len(numbers) + 64
    return address


def pointer(type, address):
    return Object(prog, type + " *", address)


def tell(*functions):
    for function in functions:
        try:
            answer = function()
            if hasattr(answer, "__next__"):
                answer = list(answer)
            if isinstance(answer, list):
                answer = [hex(a) if isinstance(a, Object) else a for a in answer]
            print(answer)
        except Exception as error:
            print(type(error).__name__)


# Lists of 0, 1 and 3 nodes, and one that is broken.
empty, one, three, broken = (FREE + 0x1000 * i for i in range(1, 5))
words(empty, empty, at=empty)
words(one + 16, one + 16, one, one, at=one)
nodes = [three + 16 * i for i in range(4)]
words(*(n for i in range(4) for n in (nodes[(i + 1) % 4], nodes[i - 1])), at=three)
ends = [broken + 16 * i for i in (1, 2, 2, 0, 0, 3)]
words(*ends, at=broken)  # Of the second node, what is before it is another.
for address in (empty, one, three, broken):
    head = pointer("struct list_head", address)
    tell(
        lambda: (list_empty(head), list_is_singular(head), list_count_nodes(head)),
        lambda: list_first_entry_or_null(head, "struct module", "list").value_(),
        lambda: validate_list(head),
        lambda: validate_list_count_nodes(head),
        lambda: validate_list_for_each(head),
    )
for address in (words(0), words(words(0, 0))):
    head = pointer("struct hlist_head", address)
    tell(lambda: hlist_empty(head), lambda: hlist_for_each(head))
for first in (1, 3, words(5, 0)):
    head = pointer("struct hlist_nulls_head", words(first))
    tell(lambda: (hlist_nulls_empty(head), is_a_nulls(head.first)))
link = offsetof(prog.type("struct module"), "list")
last = words(0)
for first in (0, last, words(last), words(words(last))):
    head = pointer("struct llist_head", words(first))
    tell(
        lambda: (llist_empty(head), llist_is_singular(head)),
        lambda: llist_for_each(head.first),
        lambda: llist_for_each_entry("struct module", head.first, "list"),
        lambda: hex(llist_first_entry(head, "struct module", "list")),
        lambda: hex(llist_first_entry_or_null(head, "struct module", "list")),
    )
    if first:
        entry = llist_first_entry(head, "struct module", "list")
        tell(lambda: hex(llist_next_entry(entry, "list")))
node = prog.type("struct plist_node")
head = words(0, 0)
words(head, head, at=head)
tell(lambda: plist_head_empty(pointer("struct plist_head", head)))
alone = FREE + 0x6000
at = alone + offsetof(node, "node_list")
words(at, at, at=at)
tell(lambda: plist_node_empty(pointer("struct plist_node", alone)))

# Trees: none, one node, one out of order, one whose child has another parent.
tree = FREE + 0x7000
timer = prog.type("struct hrtimer")
member = offsetof(timer, "node.node")
expires = offsetof(timer, "node.expires")
root, left, right = tree + 0x1000, tree + 0x2000, tree + 0x3000
BLACK = 1


def compare(a, b):
    a, b = a.node.expires.value_(), b.node.expires.value_()
    return (a > b) - (a < b)


def grow(root_node, *about):
    words(root_node, at=tree)
    for address, parent, right_child, left_child, when in about:
        words(parent, right_child, left_child, at=address + member)
        words(when, at=address + expires)
    return pointer("struct rb_root", tree)


r, s, t = (address + member for address in (root, left, right))
for about in (
    (0,),
    (r, (root, BLACK, 0, 0, 5)),
    (r, (root, BLACK, t, s, 5), (left, r, 0, 0, 1), (right, r, 0, 0, 9)),
    (r, (root, BLACK, t, s, 5), (left, r, 0, 0, 7), (right, r, 0, 0, 9)),
    (r, (root, BLACK, t, s, 5), (left, r, 0, 0, 5), (right, r, 0, 0, 9)),
    (r, (root, BLACK, t, s, 5), (left, t, 0, 0, 1), (right, r, 0, 0, 9)),
    (r, (root, BLACK, t, s, 5), (left, r | 1, 0, 0, 1), (right, r, 0, 0, 9)),
    (r, (root, 0, t, s, 5), (left, r, 0, 0, 1), (right, r, 0, 0, 9)),
):
    made = grow(*about)
    arguments = ("struct hrtimer", made, "node.node", compare)
    tell(
        lambda: RB_EMPTY_ROOT(made),
        lambda: validate_rbtree(*arguments, True),
        lambda: validate_rbtree(*arguments, False),
        lambda: validate_rbtree_inorder_for_each_entry(*arguments, False),
    )
itself = words(0, 0, 0)
words(itself, at=itself)
for address in (itself, r):
    tell(lambda: RB_EMPTY_NODE(pointer("struct rb_node", address)))

# Bits and masks.
bits = Object(prog, "unsigned long [3]", [1 << 63 | 5, 0, 1 << 2 | 1])
for size in (0, 1, 2, 3, 63, 64, 65, 128, 129, 131, 192):
    print(bitmap_weight(bits, size), list(for_each_set_bit(bits, size)))
    print(sum(for_each_clear_bit(bits, size)))
print([bit for bit in range(192) if test_bit(bit, bits)])
for number in (0, 1, 5, 6, 0x8000000000000001, 0xF0F, (1 << 64) - 1):
    mask = words(number, *[0] * 1024)
    cpus = pointer("struct cpumask", mask)
    print(cpumask_weight(cpus), cpumask_to_cpulist(cpus), list(for_each_cpu(cpus)))
    # Upstream leaves out nodes that the machine does not have.
    nodes = Object(prog, "nodemask_t", address=words(number & 1, *[0] * 1024))
    print(list(for_each_node_mask(nodes)))
sbitmap = prog.type("struct sbitmap")
word = sbitmap.member("map").type.type
for depth, shift, chosen in ((70, 6, (1, 69)), (70, 5, (31, 32, 69)), (9, 3, (0, 8))):
    last = (depth - 1) >> shift
    data = bytearray(word.size * (last + 1))
    for bit in (*chosen, 2):
        at = (bit >> shift) * word.size + offsetof(word, "word")
        old = int.from_bytes(data[at : at + 8], "little")
        new = old | 1 << (bit & (1 << shift) - 1)
        data[at : at + 8] = new.to_bytes(8, "little")
    if word.has_member("cleared"):
        at = offsetof(word, "cleared")
        data[at : at + 8] = (4).to_bytes(8, "little")
    put(FREE + 0x100000, bytes(data))
    numbers = {"depth": depth, "shift": shift, "map_nr": last + 1}
    value = {**numbers, "map": FREE + 0x100000}
    print(list(sbitmap_for_each_set(Object(prog, sbitmap, value))))

# Numbers: devices, kinds of files, users, entries of arrays.
for major, minor in ((0, 0), (8, 1), (254, 255), (4095, 1048575), (1, 256)):
    number = MKDEV(Object(prog, "int", major), Object(prog, "int", minor))
    print(MKDEV(major, minor), number, MAJOR(MKDEV(major, minor)), MINOR(number))
for mode in range(0, 0x10000, 0x1000):
    tell(lambda: decode_file_type(mode | 0o644))
for user in (0, 1000, 65534, 0xFFFFFFFF):
    print(kuid_val(Object(prog, "kuid_t", {"val": user})))
for number in (0, 1, 2, 3, 0x2B, 1026, 1030, 1034, (1 << 64) - 1):
    entry = Object(prog, "void *", number)
    print(xa_is_value(entry), xa_is_zero(entry), xa_to_value(entry))

# Sections and blocks of memory, gates.
for flags in (0, 1, 2, 3, 4, 7, 0xF, 0x18, 0x1F, 0x3F):
    section = pointer("struct mem_section", words(flags, *[0] * 8))
    print(decode_section_flags(section))
    for question in (present_section, valid_section, online_section, early_section):
        print(question(section))
null = pointer("struct mem_section", 0)
for question in (present_section, valid_section, online_section, early_section):
    tell(lambda: question(null))
for state in (1, 2, 4, 8, 16, 32):
    made = Object(prog, "struct memory_block", {"state": state})
    put(FREE + 0x110000, made.to_bytes_())
    block = pointer("struct memory_block", FREE + 0x110000)
    tell(lambda: decode_memory_block_state(block))
parts = {"offset_low": 0x1234, "offset_middle": 0x8100, "offset_high": 0xFFFFFFFF}
gate = Object(prog, "gate_desc", parts)
print(hex(gate_desc_func(gate)), gate_desc_func(gate).type_)

# States of devices, requests, sockets.
for kind in (0, 1, 2, 3, 0x7F, 0x81):
    print(pci_is_bridge(Object(prog, "struct pci_dev", {"hdr_type": kind})))
for flags in range(0, 0x100, 0x10):
    device = Object(prog, "struct pci_dev", {"pcie_flags_reg": flags | 2})
    tell(lambda: pci_pcie_type(device))
for flags in (0, 1, 2, 3, 9, 35, 1 << 8 | 1, 1 << 20 | 2):
    request = Object(prog, "struct request", {"cmd_flags": flags})
    print(req_op(request), rq_data_dir(request), op_is_write(req_op(request)))
for state in (
    1,
    2,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
):  # Upstream takes SYN_RECV for NEW_SYN_RECV.
    sock = Object(prog, "struct sock", {"__sk_common": {"skc_state": state}})
    print(sk_fullsock(sock), sk_tcpstate(sock))

# Who waits, and for what.
done = prog.type("struct completion")
for count in (0, 1, 0xFFFFFFFF):
    value = bytearray(sizeof(done))
    value[offsetof(done, "done") : offsetof(done, "done") + 4] = count.to_bytes(
        4, "little"
    )
    where = offsetof(done, "wait")
    queue = done.member("wait").type
    heads = [m for m in queue.members if m.name in ("task_list", "head")]
    at = where + heads[0].offset
    address = FREE + 0x200000 + 0x1000 * (count & 3)
    value[at : at + 16] = (address + at).to_bytes(8, "little") * 2
    put(address, bytes(value))
    completion = pointer("struct completion", address)
    print(completion_done(completion), list(completion_for_each_task(completion)))
    if "swait" in queue.type_name():
        print(swait_active(completion.wait.address_of_()))
    else:
        print(waitqueue_active(completion.wait.address_of_()))
task = find_task(prog, 1).value_()
mutex = prog.type("struct mutex")
if mutex.has_member("owner"):  # not of PREEMPT_RT
    for owner in (0, task, task | 1, task | 7):
        lock = Object(prog, mutex, {"owner": {"counter": owner}})
        print(hex(mutex_owner(lock)))
semaphore = prog.type("struct rw_semaphore")
if (
    semaphore.has_member("owner")
    and semaphore.member("owner").type.unaliased().kind.name != "POINTER"
):
    for count in (0, 1, 3, 0x100, 0x302, 0x100 - (1 << 63)):
        value = {"count": {"counter": count}, "owner": {"counter": task | 5}}
        sem = Object(prog, semaphore, value)
        print(rwsem_locked(sem), hex(rwsem_owner(sem)))

# Limits, of which some are finite.
limits = find_task(prog, 1).signal.rlim
words(*(n * 7 if n % 3 else -1 for n in range(2 * len(limits))), at=limits.address_)
print({name: tuple(limit) for name, limit in task_rlimits(find_task(prog, 1)).items()})

# Counters of processors and of the system.
events = [per_cpu(prog["vm_event_states"], cpu).event for cpu in range(2)]
for cpu, event in enumerate(events):
    words(*(1000 * cpu + i for i in range(len(event))), at=event.address_)
print([global_vm_event_state(prog, i) for i in range(len(events[0]))])
print(global_vm_event_state(prog, prog["PGFAULT"]))
for name, state in (
    ("vm_numa_event", global_numa_event_state),
    ("vm_zone_stat", global_zone_page_state),
):
    if name in prog:
        array = prog[name]
        words(*(5 * i - 8 for i in range(len(array))), at=array.address_)
        print([state(prog, i) for i in range(len(array))])

# Times since boot.
if "tk_core" in prog:
    boot = prog["tk_core"].timekeeper.offs_boot.address_
    clock = ktime_get_coarse_ns(prog).value_()
    day = 86400
    for seconds in (
        0,
        1,
        60,
        3661,
        day,
        6 * day,
        30 * day + 7200,
        365 * day,
        800 * day,
    ):
        words(seconds * 10**9 - clock, at=boot)
        print(uptime_pretty(prog), uptime(prog), ktime_get_boottime_seconds(prog))

# Taints.
for module in for_each_module(prog):
    for taints in (0, 1, 1 << 12, 0x1001, 0x2001, 0x8000):
        words(taints, at=module.taints.address_)
        print(repr(module_taints(module)))
for taints in (0, 1, 2, 1 << 9, (1 << 18) - 1):
    words(taints, at=prog["tainted_mask"].address_)
    print(repr(tainted(prog)))

# Real-time tasks of two priorities.
rq = cpu_rq(prog, 0)
queue = rq.rt.active.queue
tasks = {task.comm.string_(): task for task in for_each_task(prog)}
for priority, name in ((5, b"migration/0"), (90, b"kthreadd")):
    head, link = queue[priority].address_, tasks[name].rt.run_list.address_
    words(link, link, at=head)
    words(head, head, at=link)
print([task.comm for task in rq_for_each_rt_task(rq)])

# Paths that are there and are not, mounts and files that are chosen.
for path in ("/", "/tree", "tree/a/", "//tree//a/../a/.", "/nope", "/init/nope", ""):
    tell(lambda: hex(path_lookup(prog, path).dentry))
for choice in (
    {"dst": "/proc"},
    {"fstype": "ext4"},
    {"src": "none"},
    {"dst": "/nope"},
    {"fstype": b"proc"},
    {"src": "proc", "dst": "/proc", "fstype": "proc"},
):
    print_mounts(prog, **choice)
for name in (b"wait-pipe", b"mutex-holder"):
    if name in tasks:
        print_files(tasks[name])

# Programs on groups, and the namespace of a file.
for path in ("/lab", "/lab/inner"):
    group = cgroup_get_from_path(prog, path)
    for kind in range(len(group.bpf.effective)):
        # Upstream has a null pointer for one that a link has attached.
        if path == "/lab":
            attached = cgroup_bpf_prog_for_each(group, kind)
            print([found.aux.name.string_() for found in attached])
        effective = cgroup_bpf_prog_for_each_effective(group, kind)
        print([found.aux.name.string_() for found in effective])
for holder in tasks.values():
    for fd, file in for_each_file(holder):
        if file and file.f_inode.i_sb.s_type.name.string_() == b"nsfs":
            tell(
                lambda: hex(get_net_ns_by_fd(holder, fd)),
                lambda: hex(get_net_ns_by_inode(file.f_inode)),
            )
tell(
    lambda: get_net_ns_by_fd(find_task(prog, 1), 0),
    lambda: get_net_ns_by_inode(fget(find_task(prog, 1), 0).f_inode),
)
