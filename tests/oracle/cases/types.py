# Types of every kind, as they print.
NAMES = (
    "struct list_head",
    "struct hlist_node",
    "struct task_struct",
    "struct page",
    "struct folio",
    "struct inode",
    "struct super_block",
    "struct sk_buff",
    "struct net_device",
    "struct module",
    "struct rq",
    "struct cfs_rq",
    "struct mm_struct",
    "struct vm_area_struct",
    "struct file_operations",
    "struct bpf_insn",
    "struct desc_struct",
    "struct idt_bits",
    "struct kmem_cache",
    "struct pt_regs",
    "struct callback_head",
    "union bpf_attr",
    "enum pid_type",
    "enum zone_type",
    "enum hrtimer_restart",
    "atomic_t",
    "gfp_t",
    "pgprotval_t",
    "spinlock_t",
    "work_func_t",
    "rwlock_t",
    "nodemask_t",
    "cpumask_var_t",
    "unsigned long",
    "char",
    "_Bool",
    "long long unsigned int",
)
for name in NAMES:
    try:
        type = prog.type(name)
    except LookupError:  # as "struct folio" before 5.16
        print(name)
        continue
    print(repr(type))
    print(type)
    print(type.size if hasattr(type, "size") else type.type_name())
for expression in (
    "struct list_head *",
    "const char *const [3]",
    "int (*)(struct task_struct *, unsigned long [2])",
    "void **",
):
    print(prog.type(expression))
for name in ("INVALID_MAPPINGS", "struct no_such_struct", "no_such_t"):
    try:
        print(prog.type(name))
    except LookupError as error:
        print(error)
