# Memory: pages, zones, counters, caches, areas of address space, swap space.
from drgn.helpers.linux import (
    PHYS_PFN,
    decode_page_flags,
    find_slab_cache,
    for_each_hstate,
    for_each_memory_block,
    for_each_online_node,
    for_each_online_pgdat,
    for_each_resource,
    for_each_slab_cache,
    for_each_swap_info,
    for_each_task,
    for_each_valid_page_range,
    for_each_vma,
    for_each_vmap_area,
    global_node_page_state,
    global_numa_event_state,
    global_vm_event_state,
    global_zone_page_state,
    high_wmark_pages,
    huge_page_size,
    hugetlb_total_usage,
    low_wmark_pages,
    min_wmark_pages,
    nr_blockdev_pages,
    nr_free_pages,
    page_to_pfn,
    pfn_to_page,
    print_slab_caches,
    slab_cache_for_each_allocated_object,
    slab_cache_is_merged,
    slab_cache_usage,
    slab_total_usage,
    swap_file_path,
    swap_is_file,
    swap_total_usage,
    swap_usage_in_pages,
    task_rss,
    total_swapcache_pages,
    totalram_pages,
    vma_name,
    zone_page_state,
)

print(totalram_pages(prog), nr_free_pages(prog), nr_blockdev_pages(prog))
for start, end, pages in for_each_valid_page_range(prog):
    print(start, end, hex(pages.value_()))
print(list(for_each_online_node(prog)))
for pgdat in for_each_online_pgdat(prog):
    for zone in pgdat.node_zones:
        zone = zone.address_of_()
        print(zone.name.string_(), zone_page_state(zone, prog["NR_FREE_PAGES"]))
        print(*(f(zone) for f in (min_wmark_pages, low_wmark_pages, high_wmark_pages)))
for item, state in (
    ("NR_FREE_PAGES", global_zone_page_state),
    ("NR_MLOCK", global_zone_page_state),
    ("NR_FILE_PAGES", global_node_page_state),
    ("NR_KERNEL_STACK_KB", global_node_page_state),
    ("NUMA_HIT", global_numa_event_state),
    ("PGFAULT", global_vm_event_state),
):
    print(item, state(prog, prog[item]))
print(hugetlb_total_usage(prog), swap_total_usage(prog))
if "NR_SWAPCACHE" in prog:  # else upstream wants the length of an array
    print(total_swapcache_pages(prog))
for hstate in for_each_hstate(prog):
    print(hstate.name, huge_page_size(hstate))
for info in for_each_swap_info(prog):
    print(swap_file_path(info), swap_is_file(info), swap_usage_in_pages(info))
for block in for_each_memory_block(prog):
    print(hex(block.value_()))
for resource in for_each_resource(prog["iomem_resource"].address_of_()):
    print(resource.start, resource.end, resource.name)

print(slab_total_usage(prog))
print_slab_caches(prog)
for cache in for_each_slab_cache(prog):
    print(cache.name, slab_cache_is_merged(cache), slab_cache_usage(cache))
tasks = slab_cache_for_each_allocated_object(
    find_slab_cache(prog, "task_struct"), "struct task_struct"
)
print(sorted(task.value_() for task in tasks))

for area in for_each_vmap_area(prog):
    print(hex(area.va_start), hex(area.va_end))
for task in for_each_task(prog):
    if task.mm:
        print(task.pid.value_(), task_rss(task))
        print([vma_name(vma) for vma in for_each_vma(task.mm)])
for pfn in range(PHYS_PFN(prog, 0x1000000), PHYS_PFN(prog, 0x1200000), 16):
    page = pfn_to_page(prog, pfn)
    print(page_to_pfn(page), decode_page_flags(page))
