"""The part of a Program that changes memory and runs what can be run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..arguments import buffer_bytes
from ..errors import UnsupportedOperation

if TYPE_CHECKING:
    from ..memory.memory import Memory
    from ..objects.object import Object
    from ..symbols.symbol import Symbol
    from ..targets.base import Target
    from ..targets.control import Breakpoint, Callback, Step, Stop
    from .program import Program


class Control:
    """Writing, breakpoints, running and calling, where the target can do it.

    Everything here raises UnsupportedOperation where it cannot.
    """

    __slots__ = ()

    _memory: Memory
    _target: Target | None

    def _controlled(self) -> Target:
        if self._target is None:
            raise UnsupportedOperation("program without a target cannot be run")
        return self._target

    def _check_writable(self) -> None:
        target = self._target
        if target is None or not target.writable:
            noun = "program without a target" if target is None else target.noun
            raise UnsupportedOperation(f"{noun} is read-only")

    def write(
        self: Program, address: SupportsIndex, data: bytes, physical: bool = False
    ) -> None:
        """Change the bytes of memory at ``address``.

        Raises FaultError with the first address that cannot be written; what comes
        before it may have been.
        """
        raw = buffer_bytes(data)
        self._check_writable()
        self._memory.write(self._address(address), raw, physical)

    # Breakpoints.

    def breakpoint(
        self: Program,
        location: str | SupportsIndex | Object | Symbol,
        callback: Callback | None = None,
        *,
        condition: str | None = None,
        temporary: bool = False,
        pending: bool = False,
    ) -> Breakpoint:
        """Stop at ``location``, or call a function whenever the program comes there.

        ``location`` is the name of a function, ``file:line``, an address,
        ``function+offset``, or an Object or Symbol of a function. At a function the
        program stops where its parameters can be read, at an address exactly there.

        ``callback(frame)`` gets the `StackFrame` there. The program goes on unless it
        returns something true. It may read and write memory, but not run the program.

        ``condition`` is an expression in the program's language, to which the target
        looks; ``temporary`` deletes the breakpoint when it first stops the program;
        ``pending`` lets the code be loaded later. Raises LookupError if there is no
        such place.
        """
        from .breakpoints import set_breakpoint

        target = self._controlled()
        return set_breakpoint(
            self, target, location, callback, condition, temporary, pending
        )

    def breakpoints(self) -> Sequence[Breakpoint]:
        """The breakpoints that `breakpoint` has set and that still are."""
        return () if self._target is None else self._target.breakpoints()

    # Running. What was remembered of memory is forgotten by the target.

    def resume(self, wait: bool = True) -> Stop | None:
        """Let the program run until it stops, and return why it does.

        Without ``wait`` it is left running and None is returned.
        """
        return self._controlled().resume(wait)

    def interrupt(self) -> None:
        """Stop the program that was left running, as soon as possible."""
        self._controlled().interrupt()

    def step(self, count: SupportsIndex = 1) -> Stop:
        """Run to another source line, into calls of functions with lines."""
        from ..targets.control import Step

        return self._step(Step.LINE, count)

    def next(self, count: SupportsIndex = 1) -> Stop:
        """Run to another source line of this function, or of its caller."""
        from ..targets.control import Step

        return self._step(Step.OVER, count)

    def step_instruction(self, count: SupportsIndex = 1) -> Stop:
        """Run one instruction."""
        from ..targets.control import Step

        return self._step(Step.INSTRUCTION, count)

    def next_instruction(self, count: SupportsIndex = 1) -> Stop:
        """Run one instruction, a call to its return."""
        from ..targets.control import Step

        return self._step(Step.INSTRUCTION_OVER, count)

    def _step(self, step: Step, count: SupportsIndex) -> Stop:
        import operator

        number = operator.index(count)
        if number < 1:
            raise ValueError("count must be positive")
        return self._controlled().step(step, number)

    def finish(self) -> Stop:
        """Run until the selected frame has returned.

        Its value is the stop's, of the type that the function returns; None if there
        are no values of that type.
        """
        return self._controlled().finish()

    def run_to(
        self: Program, location: str | SupportsIndex | Object | Symbol
    ) -> Stop | None:
        """Run to a place, see `breakpoint`, unless the program stops before."""
        there = self.breakpoint(location, temporary=True)
        try:
            return self.resume()
        finally:
            there.delete()

    # Calling.

    def call(self: Program, function: str | Object, /, *arguments: Any) -> Object:
        """Call a function in the program, in the selected thread.

        ``function`` is its name, its Object, or a pointer to it. Arguments are Objects,
        converted as C does, or Python values from which Objects of the parameters'
        types are made; bytes and strings go to where characters are pointed to. Of
        C++ functions of one name the arguments choose, as C++ does. The result is an
        Object of the type that the function returns, absent for void.

        Raises TypeError if the arguments do not fit, or fit several functions equally
        well; ValueError if the call ends in a signal or at a breakpoint.
        """
        from .calls import call

        return call(self, self._controlled(), function, arguments)
