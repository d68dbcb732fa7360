# Pages, sections, address spaces, files' pages.
import drgn.helpers.linux.mm as mm
from drgn.helpers.linux import (
    PFN_PHYS,
    access_process_vm,
    access_remote_vm,
    address_space_for_each_page,
    compound_head,
    compound_nr,
    compound_order,
    decode_memory_block_state,
    decode_section_flags,
    early_section,
    fget,
    find_containing_slab_cache,
    find_task,
    find_vmap_area,
    follow_page,
    follow_pfn,
    follow_phys,
    for_each_file,
    for_each_memory_block,
    for_each_present_section,
    for_each_slab_cache,
    for_each_task,
    get_slab_cache_aliases,
    in_direct_map,
    inode_for_each_page,
    memory_block_size_bytes,
    mm_cmdline,
    nr_to_section,
    online_section,
    page_flags,
    page_index,
    page_size,
    page_to_phys,
    pfn_to_page,
    pfn_to_section_nr,
    pfn_to_virt,
    phys_to_virt,
    print_files,
    section_mem_map_addr,
    section_nr_to_pfn,
    slab_cache_order,
    super_block_for_each_mount,
    task_vsize,
    valid_section,
    virt_to_pfn,
    vm_commit_limit,
    vm_memory_committed,
    vma_find,
    vmalloc_to_page,
    vmalloc_to_pfn,
)

for nr, section in for_each_present_section(prog):
    print(nr, decode_section_flags(section), hex(section_mem_map_addr(section)))
    print(valid_section(section), online_section(section), early_section(section))
    print(section_nr_to_pfn(prog, nr), nr_to_section(prog, nr) == section)
print(memory_block_size_bytes(prog), pfn_to_section_nr(prog, 0x9000))
print([decode_memory_block_state(block) for block in for_each_memory_block(prog)])
print(vm_commit_limit(prog), vm_memory_committed(prog))

FLAGS = [getattr(mm, name) for name in sorted(mm.__all__) if name.startswith("Page")]
for pfn in range(0x1000, 0x11000, 251):
    page = pfn_to_page(prog, pfn)
    found = []
    for flag in FLAGS:
        try:
            if flag(page):
                found.append(flag.__name__)
        except LookupError:
            pass  # This kernel has no such flag.
    print(pfn, found, page_flags(page), page_to_phys(page), PFN_PHYS(prog, pfn))
    print(hex(compound_head(page)), compound_order(page), compound_nr(page))
    print(page_size(page), page_index(page), hex(pfn_to_virt(prog, pfn).value_()))
    address = phys_to_virt(prog, PFN_PHYS(prog, pfn))
    cache = find_containing_slab_cache(prog, address)
    print(hex(address), virt_to_pfn(prog, address), cache.name if cache else None)
    print(in_direct_map(prog, address))
print(in_direct_map(prog, prog["init_task"].address_), in_direct_map(prog, 0))
try:
    print(dict(get_slab_cache_aliases(prog)))
except LookupError:
    print("none")  # SLAB
print([slab_cache_order(cache) for cache in for_each_slab_cache(prog)])

for task in for_each_task(prog):
    area = find_vmap_area(prog, task.stack)
    print(task.pid.value_(), hex(area.value_()), task_vsize(task))
    if task.stack:
        print(vmalloc_to_pfn(task.stack), hex(vmalloc_to_page(task.stack).value_()))
    if not task.mm:
        continue
    print(mm_cmdline(task.mm))
    start = task.mm.arg_start
    print(access_process_vm(task, start, 16), access_remote_vm(task.mm, start, 16))
    print(hex(vma_find(task.mm, start).vm_start), vma_find(task.mm, 0))
    print(hex(follow_page(task.mm, start).value_()), follow_pfn(task.mm, start))
    print(follow_phys(task.mm, start))
    for fd, file in for_each_file(task):
        if not file:
            continue  # a descriptor that accept() has only reserved
        print(fd, fget(task, fd).value_() == file.value_())
        inode = file.f_inode
        print([(i, hex(page.value_())) for i, page in inode_for_each_page(inode)])
        mapping = inode.i_mapping
        print(len(list(address_space_for_each_page(mapping))))
        print(len(list(super_block_for_each_mount(inode.i_sb))))
print_files(find_task(prog, 1))
