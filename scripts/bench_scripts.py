"""The scripts whose figures are the business of `bench.py`: each prints its own."""

from __future__ import annotations

#: Scripts time themselves where start-up is another figure's business.
STACKS = """\
import sys, time
from drgn import FaultError
from drgn.helpers.linux.pid import for_each_task
start = time.perf_counter()
lines = 0
for task in for_each_task(prog):
    try:
        lines += str(prog.stack_trace(task)).count("\\n") + 1
    except (ValueError, FaultError):
        pass  # It runs, or is dead.
print(time.perf_counter() - start, lines)
"""
REFCOUNT_BY_OBJECTS = """\
import time
from drgn.helpers.linux.mm import for_each_page
start = time.perf_counter()
total = sum(page._refcount.counter.value_() for page in for_each_page(prog))
print(time.perf_counter() - start, total)
"""
REFCOUNT_BY_ARRAYS = """\
import time
import numpy
prog["vmemmap"], prog["max_pfn"]
start = time.perf_counter()
pages = prog.read_array("struct page", prog["vmemmap"], prog["max_pfn"])
total = int(pages["_refcount"]["counter"].sum())
print(time.perf_counter() - start, total)
"""

#: Prints the name of a figure and microseconds, or seconds, on each line. What takes
#: short is the least CPU time of a few times: others may have the machine meanwhile.
API = """\
import time, timeit
from drgn import FaultError
from drgn.helpers.linux.list import list_for_each_entry
task = prog["init_task"]
head = task.tasks.address_of_()
def walk():
    for entry in list_for_each_entry("struct task_struct", head, "tasks"):
        pass
def cost(statement, number, unit=1e6):
    times = timeit.repeat(
        statement, globals=globals(), number=number, timer=time.process_time
    )
    best = min(times)
    return best / number * unit
count = sum(1 for _ in list_for_each_entry("struct task_struct", head, "tasks"))
print("obj.member;", cost("task.pid", 20000))
print("obj.member.value_();", cost("task.pid.value_()", 20000))
print("list_for_each_entry, an entry;", cost("walk()", 50) / count)
print("prog.type();", cost("prog.type('struct task_struct')", 20000))
print("prog.symbol(name);", cost("prog.symbol('schedule')", 200))
print("str(init_task);", cost("str(task)", 1, unit=1))
def search(name, find, *arguments, **options):
    def once():
        start = time.process_time()
        try:
            for _ in find(*arguments, **options):
                pass
        except FaultError:
            pass  # Upstream ends at a hole behind the memory that a kdump file has.
        return time.process_time() - start
    print(f"search for {name};", min(once() for _ in range(3)))
search("bytes", prog.search_memory, b"a string that is nowhere")
search("a regular expression", prog.search_memory_regex, rb"[A-Z][a-z]+ nowhere[0-9]+")
search("a u16", prog.search_memory_u16, 0xFDB9)
search("a u32", prog.search_memory_u32, 0xDEADBEEF)
value = 0xDEADBEEFDEADB000
search("a u64, bits ignored", prog.search_memory_u64, value, ignore_mask=0xFFF)
values = head.value_(), head.value_() + 64
search("words in a range", prog.search_memory_word, values)
"""


#: As `API`, of helpers that go over everything: by their iterators.
SCANS = """\
import time
from drgn.helpers.linux import *
dentries = find_slab_cache(prog, "dentry")
root = path_lookup(prog, "/").dentry.d_sb
def allocated():
    objects = slab_cache_for_each_allocated_object(dentries, "struct dentry")
    return sum(1 for _ in objects)
def usage():
    return sum(slab_cache_usage(cache).num_objs for cache in for_each_slab_cache(prog))
def flags():
    return sum(page.flags.value_() & 1 for page in for_each_page(prog))
def vmas():
    mms = [task.mm for task in for_each_task(prog) if task.mm]
    return sum(1 for mm in mms for _ in for_each_vma(mm))
def inodes():
    head = root.s_inodes.address_of_()
    return sum(1 for _ in list_for_each_entry("struct inode", head, "i_sb_list"))
"""
#: The same by arrays, where we have them.
SCANS_BY_ARRAYS = """\
import time
from drgn.helpers import arrays
from drgn.helpers.linux import *
dentries = find_slab_cache(prog, "dentry")
root = path_lookup(prog, "/").dentry.d_sb
def allocated():
    return len(arrays.slab_objects(dentries))
def usage():
    return int(arrays.slab_usage(prog)["objects"].sum())
def flags():
    _, flags = arrays.page_flags(prog)
    return int((flags & 1).sum())
def vmas():
    _, areas = arrays.task_vmas(prog)
    return len(areas)
def inodes():
    return len(arrays.inodes(root))
"""
#: What is loaded at first, pages of kdump files and modules, has a figure of its own.
#: What takes a millisecond is done so often that the machine is idle for once.
TIME_SCANS = """\
for scan in allocated, usage, flags, vmas, inodes:
    times = []
    while len(times) < 4 or sum(times) < 0.2:
        start = time.process_time()
        result = scan()
        times.append(time.process_time() - start)
    print(scan.__name__, times[0], min(times[1:]), result, sep=";")
"""


#: Commands of crash; what they print goes nowhere.
COMMANDS = """\
import contextlib, io, time
from drgn.commands import run_command
for line in "kmem -s", "kmem -p":
    times = []
    for _ in range(3):
        start = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            run_command(prog, f"crash {line}")
        times.append(time.process_time() - start)
    if line == "kmem -s":
        print(f"crash {line}, the first command", times[0], sep=";")
    print(f"crash {line}", min(times), sep=";")
"""
