"""The declared arguments of a command, and the argparse parser for them."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from .errors import CommandArgumentError


class argument:
    """One argument: the parameters of ``ArgumentParser.add_argument()``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs


class mutually_exclusive_group:
    """Arguments of which at most one may be given."""

    def __init__(self, *arguments: argument, required: bool = False) -> None:
        self.arguments = arguments
        self.required = required


class argument_group:
    """Arguments under a title of their own in the help text."""

    def __init__(
        self,
        *arguments: argument | mutually_exclusive_group,
        title: str,
        description: str | None = None,
    ) -> None:
        self.arguments = arguments
        self.title = title
        self.description = description


Argument = argument | argument_group | mutually_exclusive_group

drgn_argument = argument(
    "--drgn",
    action="store_true",
    help="print how to do the equivalent operation using drgn APIs",
)
"""The option of commands that can print the Python code which does the same."""


def _hexadecimal(text: str) -> int:
    return int(text, 16)


def _decimal_or_hexadecimal(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return int(text, 16)


_TYPES: dict[str, Callable[[str], Any]] = {
    "hexadecimal": _hexadecimal,
    "decimal_or_hexadecimal": _decimal_or_hexadecimal,
}


class _HelpFormatter(argparse.HelpFormatter):
    """Keeps the paragraphs of help texts."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return _filled(text, width).splitlines()

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return textwrap.indent(_filled(text, width - len(indent)), indent)

    def _expand_help(self, action: argparse.Action) -> str:
        # Help texts are plain: a % in them is one.
        return action.help or ""


class CommandParser(argparse.ArgumentParser):
    """A parser that raises CommandArgumentError in place of exiting."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        raise CommandArgumentError(f"{self.prog}: error: {message}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        if message is None:
            raise CommandArgumentError
        raise CommandArgumentError(message.rstrip("\n"))


def make_parser(
    name: str,
    arguments: Sequence[Argument],
    types: Sequence[tuple[str, Callable[[str], Any]]] = (),
    description: str | None = None,
    epilog: str | None = None,
) -> CommandParser:
    """The parser of a command's arguments; ``types`` names argument types."""
    parser = CommandParser(
        prog=name,
        formatter_class=_HelpFormatter,
        add_help=False,
        allow_abbrev=False,
        description=description,
        epilog=epilog,
    )
    for type_name, type in (*_TYPES.items(), *types):
        parser.register("type", type_name, type)
    _add(parser, arguments)
    return parser


def _add(container: Any, arguments: Sequence[Argument]) -> None:
    for item in arguments:
        if isinstance(item, argument):
            container.add_argument(*item.args, **item.kwargs)
        elif isinstance(item, argument_group):
            _add(
                container.add_argument_group(item.title, item.description),
                item.arguments,
            )
        else:
            _add(
                container.add_mutually_exclusive_group(required=item.required),
                item.arguments,
            )


def format_help(parser: argparse.ArgumentParser) -> str:
    """The help text of a parser without its usage line."""
    formatter = parser._get_formatter()
    width = formatter._width
    for group in parser._action_groups:
        formatter.start_section(group.title)
        formatter.add_text(group.description)
        formatter.add_arguments(group._group_actions)
        formatter.end_section()
    parts = [
        _filled(_named(parser.description, parser), width),
        formatter.format_help(),
        _filled(_named(parser.epilog, parser), width),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part)


def _named(text: str | None, parser: argparse.ArgumentParser) -> str | None:
    """A text with the name of the command in it, by argparse's rule."""
    if text is None or "%(prog)" not in text:
        return text
    return text % {"prog": parser.prog}


def _filled(text: str | None, width: int) -> str:
    """The paragraphs of a text, without its margin, in lines of a width."""
    paragraphs = re.split(r"\n{2,}", textwrap.dedent(text or "").strip("\n"))
    return "\n\n".join(textwrap.fill(paragraph, width) for paragraph in paragraphs)
