"""Running an inferior through GDB: steps, stops and calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gdb

from drgn import Object, Program
from drgn.hosts.gdb_calls import check_call, returned_value
from drgn.hosts.gdb_process import GdbProcess, in_one_line
from drgn.target import (
    Breakpoint,
    SetBreakpoint,
    Step,
    Stop,
    StopReason,
)

from .threads import tid_of
from .watch import Watch

_COMMANDS = {
    Step.LINE: "step",
    Step.OVER: "next",
    Step.INSTRUCTION: "stepi",
    Step.INSTRUCTION_OVER: "nexti",
}


class InferiorControl(GdbProcess):
    """The part of an inferior's target that runs it."""

    inferior: gdb.Inferior
    current: Callable[[], Program]
    """The program as it is now, of which the user's names are told."""

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
        return set_breakpoint(breakpoint, pending, self.current)

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

        with silent(), Watch() as watch:
            _execute(command)
        self.current()
        return _why(watch)

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
            value = self._returned(int(function.value().address), end.return_value)
        return stop._replace(reason=StopReason.STEP, value=value)

    def _returned(self, address: int, value: gdb.Value) -> Object | None:
        from .convert import object_of_type

        prog = self.current()
        return returned_value(
            prog, address, lambda type: object_of_type(prog, type, value)
        )

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


def _why(watch: Watch) -> Stop:
    """Why the program has stopped; raises what a callback raised."""
    from .breakpoints import ours

    if watch.error is not None:
        raise watch.error
    event = watch.event
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
