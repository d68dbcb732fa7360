# What helpers make of a null pointer: an answer, nothing, or a fault.
# Others find another error than upstream (bus_for_each_dev(), class_for_each_device(),
# kernel_stack_trace()), an error where upstream computes an address (virt_to_phys()),
# or know kernels that upstream does not (locks of PREEMPT_RT, hd_struct).
import drgn.helpers.linux as helpers
from drgn import Object

TAKERS = {
    "struct address_space": "address_space_for_each_page",
    "struct block_device": "bdev_partno part_devt",
    "struct bpf_prog": "bpf_prog_used_maps",
    "struct bus_type": "bus_to_subsys",
    "struct cfs_rq": "cfs_rq_for_each_entity",
    "struct cgroup": "cgroup_name cgroup_parent cgroup_path",
    "struct cgroup_subsys_state": "css_for_each_child css_for_each_descendant_pre",
    "struct class": "class_to_subsys",
    "struct completion": "completion_done completion_for_each_task",
    "struct cpumask": "cpumask_to_cpulist cpumask_weight for_each_cpu",
    "struct dentry": "dentry_path",
    "struct device": "dev_name",
    "struct gendisk": "disk_devt disk_name",
    "struct hlist_head": "hlist_empty hlist_for_each",
    "struct hlist_nulls_head": "hlist_nulls_empty sk_nulls_for_each",
    "struct hlist_nulls_node": "is_a_nulls",
    "struct hrtimer_clock_base": "hrtimer_clock_base_for_each",
    "struct hstate": "huge_page_size",
    "struct idr": "idr_for_each",
    "struct inode": (
        "SOCKET_I get_net_ns_by_inode inode_for_each_page inode_path inode_paths"
    ),
    "struct ipc_namespace": (
        "for_each_sysv_msg_queue for_each_sysv_sem_array for_each_sysv_shm"
    ),
    "struct irq_desc": (
        "irq_desc_action_names irq_desc_affinity_mask irq_desc_chip_name"
    ),
    "struct kernfs_node": (
        "kernfs_children kernfs_name kernfs_parent kernfs_path kernfs_root"
    ),
    "struct kmem_cache": (
        "slab_cache_is_merged slab_cache_objects_per_slab slab_cache_order "
        "slab_cache_pages_per_slab slab_cache_usage"
    ),
    "struct kobject": "kobject_path",
    "struct list_head": (
        "list_count_nodes list_empty list_for_each list_for_each_reverse "
        "list_is_singular validate_list validate_list_count_nodes "
        "validate_list_for_each"
    ),
    "struct llist_head": "llist_empty llist_is_singular",
    "struct llist_node": "llist_for_each",
    "struct maple_tree": "mt_for_each",
    "struct mem_section": (
        "decode_section_flags early_section online_section present_section "
        "section_mem_map_addr valid_section"
    ),
    "struct memory_block": "decode_memory_block_state",
    "struct mm_struct": "for_each_vma mm_cmdline mm_environ",
    "struct mnt_namespace": "for_each_mount print_mounts",
    "struct module": (
        "module_address_regions module_kallsyms module_percpu_region module_taints"
    ),
    "struct mount": "mount_dst mount_fstype mount_src",
    "struct neigh_hash_table": "neigh_table_for_each_neighbor",
    "struct net": "for_each_netdev",
    "struct net_device": (
        "netdev_for_each_tx_queue netdev_ipv4_addrs netdev_ipv6_addrs netdev_name "
        "netdev_priv"
    ),
    "struct page": (
        "compound_head compound_nr compound_order decode_page_flags is_pp_page "
        "page_flags page_index page_size page_to_pfn page_to_phys page_to_virt"
    ),
    "struct path": "d_path",
    "struct pci_bus": "pci_bus_for_each_child pci_bus_for_each_dev pci_bus_name",
    "struct pci_dev": "pci_is_bridge pci_name pci_pcie_type",
    "struct percpu_counter": "percpu_counter_sum percpu_counter_sum_positive",
    "struct pid_namespace": "for_each_pid for_each_task",
    "struct plist_head": "plist_for_each plist_head_empty",
    "struct plist_node": "plist_node_empty",
    "struct radix_tree_root": "radix_tree_for_each",
    "struct rb_node": "RB_EMPTY_NODE rb_next rb_parent rb_prev",
    "struct rb_root": (
        "RB_EMPTY_ROOT rb_first rb_last rbtree_inorder_for_each "
        "rbtree_preorder_for_each"
    ),
    "struct request": "blk_mq_rq_to_pdu blk_rq_bytes blk_rq_pos req_op rq_data_dir",
    "struct request_queue": "request_queue_busy_iter",
    "struct resource": "for_each_resource",
    "struct rq": "rq_for_each_fair_task rq_for_each_rt_task",
    "struct sbitmap": "sbitmap_for_each_set",
    "struct sched_entity": "sched_entity_is_task sched_entity_to_task",
    "struct shmid_kernel": "decode_sysv_shm_flags",
    "struct sigpending": "sigpending_for_each",
    "struct sk_buff": "skb_shinfo",
    "struct sock": "sk_fullsock sk_tcpstate",
    "struct sock_cgroup_data": "sock_cgroup_ptr",
    "struct socket": "SOCK_INODE",
    "struct super_block": "super_block_for_each_mount",
    "struct swait_queue_head": "swait_active swait_for_each_task",
    "struct swap_info_struct": "swap_file_path swap_is_file swap_usage_in_pages",
    "struct task_group": "task_group_name",
    "struct task_struct": (
        "cmdline environ for_each_file for_each_task_in_group get_task_state "
        "kthread_data print_files task_cpu task_is_kthread task_on_cpu task_rlimits "
        "task_rq task_rss task_since_last_arrival_ns task_state_to_char "
        "task_thread_info task_vsize thread_group_leader to_kthread"
    ),
    "struct timer_base": "timer_base_for_each",
    "struct vm_area_struct": "vma_name",
    "struct xarray": "xa_for_each",
    "struct zone": "high_wmark_pages low_wmark_pages min_wmark_pages",
    "void": (
        "blk_mq_rq_from_pdu find_containing_slab_cache find_vmap_area in_direct_map "
        "vmalloc_to_page vmalloc_to_pfn xa_is_value xa_is_zero xa_to_value"
    ),
    "wait_queue_head_t": (
        "waitqueue_active waitqueue_for_each_entry waitqueue_for_each_task"
    ),
}


def outcome(helper, pointer):
    try:
        found = helper(pointer)
        if hasattr(found, "__next__"):
            found = list(found)
        if isinstance(found, Object):
            found = found.type_.type_name(), hex(found)
    except Exception as error:
        return type(error).__name__
    return found


for kind, names in TAKERS.items():
    try:
        pointer = Object(prog, f"{kind} *", 0)
    except LookupError:
        continue  # This kernel has no such.
    for name in names.split():
        print(name, outcome(getattr(helpers, name), pointer))
