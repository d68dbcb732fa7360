"""Threads that share a list of tasks."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

_MOST = 16


def processors() -> int:
    """How many threads can run at once; more than some would not help."""
    return min(len(os.sched_getaffinity(0)), _MOST)


def in_threads(tasks: Sequence[Callable[[], T]], threads: int) -> list[T]:
    """What the tasks return, done by some threads; the first error if one fails."""
    results: list[Any] = [None] * len(tasks)
    errors: list[BaseException] = []
    waiting = iter(enumerate(tasks))
    lock = threading.Lock()

    def work() -> None:
        try:
            while not errors:
                with lock:
                    number, task = next(waiting, (-1, None))
                if task is None:
                    return
                results[number] = task()
        except BaseException as error:
            errors.append(error)

    helpers = [threading.Thread(target=work) for _ in range(threads - 1)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]
    return results
