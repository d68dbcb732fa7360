"""The commands ``drgn`` and ``drgn-crash``: Ctrl-C ends their imports without a word.

The package is imported as ``pydrgn_start``, beside ``drgn``: whatever is in that is
imported behind the engine, which takes most of the time.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _interrupted_silently() -> Iterator[None]:
    """Leave Ctrl-C to the system meanwhile, unless it is ignored."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def drgn() -> None:
    """Run ``drgn``."""
    with _interrupted_silently():
        from drgn.standalone.cli import main
    main()


def drgn_crash() -> None:
    """Run ``drgn-crash``."""
    with _interrupted_silently():
        from drgn.standalone.crash_cli import main
    main()
