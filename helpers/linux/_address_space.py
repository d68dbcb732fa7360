"""Address spaces of tasks; part of :mod:`drgn.helpers.linux.mm`."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import NamedTuple

from drgn import NULL, IntegerLike, Object, cast, chains
from drgn.helpers.linux._pages import PHYS_PFN, pfn_to_page
from drgn.helpers.linux._raw import chain
from drgn.helpers.linux.fs import d_path
from drgn.helpers.linux.mapletree import mt_entries, mtree_load
from drgn.helpers.linux.percpu import percpu_counter_sum
from drgn.helpers.linux.pid import for_each_task_in_group


def follow_phys(mm: Object, addr: IntegerLike) -> Object:
    """Return the physical address that an address is mapped to in an address space.

    :param mm: ``struct mm_struct *``
    :param addr: ``void *``
    :return: ``phys_addr_t``
    :raises FaultError: if nothing is mapped there, or it is swapped out

    >>> init = find_task(prog, 1)
    >>> follow_phys(init.mm, init.mm.start_code)
    (phys_addr_t)43614208
    """
    prog = mm.prog_
    address = prog.translate(operator.index(addr), mm.pgd)
    return Object(prog, "phys_addr_t", address)


def follow_pfn(mm: Object, addr: IntegerLike) -> Object:
    """Return the page frame that an address is mapped to in an address space.

    :param mm: ``struct mm_struct *``
    :param addr: ``void *``
    :return: ``unsigned long``
    :raises FaultError: if nothing is mapped there, or it is swapped out

    >>> init = find_task(prog, 1)
    >>> follow_pfn(init.mm, init.mm.start_code)
    (unsigned long)10648
    """
    return PHYS_PFN(mm.prog_, follow_phys(mm, addr))


def follow_page(mm: Object, addr: IntegerLike) -> Object:
    """Return the page that an address is mapped to in an address space.

    :param mm: ``struct mm_struct *``
    :param addr: ``void *``
    :return: ``struct page *``
    :raises FaultError: if nothing is mapped there, or it is swapped out

    >>> init = find_task(prog, 1)
    >>> page = follow_page(init.mm, init.mm.start_code)
    >>> decode_page_flags(page)
    'PG_referenced|PG_uptodate|PG_dirty|PG_lru|PG_active|PG_swapbacked|PG_savepinned|PG_reported'
    """
    return pfn_to_page(mm.prog_, follow_pfn(mm, addr))


def access_remote_vm(mm: Object, address: IntegerLike, size: IntegerLike) -> bytes:
    """Read memory of an address space.

    :param mm: ``struct mm_struct *``
    :param address: Address of the first byte.
    :param size: Number of bytes.
    :raises FaultError: if nothing is mapped there, or it is swapped out

    >>> mm = find_task(prog, 1).mm
    >>> access_remote_vm(mm, mm.start_code, 4)
    b'H\\x83\\xec\\x08'
    """
    return mm.prog_.read_vm(mm.pgd, operator.index(address), operator.index(size))


def access_process_vm(task: Object, address: IntegerLike, size: IntegerLike) -> bytes:
    """Read memory of a task's address space.

    >>> init = find_task(1)
    >>> access_process_vm(init, init.mm.arg_start, 8)
    b'/bin/bus'

    :param task: ``struct task_struct *``
    :param address: Address of the first byte.
    :param size: Number of bytes.
    :raises FaultError: if nothing is mapped there, or it is swapped out
    :raises ValueError: if the task has no address space
    """
    mm = task.mm.read_()
    if not mm:
        raise ValueError("task has no address space")
    return access_remote_vm(mm, address, size)


def mm_cmdline(mm: Object) -> list[bytes]:
    """Return the command line of an address space; see :func:`cmdline()`.

    :param mm: ``struct mm_struct *``, not ``NULL``.

    >>> mm_cmdline(find_task(prog, 1).mm)
    [b'/bin/busybox', b'sh', b'/init']
    """
    start, end = mm.arg_start.value_(), mm.arg_end.value_()
    if start < end and access_remote_vm(mm, end - 1, 1) != b"\0":
        # fs/proc/base.c: written over, as setproctitle() does, which goes on into the
        # environment.
        if mm.env_start.value_() == end:
            end = max(end, mm.env_end.value_())
        title = access_remote_vm(mm, start, min(end - start, _TITLE_MAX))
        return [title.partition(b"\0")[0]]
    return _strings(mm, start, end)


def cmdline(task: Object) -> list[bytes] | None:
    """Return the command line of a task, like ``/proc/PID/cmdline``.

    A title that the task has given itself (``setproctitle()``) is its only string.

    >>> cmdline(find_task(1))
    [b'/bin/busybox', b'sh', b'/init']

    :param task: ``struct task_struct *``
    :return: Arguments, ``None`` for a kernel thread.
    :raises FaultError: if the arguments are swapped out
    """
    mm = task.mm.read_()
    return mm_cmdline(mm) if mm else None


def mm_environ(mm: Object) -> list[bytes]:
    """Return the environment of an address space; see :func:`environ()`.

    :param mm: ``struct mm_struct *``, not ``NULL``.

    >>> mm_environ(find_task(prog, 1).mm)[0]
    b'HOME=/'
    """
    return _strings(mm, mm.env_start.value_(), mm.env_end.value_())


def environ(task: Object) -> list[bytes] | None:
    """Return the environment of a task, like ``/proc/PID/environ``.

    :param task: ``struct task_struct *``
    :return: Variables, ``None`` for a kernel thread.
    :raises FaultError: if the environment is swapped out

    >>> environ(find_task(prog, 1))[0]
    b'HOME=/'
    """
    mm = task.mm.read_()
    return mm_environ(mm) if mm else None


_PIECE = 1 << 20
_TITLE_MAX = 1 << 12  # a page


def _strings(mm: Object, start: int, end: int) -> list[bytes]:
    if start >= end:
        return []
    # In pieces, so that what is no struct mm_struct faults before it takes memory.
    data = b"".join(
        access_remote_vm(mm, at, min(_PIECE, end - at))
        for at in range(start, end, _PIECE)
    )
    return data.removesuffix(b"\0").split(b"\0")


def for_each_vma(mm: Object) -> Iterator[Object]:
    """Iterate over the mapped areas of an address space.

    :param mm: ``struct mm_struct *``
    :return: Iterator of ``struct vm_area_struct *`` objects.

    >>> vma = next(for_each_vma(find_task(prog, 1).mm))
    >>> vma.vm_start
    (unsigned long)4194304
    """
    prog = mm.prog_
    vma_p = prog.type("struct vm_area_struct *")
    try:
        tree = mm.mm_mt.address_of_()
    except AttributeError:
        # Before 6.1 (763ecb035029), the areas are in a list.
        yield from chain(mm.mmap, "vm_next")
    else:
        areas = (entry for _, _, entry in mt_entries(tree))
        yield from chains.pointers(vma_p, areas)


def vma_find(mm: Object, addr: IntegerLike) -> Object:
    """Return the mapped area that an address is in.

    :param mm: ``struct mm_struct *``
    :param addr: Address.
    :return: ``struct vm_area_struct *``, ``NULL`` if there is none.

    >>> mm = find_task(prog, 1).mm
    >>> vma_find(mm, mm.start_stack).vm_end
    (unsigned long)140736682156032
    """
    try:
        tree = mm.mm_mt.address_of_()
    except AttributeError:
        address = operator.index(addr)
        for vma in for_each_vma(mm):
            if vma.vm_start.value_() <= address < vma.vm_end.value_():
                return vma
        return NULL(mm.prog_, "struct vm_area_struct *")
    return cast("struct vm_area_struct *", mtree_load(tree, addr))


def vma_name(vma: Object) -> bytes:
    """Return the name of a mapped area as in ``/proc/PID/maps``.

    :param vma: ``struct vm_area_struct *``
    :return: Path of the mapped file, ``b"[heap]"``, ``b"[stack]"``, ``b"[vdso]"``,
        the name of another special mapping, ``b"[anon:<name>]"`` or
        ``b"[anon_shmem:<name>]"`` if it was named with PR_SET_VMA_ANON_NAME, or
        ``b""`` for anonymous memory.

    >>> mm = find_task(prog, 1).mm
    >>> vma_name(vma_find(mm, mm.start_stack))
    b'[stack]'
    """
    prog = vma.prog_
    file = vma.vm_file.read_()
    if file:
        name = _anon_name(vma)
        return b"[anon_shmem:%s]" % name if name else d_path(file.f_path)
    ops = vma.vm_ops.value_()
    if ops and ops == prog["special_mapping_vmops"].address_:
        mapping = cast("struct vm_special_mapping *", vma.vm_private_data)
        return mapping.name.string_()
    mm = vma.vm_mm.read_()
    start, end = vma.vm_start.value_(), vma.vm_end.value_()
    if not mm:
        return b"[vdso]"
    if start <= mm.brk.value_() and end >= mm.start_brk.value_():
        return b"[heap]"
    if start <= mm.start_stack.value_() <= end:
        return b"[stack]"
    name = _anon_name(vma)
    return b"[anon:%s]" % name if name else b""


def _anon_name(vma: Object) -> bytes:
    # Since 5.17 (9a10064f5625).
    try:
        anon_name = vma.anon_name
    except AttributeError:
        return b""  # !CONFIG_ANON_VMA_NAME
    # Before 6.2 (d09e8ca6cb93), it shared its place with what mapped files have.
    if vma.vm_file and anon_name.address_ == vma.shared.address_:
        return b""
    return anon_name.name.string_() if anon_name else b""


def task_vsize(task: Object) -> int:
    """Return the size of a task's address space in bytes.

    :param task: ``struct task_struct *``

    >>> task_vsize(find_task(prog, 1))
    2314240
    """
    mm = task.mm.read_()
    if not mm:
        return 0
    return mm.total_vm.value_() * task.prog_["PAGE_SIZE"].value_()


class TaskRss(NamedTuple):
    """What :func:`task_rss()` returns, in pages."""

    file: int
    """Pages of mapped files."""
    anon: int
    """Anonymous pages."""
    shmem: int
    """Pages of shared memory."""
    swap: int
    """Anonymous pages that are swapped out."""

    @property
    def total(self) -> int:
        """Resident pages: :attr:`file`, :attr:`anon` and :attr:`shmem`."""
        return self.file + self.anon + self.shmem


def rss_of_task(task: Object) -> TaskRss:
    mm = task.mm.read_()
    if not mm:
        return TaskRss(0, 0, 0, 0)
    names = ("MM_FILEPAGES", "MM_ANONPAGES", "MM_SHMEMPAGES", "MM_SWAPENTS")
    numbers = [mm.prog_[name].value_() for name in names]
    try:
        counters = mm.rss_stat.count
    except AttributeError:
        # A percpu_counter each since 6.2 (f1a7941243c1).
        stat = mm.rss_stat
        return TaskRss(*(percpu_counter_sum(stat[i].address_of_()) for i in numbers))
    totals = [counters[i].counter.value_() for i in numbers]
    for thread in for_each_task_in_group(task, include_self=True):
        try:
            cached = thread.rss_stat.count
        except AttributeError:
            break  # !SPLIT_RSS_COUNTING
        totals = [n + cached[i].value_() for n, i in zip(totals, numbers, strict=True)]
    return TaskRss(*totals)
