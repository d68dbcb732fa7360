"""Running the inferior of a GDB outside: breakpoints, steps, stops and calls."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from drgn import Object, Program, Type, TypeKind
from drgn.hosts.gdb_calls import check_call, gdb_type_name, returned_value
from drgn.target import (
    Breakpoint,
    Place,
    SetBreakpoint,
    Step,
    Stop,
    StopReason,
)

from .mi import GdbError, Record
from .target import OutsideTarget, tid_of
from .values import expression_of

_COMMANDS = {
    Step.LINE: "-exec-step",
    Step.OVER: "-exec-next",
    Step.INSTRUCTION: "-exec-step-instruction",
    Step.INSTRUCTION_OVER: "-exec-next-instruction",
}
_FALSE = ("0", "false")
# Stops of GDB's own watchpoints and catchpoints.
_WATCHED = (
    "watchpoint-trigger",
    "read-watchpoint-trigger",
    "access-watchpoint-trigger",
    "watchpoint-scope",
    "syscall-entry",
    "syscall-return",
    "fork",
    "vfork",
    "exec",
    "solib-event",
)
_STEPS = ("end-stepping-range", "function-finished", "location-reached")


@dataclass
class Run:
    """What outlives the inferior: how GDB's only program is run, and how it stopped."""

    current: Callable[[], Program]
    """The program as it is now."""
    breakpoints: dict[str, Breakpoint] = field(default_factory=dict)
    """By GDB's numbers."""
    stopped: dict[str, Any] | None = None
    """What GDB said of the stop."""
    has_run: bool = False
    """Whether it has, since that was last set."""
    in_callback: bool = False


class ControlledTarget(OutsideTarget):
    """The inferior of a GDB outside, which can be run."""

    prog: Program
    """Whose target this is."""
    run: Run

    def heard(self, record: Record) -> None:
        """Take notice of what GDB has noticed."""
        payload = record.payload or {}
        if record.message == "running":
            self.running = self.run.has_run = True
            self.changed()
        elif record.message == "stopped":
            self.running = False
            self.run.stopped = payload
            self.changed()
        elif record.message == "thread-group-exited":
            if payload.get("id") == self.group_id:
                self.ended = bool(self.pid)
            self.changed()
        elif record.message in ("memory-changed", "library-loaded"):
            self.changed()

    def _check_runs(self) -> None:
        if self.kind in (None, "core"):
            self._no_control()
        if not self.alive:
            raise ValueError("this program is not GDB's current inferior")
        if self.run.in_callback:
            raise ValueError("the program cannot be run by a breakpoint's callback")

    def _ask(self, command: str) -> dict[str, Any]:
        """What GDB answers to a command; its errors as ValueErrors."""
        try:
            return self.gdb.command(command)
        except GdbError as error:
            raise ValueError(str(error)) from None

    # Breakpoints.

    def set_breakpoint(self, breakpoint: Breakpoint, pending: bool) -> SetBreakpoint:
        if self.kind == "core":
            self._no_control()
        pending_option = "-f " if pending else ""
        where = _location(breakpoint.place)
        try:
            made = self.gdb.command(f"-break-insert {pending_option}{where}")
        except GdbError as error:
            raise LookupError(str(error)) from None
        number = made["bkpt"]["number"]
        self.run.breakpoints[number] = breakpoint
        return _Handle(self, number)

    def breakpoints(self) -> Sequence[Breakpoint]:
        there = self.breakpoint_table()
        known = self.run.breakpoints
        for number in [number for number in known if number not in there]:
            del known[number]
        return list(known.values())

    def breakpoint_table(self) -> dict[str, list[dict[str, Any]]]:
        """By the number of a breakpoint, it and its places."""
        found: dict[str, list[dict[str, Any]]] = {}
        for each in self._ask("-break-list")["BreakpointTable"]["body"]:
            found.setdefault(each["number"].partition(".")[0], []).append(each)
        return found

    # Running.

    def resume(self, wait: bool) -> Stop | None:
        self._check_runs()
        if wait:
            return self._run("-exec-continue")
        self._ask("-exec-continue")
        return None

    def step(self, step: Step, count: int) -> Stop:
        self._check_runs()
        return self._run(f"{_COMMANDS[step]} {count}")

    def finish(self) -> Stop:
        self._check_runs()
        frame = self._ask("-stack-info-frame")["frame"]
        returning = self.prog.stack_trace(self.selected_thread())[int(frame["level"])]
        # A call may be the last instruction of a function.
        address = returning.pc - (not returning.interrupted)
        stop = self._run("-exec-finish")
        variable = (self.run.stopped or {}).get("gdb-result-var")
        if stop.reason is not StopReason.STEP or variable is None:
            return stop
        value = returned_value(
            self.prog, address, lambda type: self._object(type, variable)
        )
        return stop._replace(value=value)

    def interrupt(self) -> None:
        if self.kind in (None, "core"):
            self._no_control()
        self._interrupt()

    def _interrupt(self) -> None:
        try:
            self.gdb.interrupt()
        except GdbError as error:
            raise ValueError(str(error)) from None

    def _run(self, command: str) -> Stop:
        """Give a command that runs the program, and wait until it stops."""
        self.run.stopped = None
        self._ask(command)
        return self.wait()

    def wait(self) -> Stop:
        """Wait until the program stops, and calls of callbacks shall stop it."""
        while True:
            self._wait()
            stop = self._stop()
            if stop is not None:
                self.run.current()
                return stop
            self.run.stopped = None
            self._ask("-exec-continue")

    def _wait(self) -> None:
        while True:
            try:
                self.gdb.wait_for(lambda: self.run.stopped is not None)
                return
            except KeyboardInterrupt:
                # It may be one that this target, of before its start, does not know.
                self._interrupt()

    def _stop(self) -> Stop | None:
        """Why the program has stopped; None if it shall go on."""
        why = self.run.stopped or {}
        reason = why.get("reason", "")
        if reason.startswith("exited"):
            code = why.get("exit-code", "0" if reason == "exited-normally" else None)
            exit_code = None if code is None else int(code, 8)
            return Stop(StopReason.EXITED, exit_code=exit_code)
        tid = self._tid(why.get("thread-id"))
        if reason == "breakpoint-hit":
            there = self._at(int(why["frame"]["addr"], 16))
            # GDB tells of one, though several may be there.
            others = why.get("bkptno") not in self.run.breakpoints
            reached = tuple(each for each in there if self._hit(each))
            for each in reached:
                if each.temporary:
                    each.delete()
            if reached or others:
                return Stop(StopReason.BREAKPOINT, tid, reached)
            return None
        if reason == "signal-received":
            return Stop(StopReason.SIGNAL, tid, signal=why.get("signal-name"))
        if reason in _WATCHED:
            return Stop(StopReason.BREAKPOINT, tid)
        return Stop(StopReason.STEP if reason in _STEPS else StopReason.OTHER, tid)

    def _at(self, address: int) -> list[Breakpoint]:
        """The breakpoints of ours that are at an address and enabled."""
        return [
            each
            for each in list(self.run.breakpoints.values())
            if each.enabled and address in each.addresses
        ]

    def _hit(self, breakpoint: Breakpoint) -> bool:
        self.run.in_callback = True
        try:
            condition = breakpoint.condition
            if condition is not None and self._value(f"!!({condition})") in _FALSE:
                return False
            return breakpoint.hit(self.run.current())
        finally:
            self.run.in_callback = False

    def _tid(self, number: str | None) -> int | None:
        if number is None:
            return None
        threads = self._ask(f"-thread-info {number}")["threads"]
        return tid_of(threads[0]) if threads else None

    # Calling.

    def call(self, function: Object, arguments: Sequence[Object]) -> Object:
        self._check_runs()
        check_call(function, arguments)
        type = function.type_.unaliased()
        given = ", ".join(expression_of(argument) for argument in arguments)
        pointer = gdb_type_name(self.prog.pointer_type(type))
        call = f"(({pointer}) {function.address_:#x})({given})"
        returns = type.type.unaliased().kind is not TypeKind.VOID
        variable: str | None = "$drgn_result"
        self._ask("-gdb-set unwindonsignal on")
        self.run.stopped = None
        try:
            if returns:
                self._ask(f"-gdb-set {variable} = {call}")
            else:
                self._value(call)
        except ValueError:
            variable = self._go_on_in_call()
        finally:
            self._ask("-gdb-set unwindonsignal off")
            self.changed()
        if not returns or variable is None:
            return Object(self.prog, type.type)
        return self._object(type.type, variable)

    def _go_on_in_call(self) -> str | None:
        """Let a call go on that came to a breakpoint with a callback.

        Returns the variable of GDB's that has the call's value. Raises the exception
        that is handled if the callback wants to stop.
        """
        while self.run.stopped is not None and self._stop() is None:
            frames = self._ask("-stack-list-frames")["stack"]
            levels = [
                int(frame["level"])
                for frame in frames
                if str(frame.get("func")).startswith("<function called")
            ]
            if not levels or not levels[0]:
                break
            self._ask(f"-stack-select-frame {levels[0] - 1}")
            self.run.stopped = None
            self._ask("-exec-finish")
            self._wait()
            why: dict[str, Any] = self.run.stopped or {}
            if why.get("reason") == "function-finished":
                return why.get("gdb-result-var")
        raise

    def _value(self, expression: str) -> str:
        value = self._ask(f"-data-evaluate-expression {_quoted(expression)}")["value"]
        return str(value)

    def _object(self, type: Type, expression: str) -> Object:
        """The Object that an expression of GDB's is a value of; references are too."""
        with tempfile.NamedTemporaryFile() as file:
            try:
                self.gdb.console(f"dump binary value {file.name} {expression}")
            except GdbError as error:
                raise ValueError(str(error)) from None
            return Object.from_bytes_(self.prog, type, file.read())


class _Handle:
    """How a Breakpoint sees GDB's."""

    def __init__(self, target: ControlledTarget, number: str) -> None:
        self._target = target
        self._number = number

    def _there(self) -> list[dict[str, Any]]:
        if not self._target.gdb.is_there:
            return []
        return self._target.breakpoint_table().get(self._number, [])

    @property
    def is_set(self) -> bool:
        return bool(self._there())

    @property
    def enabled(self) -> bool:
        there = self._there()
        return bool(there) and there[0]["enabled"] == "y"

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        verb = "enable" if enabled else "disable"
        self._target._ask(f"-break-{verb} {self._number}")

    @property
    def addresses(self) -> Sequence[int]:
        places = self._there()
        if places and "locations" in places[0]:
            places = places[0]["locations"]
        addresses = [place.get("addr", "") for place in places]
        return tuple(int(each, 16) for each in addresses if each.startswith("0x"))

    def delete(self) -> None:
        self._target._ask(f"-break-delete {self._number}")


def _location(place: Place) -> str:
    """A location as -break-insert wants it."""
    if place.address is not None:
        return f"*{place.address:#x}"
    words = []
    for option, value in (
        ("source", place.filename),
        ("function", place.function),
        ("line", place.line),
    ):
        if value is not None:
            words.append(f"--{option} {_quoted(str(value))}")
    return " ".join(words)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
