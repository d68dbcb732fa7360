# Lists, trees and arrays of the kernel, by every helper that walks them.
from drgn import Object, cast
from drgn.helpers.linux import (
    RB_EMPTY_NODE,
    RB_EMPTY_ROOT,
    find_task,
    for_each_file,
    for_each_online_cpu,
    for_each_task,
    hlist_for_each,
    hlist_for_each_entry,
    hlist_nulls_empty,
    hlist_nulls_for_each_entry,
    is_a_nulls,
    list_count_nodes,
    list_first_entry_or_null,
    list_for_each,
    list_for_each_entry,
    list_for_each_reverse,
    list_prev_entry,
    llist_empty,
    llist_first_entry,
    llist_first_entry_or_null,
    llist_for_each_entry,
    llist_is_singular,
    llist_next_entry,
    per_cpu,
    plist_first_entry,
    plist_for_each_entry,
    plist_last_entry,
    plist_node_empty,
    radix_tree_lookup,
    rb_first,
    rb_parent,
    rbtree_inorder_for_each,
    rbtree_inorder_for_each_entry,
    rbtree_preorder_for_each,
    rbtree_preorder_for_each_entry,
    validate_list,
    validate_list_count_nodes,
    validate_list_for_each,
    validate_rbtree,
    validate_rbtree_inorder_for_each_entry,
    xa_for_each,
    xa_is_value,
    xa_is_zero,
    xa_load,
    xa_to_value,
)


def addresses(objects):
    return [hex(obj.value_()) for obj in objects]


caches = prog["slab_caches"].address_of_()
modules = prog["modules"].address_of_()
for head, type, member in (
    (prog["init_task"].tasks.address_of_(), "struct task_struct", "tasks"),
    (caches, "struct kmem_cache", "list"),
    (modules, "struct module", "list"),
    (find_task(prog, 2).children.address_of_(), "struct task_struct", "sibling"),
    (prog["init_task"].tasks.address_of_(), "struct task_struct", "tasks"),
):
    if head.type_.type_name() != "struct list_head *":
        continue
    print(list_count_nodes(head), validate_list_count_nodes(head), validate_list(head))
    print(addresses(list_for_each(head)) == addresses(validate_list_for_each(head)))
    print(addresses(list_for_each_reverse(head)))
    entries = list(list_for_each_entry(type, head, member))
    print(addresses(entries))
    print(list_first_entry_or_null(head, type, member).value_() == entries[0].value_())
    print(hex(list_prev_entry(entries[1], member).value_()))
empty = find_task(prog, 1).ptraced.address_of_()
found = list_first_entry_or_null(empty, "struct task_struct", "ptrace_entry")
print(found, list_count_nodes(empty), list(list_for_each_reverse(empty)))

for number in range(0, 512, 5):
    head = prog["inode_hashtable"][number].address_of_()
    nodes = list(hlist_for_each(head))
    print(number, addresses(nodes))
    print([i.i_ino for i in hlist_for_each_entry("struct inode", head, "i_hash")])

hash_info = prog["tcp_hashinfo"]
for i in range(hash_info.ehash_mask.value_() + 1):
    head = hash_info.ehash[i].chain.address_of_()
    if hlist_nulls_empty(head):
        continue
    print(i, is_a_nulls(head.first))
    for sk in hlist_nulls_for_each_entry(
        "struct sock", head, "__sk_common.skc_nulls_node"
    ):
        print(hex(sk.value_()), sk.__sk_common.skc_state, is_a_nulls(head.first))

for cpu in for_each_online_cpu(prog):
    for name in ("call_single_queue", "blk_cpu_done", "raised_list", "lazy_list"):
        try:
            head = per_cpu(prog[name], cpu)
        except KeyError:
            continue
        if head.type_.type_name() != "struct llist_head":
            continue
        head = head.address_of_()
        print(name, llist_empty(head), llist_is_singular(head))
nodes = prog["delayed_fput_list"].address_of_()
print(llist_empty(nodes), llist_first_entry_or_null(nodes, "struct file", "f_u"))
# A list of two of another's nodes, which read like one that ends.
pair = Object(prog, "struct llist_head", {"first": prog["modules"].address_})
print(llist_is_singular(pair), llist_empty(pair))
first = llist_first_entry(pair, "struct module", "list")
print(hex(first.value_()))
print(hex(llist_next_entry(first, "list").value_()) if first else None)
for i, module in enumerate(
    llist_for_each_entry(
        "struct module", cast("struct llist_node *", pair.first), "list"
    )
):
    print(hex(module.value_()))
    if i == 3:
        break

try:
    qos = prog["cpu_latency_constraints"].list.address_of_()
except KeyError:  # Before 5.7.
    qos = prog["cpu_dma_constraints"].list.address_of_()
requests = list(plist_for_each_entry("struct pm_qos_request", qos, "node"))
print([request.node.prio for request in requests])
print(hex(plist_first_entry(qos, "struct pm_qos_request", "node").value_()))
print(hex(plist_last_entry(qos, "struct pm_qos_request", "node").value_()))
print([plist_node_empty(request.node.address_of_()) for request in requests])

for cpu in for_each_online_cpu(prog):
    for base in per_cpu(prog["hrtimer_bases"], cpu).clock_base:
        root = base.active.rb_root.rb_root.address_of_()
        print(RB_EMPTY_ROOT(root))
        inorder = addresses(rbtree_inorder_for_each(root))
        print(inorder, addresses(rbtree_preorder_for_each(root)))
        for entries in (rbtree_inorder_for_each_entry, rbtree_preorder_for_each_entry):
            print(
                [t.node.expires for t in entries("struct hrtimer", root, "node.node")]
            )

        def compare(a, b):
            a, b = a.node.expires.value_(), b.node.expires.value_()
            return (a > b) - (a < b)

        validate_rbtree("struct hrtimer", root, "node.node", compare, True)
        print(
            addresses(
                validate_rbtree_inorder_for_each_entry(
                    "struct hrtimer", root, "node.node", compare, True
                )
            )
            == addresses(
                rbtree_inorder_for_each_entry("struct hrtimer", root, "node.node")
            )
        )
        for node in rbtree_inorder_for_each(root):
            print(hex(rb_parent(node).value_()), RB_EMPTY_NODE(node))
print(
    hex(rb_parent(rb_first(prog["vmap_area_root"].address_of_())).value_())
    if "vmap_area_root" in prog
    else "no vmap_area_root"
)

for task in for_each_task(prog):
    for fd, file in for_each_file(task):
        if not file:
            continue
        pages = file.f_mapping.i_pages.address_of_()
        for index, entry in xa_for_each(pages):
            print(fd, index, hex(entry.value_()), xa_is_value(entry), xa_is_zero(entry))
            if xa_is_value(entry):
                print(xa_to_value(entry))
        print(hex(xa_load(pages, 3).value_()), hex(xa_load(pages, 3, advanced=True)))
for number in (1, 2, 30, 1 << 20):
    tree = prog["init_pid_ns"].idr.idr_rt.address_of_()
    print(hex(radix_tree_lookup(tree, number).value_()))
tree = prog["irq_desc_tree"].address_of_() if "irq_desc_tree" in prog else None
if tree is not None:
    print([hex(radix_tree_lookup(tree, i).value_()) for i in range(40)])
value = Object(prog, "void *", 0x2B)
print(xa_is_value(value), xa_to_value(value), xa_is_zero(Object(prog, "void *", 1030)))
