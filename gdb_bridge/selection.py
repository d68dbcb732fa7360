"""What is selected in GDB, kept over what we do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gdb


@contextmanager
def selected_thread(thread: gdb.InferiorThread) -> Iterator[None]:
    """Select a thread for a while, then what the user had selected."""
    if gdb.selected_thread() == thread:
        yield
        return
    with restored():
        thread.switch()
        yield


@contextmanager
def selected_inferior(inferior: gdb.Inferior) -> Iterator[None]:
    """Select an inferior for a while; GDB reads only of the one that is selected."""
    if gdb.selected_inferior() == inferior:
        yield
        return
    with restored():
        _switch(inferior)
        yield


@contextmanager
def restored() -> Iterator[None]:
    """Select afterwards what is selected before."""
    inferior, thread, frame = gdb.selected_inferior(), gdb.selected_thread(), None
    if thread is not None and not thread.is_running():
        frame = gdb.selected_frame()
    try:
        yield
    finally:
        if thread is not None and thread.is_valid():
            thread.switch()
            if frame is not None and frame.is_valid():
                frame.select()
        elif inferior.is_valid():
            _switch(inferior)


def _switch(inferior: gdb.Inferior) -> None:
    threads = inferior.threads()
    if threads:
        threads[0].switch()
    else:
        gdb.execute(f"inferior {inferior.num}", to_string=True)
