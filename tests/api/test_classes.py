"""What all classes of the API have in common, and what they do not let users do."""

from __future__ import annotations

import copy
import enum
import inspect
import pathlib
import pickle
import typing
from typing import Any

import pytest

import drgn
from drgn import (
    Architecture,
    DebugInfoOptions,
    FaultError,
    Language,
    Object,
    ObjectNotFoundError,
    Platform,
    Program,
    Symbol,
    SymbolBinding,
    SymbolIndex,
    SymbolKind,
    TypeEnumerator,
    TypeKind,
    TypeKindSet,
    TypeMember,
    TypeParameter,
    TypeTemplateParameter,
)

PROG = Program(Platform(Architecture.X86_64))
INT = PROG.int_type("int", 4, True)
MODULE = PROG.extra_module("x", 1, create=True)
INSTANCES: list[Any] = [
    PROG,
    Platform(Architecture.X86_64),
    Platform(Architecture.X86_64).registers[0],
    Language.C,
    Symbol("a", 1, 2, SymbolBinding.GLOBAL, SymbolKind.FUNC),
    SymbolIndex([]),
    INT,
    TypeMember(INT, "a"),
    TypeParameter(INT, "a"),
    TypeTemplateParameter(INT, "a"),
    TypeEnumerator("A", 1),
    TypeKindSet([TypeKind.INT]),
    Object(PROG, INT, 1),
    DebugInfoOptions(),
    MODULE,
    PROG.search_memory(b"x"),
]
OPEN = {
    "BadDataError",
    "FaultError",
    "MissingDebugInfoError",
    "Module",
    "NoDefaultProgramError",
    "ObjectAbsentError",
    "ObjectNotFoundError",
    "OutOfBoundsError",
    "SourceLocation",
    "UnsupportedOperation",
    "WantedSupplementaryFile",
}
CLASSES = [
    cls
    for name in drgn.__all__
    if isinstance(cls := getattr(drgn, name), type)
    and name != "IntegerLike"
    and not issubclass(cls, enum.Enum)
]


def name_of(value: object) -> str:
    return value.__name__ if isinstance(value, type) else type(value).__name__


@pytest.mark.parametrize("cls", CLASSES, ids=name_of)
def test_subclasses(cls: type) -> None:
    if cls.__name__ in OPEN:
        type("Sub", (cls,), {})
    else:
        with pytest.raises(TypeError):
            type("Sub", (cls,), {})


@pytest.mark.parametrize("cls", CLASSES, ids=name_of)
def test_known_as_drgns(cls: type) -> None:
    assert repr(cls) == f"<class '_drgn.{cls.__name__}'>"
    assert pickle.loads(pickle.dumps(cls)) is cls


def test_functions_are_known_as_drgns() -> None:
    functions = [getattr(drgn, name) for name in drgn.__all__]
    functions = [value for value in functions if inspect.isfunction(value)]
    assert len(functions) > 15
    for function in functions:
        assert function.__module__ == "drgn"
        assert pickle.loads(pickle.dumps(function)) is function


def test_functions_of_the_default_program_have_type_hints() -> None:
    names = [name for name in drgn.__all__ if name.startswith(("search", "program_"))]
    assert len(names) == 9
    for name in [*names, "get_default_prog", "source_location", "stack_trace"]:
        hints = typing.get_type_hints(getattr(drgn, name))
        assert isinstance(typing.get_origin(hints["return"]) or hints["return"], type)


@pytest.mark.parametrize(
    "name",
    [
        "ExtraModule",
        "Language",
        "MainModule",
        "MemorySearchIterator",
        "Module",
        "Register",
        "RelocatableModule",
        "SharedLibraryModule",
        "SourceLocationList",
        "StackFrame",
        "StackTrace",
        "Thread",
        "Type",
        "VdsoModule",
    ],
)
def test_cannot_be_created(name: str) -> None:
    with pytest.raises(TypeError, match=f"^cannot create '_drgn.{name}' instances$"):
        getattr(drgn, name)()


@pytest.mark.parametrize("name", ["DebugInfoOptions", "Object", "Platform", "Symbol"])
def test_wrong_arguments_name_the_class(name: str) -> None:
    with pytest.raises(TypeError, match=rf"^{name}\(\) "):
        getattr(drgn, name)(*range(9))


@pytest.mark.parametrize("value", INSTANCES, ids=name_of)
@pytest.mark.parametrize("action", [copy.copy, copy.deepcopy, pickle.dumps])
def test_cannot_be_copied(value: object, action: Any) -> None:
    with pytest.raises(TypeError, match="^cannot pickle '_drgn."):
        action(value)


@pytest.mark.parametrize("value", INSTANCES, ids=name_of)
def test_no_new_attributes(value: Any) -> None:
    with pytest.raises(AttributeError):
        value.zzz = 1


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (PROG, "flags"),
        (PROG, "platform"),
        (PROG, "core_dump_path"),
        (Platform(Architecture.X86_64), "arch"),
        (Platform(Architecture.X86_64), "flags"),
        (Platform(Architecture.X86_64), "registers"),
        (Platform(Architecture.X86_64).registers[0], "names"),
        (Language.C, "name"),
        (MODULE, "name"),
        (MODULE, "prog"),
        (MODULE, "id"),
        (MODULE, "debug_file_path"),
        (INT, "size"),
        (INSTANCES[4], "address"),
    ],
)
def test_read_only(value: Any, name: str) -> None:
    before = getattr(value, name)
    with pytest.raises(AttributeError):
        setattr(value, name, before)
    with pytest.raises(AttributeError):
        delattr(value, name)
    assert getattr(value, name) is not None or before is None


@pytest.mark.parametrize(
    "value",
    [
        INSTANCES[1],
        INSTANCES[2],
        INSTANCES[4],
        INSTANCES[12],
    ],
    ids=name_of,
)
def test_not_hashable(value: object) -> None:
    with pytest.raises(TypeError):
        hash(value)


def test_path_and_integer_are_classes_for_isinstance() -> None:
    assert isinstance("x", drgn.Path) and isinstance(b"x", drgn.Path)
    assert isinstance(pathlib.Path("x"), drgn.Path) and not isinstance(1, drgn.Path)
    assert isinstance(Object(PROG, "int", 1), drgn.IntegerLike)


def test_exceptions_can_be_copied() -> None:
    fault = pickle.loads(pickle.dumps(FaultError("message", 5)))
    assert (str(fault), fault.message, fault.address) == ("message: 0x5", "message", 5)
    assert fault.args == ("message", 5) and FaultError("m", address=5).args == ("m",)
    error = pickle.loads(pickle.dumps(ObjectNotFoundError("message", name="x")))
    assert (str(error), error.name) == ("message", "x")
    assert copy.copy(error).name == "x"
    assert ObjectNotFoundError().name is None


def test_exception_classes() -> None:
    assert issubclass(ObjectNotFoundError, KeyError)
    assert issubclass(drgn.UnsupportedOperation, ValueError)
    for cls in (
        drgn.BadDataError,
        FaultError,
        drgn.MissingDebugInfoError,
        drgn.NoDefaultProgramError,
        drgn.ObjectAbsentError,
        drgn.OutOfBoundsError,
    ):
        assert cls.__bases__ == (Exception,)
