"""The plain prompt, for programs that have a prompt of their own around it."""

from __future__ import annotations

from typing import Any

from drgn import Program, get_default_prog
from drgn.standalone.prompt import interact as _interact


def interact(local: dict[str, Any], banner: str) -> None:
    """Run the prompt with these names until the user leaves it.

    Commands (``%ps``) are about ``local["prog"]``, else about the default program.
    Raises NoDefaultProgramError if there is neither.
    """
    prog = local.get("prog")
    if not isinstance(prog, Program):
        prog = get_default_prog()
    _interact(prog, local, banner)
