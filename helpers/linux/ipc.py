"""
Interprocess Communication
--------------------------

``drgn.helpers.linux.ipc`` works with System V message queues, semaphores and shared
memory.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from drgn import NULL, IntegerLike, Object, Program, container_of
from drgn.helpers.common.format import decode_flags
from drgn.helpers.common.prog import (
    takes_object_or_program_or_default,
    takes_program_or_default,
)
from drgn.helpers.linux.idr import idr_find, idr_for_each_entry

__all__ = (
    "decode_sysv_shm_flags",
    "decode_sysv_shm_mode_flags",
    "find_sysv_msg_queue",
    "find_sysv_sem_array",
    "find_sysv_shm",
    "for_each_sysv_msg_queue",
    "for_each_sysv_sem_array",
    "for_each_sysv_shm",
)

# ipc/util.h: indices of ipc_namespace->ids.
_SEM_IDS = 0
_MSG_IDS = 1
_SHM_IDS = 2

# include/linux/shm.h, above the permission bits.
_SHM_FLAGS = (
    ("SHM_DEST", 0o1000),
    ("SHM_LOCKED", 0o2000),
)


def _idr(prog: Program, ns: Object | None, ids: int) -> Object:
    if ns is None:
        ns = prog["init_ipc_ns"].address_of_()
    return ns.ids[ids].ipcs_idr.address_of_()


def _for_each(
    prog: Program, ns: Object | None, ids: int, type: str, member: str
) -> Iterator[Object]:
    for _, perm in idr_for_each_entry(_idr(prog, ns, ids), "struct kern_ipc_perm"):
        yield container_of(perm, type, member)


def _find(
    prog: Program, ns: Object | None, ids: int, type: str, member: str, id: IntegerLike
) -> Object:
    id = operator.index(id)
    try:
        # Before 5.2, there is the constant IPCMNI.
        shift = prog["ipc_mni_shift"].value_()
    except KeyError:
        shift = 15
    # An ID is an index and, above it, a number that tells its uses apart.
    entry = idr_find(_idr(prog, ns, ids), id & ((1 << shift) - 1))
    if entry:
        perm = Object(prog, "struct kern_ipc_perm *", entry.value_())
        if perm.id.value_() == id:
            return container_of(perm, type, member)
    return NULL(prog, type + " *")


@takes_object_or_program_or_default
def for_each_sysv_msg_queue(prog: Program, ns: Object | None) -> Iterator[Object]:
    """Iterate over the System V message queues of a namespace.

    :param ns: ``struct ipc_namespace *``. Defaults to the initial IPC namespace if
        given a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :return: Iterator of ``struct msg_queue *`` objects.

    >>> [queue.q_perm.id.value_() for queue in for_each_sysv_msg_queue(prog)]
    [0, 1]
    """
    return _for_each(prog, ns, _MSG_IDS, "struct msg_queue", "q_perm")


@takes_object_or_program_or_default
def find_sysv_msg_queue(prog: Program, ns: Object | None, id: IntegerLike) -> Object:
    """Return the System V message queue with an ID.

    :param ns: ``struct ipc_namespace *``. Defaults to the initial IPC namespace if
        given a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :param id: ID.
    :return: ``struct msg_queue *``, ``NULL`` if there is none.

    >>> find_sysv_msg_queue(prog, 12345)
    (struct msg_queue *)0x0
    """
    return _find(prog, ns, _MSG_IDS, "struct msg_queue", "q_perm", id)


@takes_object_or_program_or_default
def for_each_sysv_sem_array(prog: Program, ns: Object | None) -> Iterator[Object]:
    """Iterate over the System V semaphore arrays of a namespace.

    :param ns: ``struct ipc_namespace *``. Defaults to the initial IPC namespace if
        given a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :return: Iterator of ``struct sem_array *`` objects.

    >>> [hex(array.sem_perm.key) for array in for_each_sysv_sem_array(prog)]
    ['0x1234', '0x2345']
    """
    return _for_each(prog, ns, _SEM_IDS, "struct sem_array", "sem_perm")


@takes_object_or_program_or_default
def find_sysv_sem_array(prog: Program, ns: Object | None, id: IntegerLike) -> Object:
    """Return the System V semaphore array with an ID.

    :param ns: ``struct ipc_namespace *``. Defaults to the initial IPC namespace if
        given a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :param id: ID.
    :return: ``struct sem_array *``, ``NULL`` if there is none.

    >>> find_sysv_sem_array(prog, 0).sem_nsems
    (int)1
    """
    return _find(prog, ns, _SEM_IDS, "struct sem_array", "sem_perm", id)


@takes_object_or_program_or_default
def for_each_sysv_shm(prog: Program, ns: Object | None) -> Iterator[Object]:
    """Iterate over the System V shared memory segments of a namespace.

    :param ns: ``struct ipc_namespace *``. Defaults to the initial IPC namespace if
        given a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :return: Iterator of ``struct shmid_kernel *`` objects.

    >>> [hex(shm.shm_perm.key) for shm in for_each_sysv_shm(prog)]
    ['0x1234', '0x2345', '0x0']
    """
    return _for_each(prog, ns, _SHM_IDS, "struct shmid_kernel", "shm_perm")


@takes_object_or_program_or_default
def find_sysv_shm(prog: Program, ns: Object | None, id: IntegerLike) -> Object:
    """Return the System V shared memory segment with an ID.

    :param ns: ``struct ipc_namespace *``. Defaults to the initial IPC namespace if
        given a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :param id: ID.
    :return: ``struct shmid_kernel *``, ``NULL`` if there is none.

    >>> find_sysv_shm(prog, 0).shm_segsz
    (unsigned long)65536
    """
    return _find(prog, ns, _SHM_IDS, "struct shmid_kernel", "shm_perm", id)


@takes_program_or_default
def decode_sysv_shm_mode_flags(prog: Program, value: IntegerLike) -> str:
    """Spell out the flags in the mode of a System V shared memory segment.

    >>> decode_sysv_shm_mode_flags(0o2600)
    'SHM_LOCKED'

    :param value: ``umode_t``
    """
    flags = operator.index(value) & ~0o777
    return decode_flags(flags, _SHM_FLAGS, bit_numbers=False)


def decode_sysv_shm_flags(shm: Object) -> str:
    """Spell out the flags of a System V shared memory segment, e.g.,
    ``"SHM_LOCKED"``.

    :param shm: ``struct shmid_kernel *``

    >>> decode_sysv_shm_flags(find_sysv_shm(prog, 0))
    '0'
    """
    return decode_sysv_shm_mode_flags(shm.prog_, shm.shm_perm.mode)
