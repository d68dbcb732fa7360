"""``ipcs``: System V shared memory, semaphores and message queues."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from drgn import Object, Program
from drgn.commands import argument, drgn_argument
from drgn.helpers.common.format import print_table
from drgn.helpers.linux.ipc import (
    decode_sysv_shm_flags,
    find_sysv_msg_queue,
    find_sysv_sem_array,
    find_sysv_shm,
    for_each_sysv_msg_queue,
    for_each_sysv_sem_array,
    for_each_sysv_shm,
)
from drgn.helpers.linux.user import kuid_val

from ._code import CrashCodeBuilder
from ._define import crash_command
from ._namespaces import append_namespace, find_namespace


def _permissions(perm: Object, id: Object) -> list[str]:
    return [
        f"{perm.key.value_() & 0xFFFFFFFF:08x}",
        str(id.value_()),
        str(kuid_val(perm.uid)),
        f"{perm.mode.value_() & 0o777:o}",
    ]


def _shm_row(shm: Object) -> list[str]:
    perm = shm.shm_perm
    status = decode_sysv_shm_flags(shm)
    return [
        *_permissions(perm, perm.id),
        str(shm.shm_segsz.value_()),
        str(shm.shm_nattch.value_()),
        "" if status == "0" else status,
    ]


def _sem_row(sem_array: Object) -> list[str]:
    perm = sem_array.sem_perm
    return [*_permissions(perm, perm.id), str(sem_array.sem_nsems.value_())]


def _msg_row(msg_queue: Object) -> list[str]:
    perm = msg_queue.q_perm
    return [
        *_permissions(perm, perm.id),
        str(msg_queue.q_cbytes.value_()),
        str(msg_queue.q_qnum.value_()),
    ]


class _Kind(NamedTuple):
    """A kind of IPC objects: how its table is headed and filled, and how it is found;
    ``code`` is what ``--drgn`` prints for one."""

    header: tuple[str, ...]
    row: Callable[[Object], list[str]]
    each: Callable[[Object], Iterator[Object]]
    find: Callable[[Object, int], Object]
    variable: str
    code: str


_PERMISSIONS_CODE = """\
key = {0}.key
id = {0}.id
uid = kuid_val({0}.uid)
perms = {0}.mode & 0o777
"""

_KINDS = {
    "shm": _Kind(
        ("SHMID_KERNEL", "KEY", "SHMID", "UID", "PERMS", "BYTES", "NATTCH", "STATUS"),
        _shm_row,
        for_each_sysv_shm,
        find_sysv_shm,
        "shm",
        _PERMISSIONS_CODE.format("shm.shm_perm") + "bytes = shm.shm_segsz\n"
        "nattch = shm.shm_nattch\n"
        "status = decode_sysv_shm_flags(shm)\n",
    ),
    "sem": _Kind(
        ("SEM_ARRAY", "KEY", "SEMID", "UID", "PERMS", "NSEMS"),
        _sem_row,
        for_each_sysv_sem_array,
        find_sysv_sem_array,
        "sem_array",
        _PERMISSIONS_CODE.format("sem_array.sem_perm")
        + "nsems = sem_array.sem_nsems\n",
    ),
    "msg": _Kind(
        ("MSG_QUEUE", "KEY", "MSQID", "UID", "PERMS", "USED-BYTES", "MESSAGES"),
        _msg_row,
        for_each_sysv_msg_queue,
        find_sysv_msg_queue,
        "msg_queue",
        _PERMISSIONS_CODE.format("msg_queue.q_perm")
        + "used_bytes = msg_queue.q_cbytes\n"
        "messages = msg_queue.q_qnum\n",
    ),
}


class _Identifier(NamedTuple):
    """What names an IPC object: decimal digits its ID, other ones its address."""

    is_id: bool
    value: int


def _identifier(text: str) -> _Identifier:
    if text.isdecimal():
        return _Identifier(True, int(text))
    return _Identifier(False, int(text, 16))


@crash_command(
    description="System V interprocess communication",
    long_description="Without -m, -s or -q, show objects of all three kinds.",
    arguments=(
        argument("-m", dest="shm", action="store_true", help="show shared memory"),
        argument("-s", dest="sem", action="store_true", help="show semaphores"),
        argument("-q", dest="msg", action="store_true", help="show message queues"),
        argument("-n", dest="task", metavar="pid|task", type="pid_or_task",
                 help="show those of the namespace of this task, not of the context"),
        argument("identifiers", metavar="id|addr", nargs="*",
                 help="show the objects with this ID, or at this address, only"),
        drgn_argument,
    ),
)  # fmt: skip
def _crash_cmd_ipcs(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: object
) -> None:
    kinds = [kind for option, kind in _KINDS.items() if getattr(args, option)]
    kinds = kinds or list(_KINDS.values())
    identifiers = [_identifier(text) for text in args.identifiers]
    if args.drgn:
        _print_code(prog, args, kinds, identifiers)
        return
    namespace = find_namespace(prog, args.task, "ipc_ns")
    parts = (
        _identified_parts(namespace, kinds, identifiers)
        if identifiers
        else _all_parts(namespace, kinds)
    )
    for i, (kind, objects, note) in enumerate(parts):
        if i:
            print()
        if kind is not None:
            rows: list[Sequence[str]] = [kind.header]
            rows += [[f"{each.value_():x}", *kind.row(each)] for each in objects]
            print_table(rows)
        if note:
            print(note)


_Part = tuple[_Kind | None, list[Object], str]


def _all_parts(namespace: Object, kinds: Sequence[_Kind]) -> Iterator[_Part]:
    for kind in kinds:
        objects = list(kind.each(namespace))
        yield kind, objects, "" if objects else "(none allocated)"


def _identified_parts(
    namespace: Object, kinds: Sequence[_Kind], identifiers: Sequence[_Identifier]
) -> Iterator[_Part]:
    for is_id, value in identifiers:
        known = False
        for kind in kinds:
            if is_id:
                found = [kind.find(namespace, value)]
            else:
                found = [
                    each for each in kind.each(namespace) if each.value_() == value
                ]
            if found and found[0]:
                known = True
                yield kind, found, ""
        if not known:
            yield (
                None,
                [],
                f"invalid {'id' if is_id else 'address'}: "
                + (str(value) if is_id else f"{value:#x}"),
            )


def _print_code(
    prog: Program,
    args: argparse.Namespace,
    kinds: Sequence[_Kind],
    identifiers: Sequence[_Identifier],
) -> None:
    code = CrashCodeBuilder(prog)
    code.add_from_import("drgn.helpers.linux.user", "kuid_val")
    namespace = append_namespace(code, prog, args.task, "ipc_ns")
    blocks = 0
    for identifier in identifiers or (None,):
        for kind in kinds:
            if blocks:
                code.append("\n")
            blocks += 1
            _append_kind(code, kind, namespace, identifier)
    code.print()


def _append_kind(
    code: CrashCodeBuilder,
    kind: _Kind,
    namespace: str,
    identifier: _Identifier | None,
) -> None:
    module = "drgn.helpers.linux.ipc"
    if kind.variable == "shm":
        code.add_from_import(module, "decode_sysv_shm_flags")
    name = kind.variable
    if identifier is not None and identifier.is_id:
        code.add_from_import(module, kind.find.__name__)
        arguments = ", ".join(filter(None, (namespace, str(identifier.value))))
        code.append(f"{name} = {kind.find.__name__}({arguments})\n")
        block = code.begin_block(f"if {name}:\n")
    else:
        code.add_from_import(module, kind.each.__name__)
        block = code.begin_block(f"for {name} in {kind.each.__name__}({namespace}):\n")
        if identifier is not None:
            code.append(f"if {name}.value_() != {identifier.value:#x}:\n    continue\n")
    with block:
        code.append(kind.code)
