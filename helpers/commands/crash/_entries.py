"""The entries of a list or a tree, as they are printed."""

from __future__ import annotations

import sys

from drgn import FaultError, Object, Program, Type

from ._members import TypeSpec, find_type, members_code, parse_type_spec
from ._output import format_options


class Entries:
    """Prints addresses of entries, each with the members that ``-s`` asks for.

    ``spec`` is the argument of ``-s``, None without it. Raises LookupError if its type
    is not known, ValueError if it is none.
    """

    def __init__(
        self, prog: Program, spec: str | None, integer_base: int | None
    ) -> None:
        self._prog = prog
        self._options = format_options(prog, integer_base)
        self._lost: list[FaultError] = []
        self.spec: TypeSpec | None = None
        self.type: Type | None = None
        if spec is not None:
            self.spec = parse_type_spec(spec)
            self.type = find_type(prog, self.spec.type_name)

    def print(self, address: int, offset: int = 0) -> None:
        """Print an entry, whose object begins ``offset`` before the address.

        What of it cannot be read is left out, and counted for `say_lost`. Raises
        LookupError for an unknown member.
        """
        print(f"{address:x}")
        if self.spec is None or self.type is None:
            return
        object = Object(self._prog, self.type, address=address - offset)
        try:
            if not self.spec.members:
                print(object.format_(**self._options))
            for member in self.spec.members:
                value = object.subobject_(member).format_(**self._options)
                print(f"  {member} = {value}")
        except FaultError as error:
            self._lost.append(error)

    def say_lost(self) -> None:
        """Say how many entries could not be read, if any."""
        if self._lost:
            count = len(self._lost)
            entries = "1 entry" if count == 1 else f"{count} entries"
            print(f"{entries} cannot be read: {self._lost[0]}", file=sys.stderr)

    def code(self, name: str = "entry") -> str:
        """Code that takes the members of an entry, a pointer."""
        members = () if self.spec is None else self.spec.members
        return members_code(members, name) or "...\n"
