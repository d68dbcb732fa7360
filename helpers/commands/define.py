"""Decorators that make commands of functions."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from drgn import Program

from .arguments import Argument, format_help, make_parser
from .namespace import DEFAULT_COMMAND_NAMESPACE, CommandNamespace
from .shell import ParsedCommand, parse_shell_command

T_contra = TypeVar("T_contra", contravariant=True)


class CommandFunc(Protocol):
    """The function that ``command()`` decorates."""

    def __call__(
        self,
        prog: Program,
        name: str,
        args: argparse.Namespace,
        /,
        *,
        parser: argparse.ArgumentParser,
        globals: dict[str, Any],
    ) -> Any: ...


class CustomCommandFunc(Protocol[T_contra]):
    """The function that ``custom_command()`` and ``raw_command()`` decorate."""

    def __call__(
        self,
        prog: Program,
        name: str,
        args: T_contra,
        /,
        *,
        parser: argparse.ArgumentParser,
        globals: dict[str, Any],
    ) -> Any: ...


F = TypeVar("F", bound=Callable[..., Any])
CommandFuncDecorator = Callable[[F], F]
CustomCommandFuncDecorator = Callable[[F], F]


def _always_enabled(prog: Program) -> bool:
    return True


def _plain(usage: str) -> str:
    """A usage text without reStructuredText's marks."""
    return re.sub(r"\\(.)|\*+", lambda match: match[1] or "", usage)


class _FunctionCommand:
    """A command that a function runs, with its texts and its parser."""

    def __init__(
        self,
        func: Callable[..., Any],
        *,
        name: str,
        description: str,
        usage: str | None,
        long_description: str | None,
        epilog: str | None,
        arguments: Sequence[Argument],
        parse: Callable[[str], ParsedCommand[Any]] | None,
        enabled: Callable[[Program], bool],
        namespace: CommandNamespace,
    ) -> None:
        self._func = func
        self._name = name
        self._description = description
        self._usage = usage
        self._long_description = long_description
        self._epilog = epilog
        self._arguments = arguments
        self._parse = parse
        self._enabled = enabled
        self._namespace = namespace
        self._parsers: dict[str, argparse.ArgumentParser] = {}

    def _parser(self, name: str) -> argparse.ArgumentParser:
        # Made when it is needed: most commands of a session are never run.
        parser = self._parsers.get(name)
        if parser is None:
            parser = self._parsers[name] = make_parser(
                name,
                self._arguments,
                self._namespace.argparse_types,
                self._long_description,
                self._epilog,
            )
            if self._usage is not None:
                parser.usage = _plain(self._usage)
        return parser

    def check(self) -> None:
        """Make the parser: whoever defines a command should hear what is wrong."""
        self._parser(self._name)

    def description(self) -> str:
        return self._description

    def enabled(self, prog: Program) -> bool:
        return self._enabled(prog)

    def format_usage(self) -> str:
        usage = self._parser(self._name).format_usage()
        return usage.removeprefix("usage: ").rstrip()

    def format_help(self, *, indent: str = "") -> str:
        text = format_help(self._parser(self._name))
        return textwrap.indent(text, indent)

    def parse(self, source: str, /) -> ParsedCommand[Any]:
        if self._parse is not None:
            return self._parse(source)
        return parse_shell_command(source)

    def complete(self, prog: Program, line: str) -> list[str]:
        """The options, and the words that an argument can be, for a line's end."""
        word = line.rpartition(" ")[2]
        words: set[str] = set()
        for action in self._parser(self._name)._actions:
            words.update(action.option_strings or map(str, action.choices or ()))
        return sorted(
            found
            for found in words
            if found.startswith(word) and (word or not found.startswith("-"))
        )

    def run(
        self, prog: Program, name: str, args: Any, /, *, globals: dict[str, Any]
    ) -> Any:
        parser = self._parser(name)
        if self._parse is None:
            args = parser.parse_args(self._namespace.arrange(parser, args))
        return self._func(prog, name, args, parser=parser, globals=globals)


def _register(
    name: str | None, namespace: CommandNamespace, **parts: Any
) -> Callable[[F], F]:
    def decorator(func: F) -> F:
        command_name = name
        if command_name is None:
            prefix = namespace.func_name_prefix
            if not hasattr(func, "__name__"):
                raise ValueError("callable doesn't have __name__; pass name explicitly")
            command_name = func.__name__.removeprefix(prefix)
            if not func.__name__.startswith(prefix) or not command_name:
                raise ValueError(
                    f"{func.__name__!r} doesn't start with {prefix};"
                    " rename it or pass name explicitly"
                )
        command = _FunctionCommand(
            func, name=command_name, namespace=namespace, **parts
        )
        # Our own are tested; each of their parsers would cost the start a little.
        if not (getattr(func, "__module__", None) or "").startswith("drgn."):
            command.check()
        namespace.register(command_name, command)
        return func

    return decorator


def command(
    *,
    name: str | None = None,
    description: str,
    usage: str | None = None,
    long_description: str | None = None,
    epilog: str | None = None,
    arguments: Sequence[Argument] = (),
    enabled: Callable[[Program], bool] = _always_enabled,
    namespace: CommandNamespace = DEFAULT_COMMAND_NAMESPACE,
) -> CommandFuncDecorator[Any]:
    """Register a function as a command whose arguments argparse parses.

    Without ``name`` the function's name gives it, less the namespace's prefix.
    ``description`` is one line, ``usage`` and ``epilog`` are for the help text.
    Arguments may have ``type="hexadecimal"`` or ``"decimal_or_hexadecimal"``.
    """
    return _register(
        name,
        namespace,
        description=description,
        usage=usage,
        long_description=long_description,
        epilog=epilog,
        arguments=arguments,
        parse=None,
        enabled=enabled,
    )


def custom_command(
    *,
    name: str | None = None,
    description: str,
    usage: str | None = None,
    long_description: str | None = None,
    epilog: str | None = None,
    arguments: Sequence[Argument] | None = None,
    parse: Callable[[str], ParsedCommand[Any]],
    enabled: Callable[[Program], bool] = _always_enabled,
    namespace: CommandNamespace = DEFAULT_COMMAND_NAMESPACE,
) -> CustomCommandFuncDecorator[Any]:
    """Register a function as a command with a syntax of its own.

    ``parse`` takes the text after the name and parts redirections and pipes from
    the rest. ``arguments`` are for the help text only; without them ``usage``
    and ``long_description`` must be given.
    """
    if arguments is None:
        if usage is None:
            raise TypeError("usage is mandatory if arguments not given")
        if long_description is None:
            raise TypeError("long_description is mandatory if arguments not given")
    return _register(
        name,
        namespace,
        description=description,
        usage=usage,
        long_description=long_description,
        epilog=epilog,
        arguments=arguments or (),
        parse=parse,
        enabled=enabled,
    )


def raw_command(
    *,
    name: str | None = None,
    description: str,
    usage: str | None = None,
    long_description: str | None = None,
    epilog: str | None = None,
    arguments: Sequence[Argument] | None = None,
    parse: Callable[[str], ParsedCommand[Any]] = ParsedCommand,
    enabled: Callable[[Program], bool] = _always_enabled,
    namespace: CommandNamespace = DEFAULT_COMMAND_NAMESPACE,
) -> CustomCommandFuncDecorator[Any]:
    """Register a function that gets the text after the name as it is."""
    return custom_command(
        name=name,
        description=description,
        usage=usage,
        long_description=long_description,
        epilog=epilog,
        arguments=arguments,
        parse=parse,
        enabled=enabled,
        namespace=namespace,
    )
