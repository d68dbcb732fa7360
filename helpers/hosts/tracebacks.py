"""Tracebacks that end where the user's code went wrong, not in the engine."""

from __future__ import annotations

import sys
from types import TracebackType

import drgn

# Errors that the engine raises of what it was asked. Others may be its own.
_ASKED_FOR = (
    drgn.BadDataError,
    drgn.FaultError,
    drgn.MissingDebugInfoError,
    drgn.NoDefaultProgramError,
    drgn.ObjectAbsentError,
    drgn.ObjectNotFoundError,
    drgn.OutOfBoundsError,
    drgn.UnsupportedOperation,
)

_OURS = "drgn.engine.", "drgn.hosts.gdb_", "drgn.standalone.gdb.", "drgn.gdb_bridge."


def leave_user_frames(error: BaseException) -> None:
    """Cut the frame that caught an exception from its traceback, and the engine's."""
    caught = error.__traceback__
    error.__traceback__ = caught.tb_next if caught is not None else None
    end_at_user(error)


def end_at_user(error: BaseException) -> None:
    """Cut the engine's frames from the end of an exception's traceback.

    They are kept where the error may be the engine's fault, and where there are no
    others. Of the exceptions that were being handled, the user's stay, cut as well.
    """
    handled = error.__context__
    while handled is not None and _last_of_user(handled) is None:
        handled = handled.__context__
    if handled is not None:
        end_at_user(handled)
    asked_for = isinstance(error, _ASKED_FOR) or type(error) in (
        LookupError,
        NotImplementedError,
        SyntaxError,
        ValueError,
        KeyboardInterrupt,  # It comes wherever the engine is.
        ModuleNotFoundError,  # Its message names the library.
    )
    if isinstance(error, AttributeError):
        # A member, or a name of the package, that there is not.
        asked_for = isinstance(error.obj, drgn.Object) or error.obj is drgn
    if not asked_for:
        return
    last = _last_of_user(error)
    if last is not None and last.tb_next is not None:
        last.tb_next = None
        if error.__cause__ is None:
            error.__context__ = handled
            error.__suppress_context__ = handled is None


def _last_of_user(error: BaseException) -> TracebackType | None:
    last = None
    within = False  # Below a frame of ours and above what it may have called back.
    frame = error.__traceback__
    while frame is not None:
        name = frame.tb_frame.f_globals.get("__name__", "")
        if name == "drgn" or name.startswith(_OURS):
            within = True
        elif not within or name.partition(".")[0] not in sys.stdlib_module_names:
            within = False
            last = frame
        frame = frame.tb_next
    return last
