"""The standard streams, of which some may be closed."""

from __future__ import annotations

import os
import sys

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_closed() -> None:
    """Put /dev/null where a standard stream was closed, as in ``drgn <&-``.

    Else a file that is opened would have its number, and what other programs write to
    their standard error would go into it.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        if getattr(sys, name) is None:
            fd = os.open(os.devnull, os.O_RDWR)
            if fd == number:
                os.set_inheritable(fd, True)
            setattr(sys, name, open(fd, mode))  # noqa: SIM115 (it stays open)
