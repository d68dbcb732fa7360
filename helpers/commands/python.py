"""Python as a command: a statement, and the redirections and pipes after it."""

from __future__ import annotations

import re
from typing import Any

from .errors import CommandArgumentError
from .shell import ParsedCommand, parse_shell_command


def parse_python(source: str) -> ParsedCommand[str]:
    """Part Python code from the redirections and pipes after it.

    The code ends at the first operator that has valid Python before it.
    """
    import ast

    for match in re.finditer(r"[|<>]", source):
        code = source[: match.start()]
        # A file descriptor before the operator belongs to it.
        digits = re.search(r"(?<!\S)\d+$", code)
        end = digits.start() if digits and match[0] != "|" else match.start()
        code = source[:end].strip()
        try:
            ast.parse(code)
        except SyntaxError:
            continue
        if not code:
            raise CommandArgumentError("expected code")
        parsed = parse_shell_command(source[end:])
        if parsed.args:
            raise SyntaxError("py does not support arguments after redirections")
        return ParsedCommand(code, parsed.redirections, parsed.pipeline)
    code = source.strip()
    if not code:
        raise CommandArgumentError("expected code")
    return ParsedCommand(code)


def run_python(source: str, globals: dict[str, Any]) -> None:
    """Run a statement as the prompt does; what it raises is printed."""
    try:
        exec(compile(source + "\n", "<input>", "single"), globals)
    except BrokenPipeError:
        raise  # Not the code's fault: who read its output has gone.
    except (Exception, KeyboardInterrupt) as error:
        import traceback

        from drgn.hosts.tracebacks import leave_user_frames

        leave_user_frames(error)
        traceback.print_exception(error)
