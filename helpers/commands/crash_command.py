"""``%crash``: the door to the commands of the crash utility."""

from __future__ import annotations

from typing import Any

from drgn import Program, ProgramFlags

from .namespace import DEFAULT_COMMAND_NAMESPACE
from .shell import ParsedCommand


class _CrashCommand:
    """Runs the commands of crash, which are imported when one is first run."""

    def description(self) -> str:
        return "run a command of the crash utility, or its prompt"

    def format_usage(self) -> str:
        return "crash [command]"

    def format_help(self, *, indent: str = "") -> str:
        lines = (
            "The commands of the crash utility, with its syntax and its output.",
            "",
            "With a command, run it, with its arguments, redirections and pipes."
            " Without",
            "one, open a prompt at which the commands stand alone.",
            "",
            "%crash help lists the commands.",
        )
        return "\n".join(f"{indent}{line}".rstrip() for line in lines)

    def enabled(self, prog: Program) -> bool:
        return bool(prog.flags & ProgramFlags.IS_LINUX_KERNEL)

    def parse(self, source: str, /) -> ParsedCommand[str]:
        return ParsedCommand(source)  # The command's own is the shell syntax.

    def run(
        self, prog: Program, name: str, args: str, /, *, globals: dict[str, Any]
    ) -> Any:
        from .crash import CRASH_COMMAND_NAMESPACE
        from .crash._namespace import LeavePrompt

        if not args.strip():
            from .crash._prompt import run_prompt

            return run_prompt(prog, globals)
        try:
            return CRASH_COMMAND_NAMESPACE.run(prog, args, globals=globals)
        except LeavePrompt:
            return None  # There is none: the line is all that was wanted.

    def names(self) -> list[str]:
        """The names of the commands of crash."""
        from .crash import CRASH_COMMAND_NAMESPACE

        return CRASH_COMMAND_NAMESPACE.names()

    def complete(self, prog: Program, line: str) -> list[str]:
        from .crash import CRASH_COMMAND_NAMESPACE

        return CRASH_COMMAND_NAMESPACE.complete(prog, line)


DEFAULT_COMMAND_NAMESPACE.register("crash", _CrashCommand())
