"""Running an inferior through GDB: steps, stops and calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gdb

from drgn import Object
from drgn.gdb_process import GdbProcess, check_call, in_one_line
from drgn.target import (
    Breakpoint,
    SetBreakpoint,
    Step,
    Stop,
    StopReason,
    function_at,
)

_COMMANDS = {
    Step.LINE: "step",
    Step.OVER: "next",
    Step.INSTRUCTION: "stepi",
    Step.INSTRUCTION_OVER: "nexti",
}


class InferiorControl(GdbProcess):
    """The part of an inferior's target that runs it."""

    inferior: gdb.Inferior

    def _check_current(self) -> None:
        """GDB runs and breaks only in the current inferior."""
        if gdb.selected_inferior() != self.inferior or not self.alive:
            raise ValueError("this program is not GDB's current inferior")

    def _check_runs(self) -> None:
        from .breakpoints import check_no_callback

        if self.kind in (None, "core"):
            self._no_control()
        self._check_current()
        check_no_callback()

    # Breakpoints.

    def set_breakpoint(self, breakpoint: Breakpoint, pending: bool) -> SetBreakpoint:
        from .breakpoints import set_breakpoint

        if self.kind == "core":
            self._no_control()
        self._check_current()
        return set_breakpoint(breakpoint, pending)

    def breakpoints(self) -> Sequence[Breakpoint]:
        from .breakpoints import all_breakpoints

        return all_breakpoints()

    # Running.

    def resume(self, wait: bool) -> Stop | None:
        if wait:
            return self._run("continue")
        self._check_runs()
        _execute("continue &")
        return None

    def step(self, step: Step, count: int) -> Stop:
        return self._run(f"{_COMMANDS[step]} {count}")

    def interrupt(self) -> None:
        if self.kind in (None, "core"):
            self._no_control()
        self._check_current()
        _execute("interrupt")

    def _run(self, command: str) -> Stop:
        """Execute a command that runs the program until it stops."""
        self._check_runs()
        from .breakpoints import silent
        from .current import refresh

        with silent(), _Watch() as watch:
            _execute(command)
        refresh()
        return watch.stop()

    def finish(self) -> Stop:
        from .breakpoints import End

        self._check_runs()
        frame = _ask(gdb.selected_frame)
        if frame.type() == gdb.INLINE_FRAME:
            return self._run("finish")  # There is no value to be had.
        if frame.older() is None:
            raise ValueError('"finish" not meaningful in the outermost frame')
        function = frame.function()
        end = _ask(lambda: End(frame))
        try:
            stop = self._run("continue")
        finally:
            if end.is_valid():
                end.delete()
        if not end.reached:
            return stop
        value = None
        if function is not None and end.return_value is not None:
            value = _returned(int(function.value().address), end.return_value)
        return stop._replace(reason=StopReason.STEP, value=value)

    # Values.

    def debugger_value(self, obj: Object) -> gdb.Value:
        from .convert import to_gdb_value

        self._check_current()
        return to_gdb_value(obj)

    # Calling.

    def call(self, function: Object, arguments: Sequence[Object]) -> Object:
        from .convert import object_of_type, to_gdb_arguments, to_gdb_function

        self._check_runs()
        check_call(function, arguments)
        callee = to_gdb_function(function)
        values = to_gdb_arguments(callee, arguments)
        with _unwound_after_signals():
            result = _ask(lambda: callee(*values))
        returned = function.type_.unaliased().type
        return object_of_type(function.prog_, returned, result)


def _returned(address: int, value: gdb.Value) -> Object | None:
    """What a function that begins at an address returned; None if we have no such."""
    from .convert import object_of_type
    from .current import current_program

    prog = current_program()
    try:
        type = function_at(prog, address).type_.unaliased().type
        return object_of_type(prog, type, value)
    except (LookupError, NotImplementedError):
        return None


class _Watch:
    """Listens, while the program runs, to why it stops."""

    current: _Watch | None = None
    error: BaseException | None = None
    """Of a callback, which has stopped the program."""

    def __init__(self) -> None:
        self._event: Any = None

    def __enter__(self) -> _Watch:
        gdb.events.stop.connect(self._stopped)
        gdb.events.exited.connect(self._stopped)
        _Watch.current = self
        return self

    def __exit__(self, *_exception: object) -> None:
        _Watch.current = None
        gdb.events.stop.disconnect(self._stopped)
        gdb.events.exited.disconnect(self._stopped)

    def _stopped(self, event: Any) -> None:
        self._event = event

    def stop(self) -> Stop:
        """Why it stopped; raises what a callback raised."""
        from .breakpoints import ours

        if self.error is not None:
            raise self.error
        event = self._event
        if isinstance(event, gdb.ExitedEvent):
            return Stop(StopReason.EXITED, exit_code=getattr(event, "exit_code", None))
        thread = gdb.selected_thread()
        tid = None if thread is None else tid_of(thread)
        if isinstance(event, gdb.BreakpointEvent):
            return Stop(StopReason.BREAKPOINT, tid, tuple(ours(event.breakpoints)))
        if isinstance(event, gdb.SignalEvent):
            return Stop(StopReason.SIGNAL, tid, signal=event.stop_signal)
        if event is None:
            return Stop(StopReason.OTHER, tid)
        return Stop(StopReason.STEP, tid)


def callback_failed(error: BaseException) -> None:
    """Tell who runs the program of an exception in a breakpoint's callback."""
    if _Watch.current is not None:
        _Watch.current.error = error
    else:
        kind = type(error)
        name = kind.__qualname__
        if kind.__module__ != "builtins":
            name = f"{kind.__module__}.{name}"
        gdb.write(f"{name}: {error}\n", gdb.STDERR)


def tid_of(thread: gdb.InferiorThread) -> int:
    """The number by which its system knows a thread."""
    pid, lwp, tid = thread.ptid
    return int(lwp or tid or pid)


def _execute(command: str) -> None:
    # Not to a string, into which what callbacks print would go.
    _ask(lambda: gdb.execute(command))


def _ask(question: Any) -> Any:
    """What GDB answers; its errors as ValueErrors."""
    try:
        return question()
    except gdb.MemoryError:
        raise
    except gdb.error as error:
        raise ValueError(in_one_line(error)) from None


@contextmanager
def _unwound_after_signals() -> Iterator[None]:
    """Let calls that end in a signal leave no frames behind."""
    old = gdb.parameter("unwindonsignal")
    gdb.execute("set unwindonsignal on", to_string=True)
    try:
        yield
    finally:
        if not old:
            gdb.execute("set unwindonsignal off", to_string=True)
