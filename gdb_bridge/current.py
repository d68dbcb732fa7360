"""The Program of GDB's current inferior, kept up to date by GDB's events."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import WeakSet

import gdb

from drgn import Module, Program
from drgn.hosts.gdb_process import add_directories
from drgn.hosts.namespace import tell_current
from drgn.target import load_later, program_from_target

from .target import InferiorTarget

_programs: dict[int, tuple[InferiorTarget, Program]] = {}
"""By the number of the inferior."""

_ours: WeakSet[Program] = WeakSet()
"""All programs made here, those of processes that are gone too."""

_namespaces: list[dict[str, Any]] = []
"""Where ``prog`` is the current program."""


_held = False
"""Whether the program stays what it is."""


@contextmanager
def held() -> Iterator[None]:
    """Keep the current program meanwhile, though GDB has no files of it."""
    global _held
    _held = True
    try:
        yield
    finally:
        _held = False


def current_program() -> Program:
    """The Program of the selected inferior.

    It stays the same as long as the inferior runs the same image: a start, an end, an
    exec or the unloading of a library brings another one.
    """
    inferior = gdb.selected_inferior()
    found = _programs.get(inferior.num)
    if found is not None:
        target, prog = found
        if _held or target.is_current():
            return prog
    target = _open_target(inferior)
    target.current = refresh
    prog = program_from_target(target)
    _add_finder(target, prog)
    load_later(prog, partial(_load, target, prog))
    _programs[inferior.num] = target, prog
    _ours.add(prog)
    return prog


def _open_target(inferior: gdb.Inferior) -> InferiorTarget:
    target = InferiorTarget(inferior)
    if target.kind in ("remote", "extended-remote"):
        from .kernel import open_kernel

        return open_kernel(inferior) or target
    if target.kind == "core" and not target.auxv():
        from .vmcore import open_vmcore

        return open_vmcore(inferior) or target
    return target


def target_of(prog: Program) -> InferiorTarget:
    """The target of a program of ours; ValueError if it is of another inferior.

    GDB can be asked about the current program alone.
    """
    target, current = _programs.get(gdb.selected_inferior().num, (None, None))
    if target is None or current is not prog:
        raise ValueError("this program is not GDB's current inferior")
    return target


def follow(namespace: dict[str, Any]) -> None:
    """Let ``prog`` in a namespace be the current program from now on."""
    if not any(known is namespace for known in _namespaces):
        _namespaces.append(namespace)
    refresh()


def unfollow(namespace: dict[str, Any]) -> None:
    """Leave a namespace as it is."""
    _namespaces[:] = [known for known in _namespaces if known is not namespace]


def refresh(*_event: object) -> Program:
    """Tell all namespaces which program is current, and return it."""
    prog = current_program()
    tell_current(_namespaces, prog, _ours)
    return prog


# Debugging information.


def _load(target: InferiorTarget, prog: Program) -> None:
    _add_directories(target, prog)
    target.load(prog)


def _add_finder(target: InferiorTarget, prog: Program) -> None:
    prog.register_debug_info_finder("gdb", _find_objfiles, enable_index=0)
    _add_directories(target, prog)


def _add_directories(target: InferiorTarget, prog: Program) -> None:
    """Look where GDB looks, and near the files that it has, besides."""
    given = str(gdb.parameter("debug-file-directory") or "")
    add_directories(target, prog, given.split(os.pathsep))


def _find_objfiles(modules: Sequence[Module]) -> None:
    """The finder "gdb": the files that GDB has found, separate debug files too."""
    files = [
        (objfile.build_id, objfile.filename)
        for objfile in gdb.objfiles()
        if objfile.filename and os.path.exists(objfile.filename)
    ]
    for module in modules:
        for build_id, path in files:
            wanted = module.wants_debug_file() or module.wants_loaded_file()
            if wanted and module.build_id and build_id == module.build_id.hex():
                module.try_file(path)


# Events.


def _stopped(event: object) -> None:
    for target, prog in _programs.values():
        if target.alive and target.loads_files:
            load_later(prog, partial(_load, target, prog))
        if target.alive:
            threads = target.inferior.threads()
            target.running = any(thread.is_running() for thread in threads)
        target.changed()
    refresh()


def _continued(event: gdb.ContinueEvent) -> None:
    thread = event.inferior_thread  # None where all threads go on.
    for target, _ in _programs.values():
        if thread is None or thread.inferior == target.inferior:
            target.running = True
            target.changed()


def _changed(event: object) -> None:
    for target, _ in _programs.values():
        target.changed()


def _loaded(event: gdb.NewObjFileEvent) -> None:
    for target, prog in _programs.values():
        if target.alive and target.inferior.progspace == event.new_objfile.progspace:
            target.files_changed()
            load_later(prog, partial(_load, target, prog))
    refresh()


def _cleared(event: gdb.ClearObjFilesEvent) -> None:
    """Another file, or an exec: what was known of the old one is wrong."""
    for number, (target, _) in list(_programs.items()):
        gone = not target.inferior.is_valid()
        if gone or (
            target.inferior.progspace == event.progspace and not target.keeps_files
        ):
            del _programs[number]
    refresh()


def connect() -> None:
    """Listen to GDB's events."""
    events = gdb.events
    events.stop.connect(_stopped)
    events.cont.connect(_continued)
    events.memory_changed.connect(_changed)
    events.inferior_call.connect(_changed)
    events.new_objfile.connect(_loaded)
    events.clear_objfiles.connect(_cleared)
    events.exited.connect(_stopped)
    events.new_inferior.connect(refresh)
    events.inferior_deleted.connect(refresh)
    events.before_prompt.connect(refresh)
