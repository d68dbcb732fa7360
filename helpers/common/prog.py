"""
Program Decorators
------------------

``drgn.helpers.common.prog`` lets a helper leave out its program: the program
then comes from an argument that is an object, or is the
:ref:`default program <default-program>`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    ParamSpec,
    Protocol,
    TypeVar,
    overload,
)

from drgn import Object, Program, get_default_prog

if TYPE_CHECKING:
    P = ParamSpec("P")
    R = TypeVar("R", covariant=True)

    class TakesProgram(Protocol[P, R]):
        def __call__(self, prog: Program, *args: P.args, **kwargs: P.kwargs) -> R: ...

    class TakesProgramOrDefault(Protocol[P, R]):
        __name__: str

        @overload
        def __call__(self, prog: Program, *args: P.args, **kwargs: P.kwargs) -> R: ...

        @overload
        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    class TakesObjectOrProgramOrDefault(Protocol[P, R]):
        __name__: str

        @overload
        def __call__(self, prog: Program, *args: P.args, **kwargs: P.kwargs) -> R: ...

        @overload
        def __call__(self, obj: Object, *args: P.args, **kwargs: P.kwargs) -> R: ...

        @overload
        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...


__all__ = ("takes_object_or_program_or_default", "takes_program_or_default")

_PROG_DOC = (
    ":param prog: Program, which may be omitted to use the default program argument."
)


def takes_program_or_default(f: TakesProgram[P, R]) -> TakesProgramOrDefault[P, R]:
    """Let a function whose first parameter is a program be called without it.

    .. code-block:: python3

        @takes_program_or_default
        def my_helper(prog: Program, n: IntegerLike) -> Foo: ...

        my_helper(prog, 1)
        my_helper(1)    # my_helper(get_default_prog(), 1)
        my_helper(obj)  # my_helper(obj.prog_, obj)

    :param f: Function whose first parameter is ``prog``.
    :raises NoDefaultProgramError: by the wrapper, if it gets neither a program
        nor an object and there is no default program

    >>> @takes_program_or_default
    ... def release(prog):
    ...     return prog["UTS_RELEASE"].string_()
    ...
    >>> release(prog) == release()
    True
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if (args and isinstance(args[0], Program)) or "prog" in kwargs:
            return f(*args, **kwargs)
        return f(_prog_of(args, kwargs), *args, **kwargs)

    update_wrapper(wrapper, f)
    if wrapper.__doc__ and ":param prog:" not in wrapper.__doc__:
        wrapper.__doc__ = _with_prog_doc(wrapper.__doc__)
    return wrapper


def takes_object_or_program_or_default(
    f: Callable[Concatenate[Program, Object | None, P], R],
) -> TakesObjectOrProgramOrDefault[P, R]:
    """Let a function take an object, a program, or neither.

    .. code-block:: python3

        @takes_object_or_program_or_default
        def my_helper(prog: Program, obj: Object | None, n: IntegerLike) -> Foo: ...

        my_helper(prog, 1)  # my_helper.__wrapped__(prog, None, 1)
        my_helper(obj, 1)   # my_helper.__wrapped__(obj.prog_, obj, 1)
        my_helper(1)        # my_helper.__wrapped__(get_default_prog(), None, 1)

    Whether a leading object is *obj* or the next argument is told by the number
    of positional parameters, so these must not have default values; keyword-only
    parameters may.

    :param f: Function whose first parameters are ``prog`` and an optional object.
    :raises ValueError: if a positional parameter of *f* has a default
    :raises NoDefaultProgramError: by the wrapper, if it gets neither a program
        nor an object and there is no default program

    >>> @takes_object_or_program_or_default
    ... def comm(prog, task):
    ...     return (task or prog["init_task"]).comm.string_()
    ...
    >>> comm(find_task(prog, 1)), comm(prog), comm()
    (b'init', b'swapper/0', b'swapper/0')
    """
    if f.__defaults__:
        # Then the number of arguments would not tell whether there is an object.
        raise ValueError(f"{f.__name__}: positional parameters may not have defaults")
    code = f.__code__
    parameters = code.co_varnames[: code.co_argcount]
    object_name = parameters[1]
    # Positional parameters besides prog and the object.
    others = parameters[2:]

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], Program):
            return f(args[0], None, *args[1:], **kwargs)
        if "prog" in kwargs:
            return f(kwargs.pop("prog"), kwargs.pop(object_name, None), *args, **kwargs)
        obj = kwargs.pop(object_name, None)
        if obj is not None:
            return f(obj.prog_, obj, *args, **kwargs)
        given = len(args) + sum(name in kwargs for name in others)
        if args and given > len(others) and isinstance(args[0], Object):
            return f(args[0].prog_, args[0], *args[1:], **kwargs)
        return f(_prog_of(args, kwargs), None, *args, **kwargs)

    update_wrapper(wrapper, f)
    wrapper.__signature__ = _ObjectOrProgramSignature(f)  # type: ignore[attr-defined]
    return wrapper


def _prog_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Program:
    """Program of the first object among the arguments, or the default one."""
    for arg in args[:1]:
        if isinstance(arg, Object):
            return arg.prog_
    for arg in kwargs.values():
        if isinstance(arg, Object):
            return arg.prog_
    return get_default_prog()


def _with_prog_doc(doc: str) -> str:
    lines = doc.rstrip().split("\n")
    indents = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    indent = " " * min(indents, default=4)
    # The parameters come after the text and before the examples.
    starts = [i for i, line in enumerate(lines) if line.startswith(f"{indent}>>>")]
    end = starts[0] - 1 if starts else len(lines)
    text, examples = lines[:end], lines[end:]
    if not any(line.startswith(f"{indent}:") for line in text):
        text.append("")
    return "\n".join([*text, indent + _PROG_DOC, *examples, indent])


class _ObjectOrProgramSignature:
    """The wrapper's :class:`inspect.Signature`, made when somebody asks for it.

    Importing inspect costs more than every helper of a short session, so this
    stands in for the signature until :func:`inspect.signature` looks at it.
    """

    def __init__(self, f: Any) -> None:
        self._f = f

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        import inspect

        return inspect.Signature

    def _signature(self) -> Any:
        import inspect

        signature = inspect.signature(self._f)
        _, obj, *rest = signature.parameters.values()
        obj = obj.replace(annotation="Object | Program")
        return signature.replace(parameters=[obj, *rest])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._signature(), name)

    def __str__(self) -> str:
        return str(self._signature())

    def __repr__(self) -> str:
        return repr(self._signature())

    def __eq__(self, other: object) -> bool:
        return bool(self._signature() == other)

    def __hash__(self) -> int:
        return hash(self._signature())
