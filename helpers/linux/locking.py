"""
Locking
-------

``drgn.helpers.linux.locking`` tells who holds mutexes and read-write semaphores.
"""

from __future__ import annotations

import enum
import functools

from drgn import Object

__all__ = ("mutex_owner", "rwsem_locked", "rwsem_owner")

_MUTEX_FLAGS = 0x7  # kernel/locking/mutex.h
_RWSEM_OWNER_FLAGS = 0x7  # kernel/locking/rwsem.c
_RWSEM_WRITER_LOCKED = 1 << 0
_RWSEM_READER_BIAS = 1 << 8
_RT_READER_BIAS = 1 << 31  # include/linux/rwbase_rt.h
_RT_WRITER_BIAS = 1 << 30


class RwsemLocked(enum.Enum):
    """Whether and how a read-write semaphore is locked."""

    UNLOCKED = 1
    READ_LOCKED = 2
    WRITE_LOCKED = 3


def _rt_member(lock: Object, *paths: str) -> Object | None:
    """A member that a lock has if the kernel is PREEMPT_RT: the first that there is."""
    for path in paths:
        try:
            return functools.reduce(getattr, path.split("."), lock)
        except AttributeError:
            continue
    return None


def _rt_owner(rt_mutex: Object) -> Object:
    # The lowest bit says that there are waiters.
    owner: int = rt_mutex.owner.value_()
    return Object(rt_mutex.prog_, "struct task_struct *", owner & ~1)


def mutex_owner(lock: Object) -> Object:
    """Return the task that holds a mutex.

    Before Linux 4.10, this needs ``CONFIG_DEBUG_MUTEXES`` or
    ``CONFIG_MUTEX_SPIN_ON_OWNER``.

    :param lock: ``struct mutex *``
    :return: ``struct task_struct *``, ``NULL`` if the mutex is not locked.

    >>> mutex_owner(prog["module_mutex"].address_of_())
    (struct task_struct *)0x0
    """
    prog = lock.prog_
    # Called "lock" in the patches for PREEMPT_RT until it was merged in 5.15.
    rt_mutex = _rt_member(lock, "rtmutex", "lock")
    if rt_mutex is not None:
        return _rt_owner(rt_mutex)
    try:
        # With flags in the low bits since 4.10 (3ca0ff571b09).
        owner: int = lock.owner.counter.value_()
    except AttributeError:
        return lock.owner.read_()
    return Object(prog, "struct task_struct *", owner & ~_MUTEX_FLAGS)


def rwsem_owner(sem: Object) -> Object:
    """Return the task that holds a read-write semaphore.

    This is reliable only if the semaphore is locked by a writer: readers leave
    themselves or nothing behind, and another one may hold it.

    Before Linux 5.3, this needs ``CONFIG_RWSEM_SPIN_ON_OWNER``.

    :param sem: ``struct rw_semaphore *``
    :return: ``struct task_struct *``

    >>> rwsem_owner(find_task(prog, 1).mm.mmap_lock.address_of_()).type_
    struct task_struct *
    """
    prog = sem.prog_
    # Without rwbase in the patches for PREEMPT_RT until it was merged in 5.15.
    rt_mutex = _rt_member(sem, "rwbase.rtmutex", "rtmutex")
    if rt_mutex is not None:
        return _rt_owner(rt_mutex)
    try:
        # An atomic_long_t since 5.3 (94a9717b3c40).
        owner: int = sem.owner.counter.value_()
    except AttributeError:
        owner = sem.owner.value_()
    return Object(prog, "struct task_struct *", owner & ~_RWSEM_OWNER_FLAGS)


def rwsem_locked(sem: Object) -> RwsemLocked:
    """Return whether a read-write semaphore is locked, and how.

    Before Linux 5.3, this needs ``CONFIG_RWSEM_SPIN_ON_OWNER``.

    :param sem: ``struct rw_semaphore *``

    >>> rwsem_locked(find_task(prog, 1).mm.mmap_lock.address_of_())
    <RwsemLocked.UNLOCKED: 1>
    """
    rt_readers = _rt_member(sem, "rwbase.readers", "readers")
    if rt_readers is not None:
        readers: int = rt_readers.counter.value_() & 0xFFFFFFFF
        if readers == _RT_WRITER_BIAS:
            return RwsemLocked.WRITE_LOCKED
        # A writer that waits for readers takes the bias away.
        if readers & ~_RT_READER_BIAS:
            return RwsemLocked.READ_LOCKED
        return RwsemLocked.UNLOCKED
    count: int = sem.count.counter.value_()
    if not hasattr(sem.owner, "counter"):
        # Before 5.3 (64489e78004c), a writer is told from readers by the owner.
        active = count & ((1 << 4 * sem.prog_.address_size()) - 1)
        if not active:
            return RwsemLocked.UNLOCKED
        owner = sem.owner.value_()
        if owner and not owner & 1:
            return RwsemLocked.WRITE_LOCKED
        return RwsemLocked.READ_LOCKED
    if count & _RWSEM_WRITER_LOCKED:
        return RwsemLocked.WRITE_LOCKED
    # The sign is RWSEM_FLAG_READFAIL.
    bits = 8 * sem.prog_.address_size() - 1
    if (count & ((1 << bits) - 1)) >= _RWSEM_READER_BIAS:
        return RwsemLocked.READ_LOCKED
    return RwsemLocked.UNLOCKED
