r"""
Kmodify
-------

``drgn.helpers.experimental.kmodify`` modifies the running kernel: it writes to its
memory and calls its functions.

It does so with a kernel module that is made for the purpose, runs once and does not
stay. That takes root, a kernel on x86-64 with loadable modules (``CONFIG_MODULES``) and
without clang's control-flow integrity (``CONFIG_CFI_CLANG``), and that it takes modules
that are not signed. The kernel is tainted by it, as by any module from outside.

.. warning::
    What is called or written wrongly may crash the kernel, or damage what it works on.
"""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

from drgn import (
    FaultError,
    Object,
    ObjectAbsentError,
    Program,
    Type,
    TypeKind,
    implicit_convert,
    sizeof,
)
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.experimental import _kmodify_load
from drgn.helpers.experimental._kmodify_code import Code, Data
from drgn.helpers.experimental._kmodify_module import DATA, address_of, module

__all__ = (
    "call_function",
    "call_functions",
    "pass_pointer",
    "write_memory",
    "write_object",
)

_SCALARS = (TypeKind.INT, TypeKind.BOOL, TypeKind.ENUM, TypeKind.POINTER)


class pass_pointer:
    """An argument of :func:`call_function()` that is passed by pointer.

    The function gets a pointer to a copy of the object. Afterwards :attr:`object` is
    what the copy became.

    :param object: :class:`drgn.Object` or Python value. A value is taken as what the
        parameter points to, or else as any argument that is a Python value.

    .. code-block:: python3

        result = pass_pointer(0)
        call_function("kstrtoint", "-42", 10, result)
        result.object  # (int)-42
    """

    def __init__(self, object: Any) -> None:
        #: The object or value, after the call an :class:`drgn.Object`.
        self.object: Any = object

    def __repr__(self) -> str:
        return f"pass_pointer({self.object!r})"


@takes_program_or_default
def call_function(prog: Program, func: str | Object, *args: Any) -> Object:
    """Call a function of the kernel and return what it returns.

    It is called in the context of this process, which may sleep. That is where what the
    function asks of its callers (locks, references, contexts) has to be kept in mind.

    .. code-block:: python3

        call_function("kstrtobool", "yes", pass_pointer(False))  # (int)0
        call_function("_printk", "%d and %s\\n", Object(prog, "int", 5), "six")

    :param func: Name of a function, a function, or a pointer to one.
    :param args: Objects or Python values, which are converted to the parameters' types:
        numbers as literals in C; ``str`` and ``bytes`` are strings, of which the
        function gets a pointer to a copy, as of arrays that are values. See also
        :class:`pass_pointer`.
    :return: Value, absent if the function returns ``void``.
    :raises TypeError: if the arguments are not those of the function
    :raises LookupError: if there is no such function
    :raises ObjectAbsentError: if it has no address, as what is always inlined
    :raises NotImplementedError: if a structure or a floating-point number would be
        passed by value or returned, or if the kernel is not one for x86-64
    :raises ValueError: if the program is not the running kernel
    :raises OSError: if the kernel does not load the module
    """
    calls = _Calls(prog)
    return_type, slot = calls.add(func, args)
    data = calls.run()
    if return_type.unaliased_kind() == TypeKind.VOID:
        return Object(prog, return_type)
    value = data[slot : slot + sizeof(return_type)]
    return Object.from_bytes_(prog, return_type, value)


@takes_program_or_default
def call_functions(prog: Program, calls: Sequence[Sequence[Any]]) -> None:
    """Call functions of the kernel one after another, all from one module.

    What they return is ignored.

    .. code-block:: python3

        call_functions([("kfree", pointer) for pointer in pointers])

    :param calls: ``(func, *args)`` of each call, as for :func:`call_function()`, which
        see for what is raised. Nothing is called then.
    :raises ValueError: if a call is no sequence
    """
    todo = _Calls(prog)
    for call in calls:
        if isinstance(call, str | bytes) or not call:
            raise ValueError(
                "a call must be a sequence of a function and its arguments"
            )
        todo.add(call[0], call[1:])
    if calls:
        todo.run()


@takes_program_or_default
def write_memory(prog: Program, address: SupportsIndex, value: bytes) -> None:
    r"""Write bytes to the kernel's memory.

    They are not written all at once: others may see a part of them.

    .. code-block:: python3

        write_memory(prog["init_uts_ns"].name.domainname.address_, b"example\0")

    :param address: Virtual address.
    :param value: Bytes, or what can be seen as such.
    :raises OverflowError: if *address* is no address
    :raises FaultError: if memory at the address cannot be written to. Most such
        addresses are noticed, but the kernel may crash from one that is not.
    :raises ValueError: if the program is not the running kernel
    :raises NotImplementedError: if the kernel is not one for x86-64
    :raises OSError: if the kernel does not load the module
    """
    calls = _Calls(prog)
    place = operator.index(address)
    if not 0 <= place < 1 << 64:
        raise OverflowError(f"address must be from 0 to 2**64 - 1, not {place}")
    data = bytes(memoryview(value))
    if not data:
        return
    _check_address(place, len(data))
    # Renamed in 5.8 (fe557319aa06).
    write = address_of(prog, "copy_to_kernel_nofault", "probe_kernel_write")
    result = calls.take(bytes(8), comes_back=True)
    calls.code.call(write, place, calls.take(data), len(data), result=result.offset)
    _check_fault(calls, result, place)


def write_object(
    object: Object, value: Any, *, dereference: bool | None = None
) -> None:
    """Write the value of an object in the kernel's memory.

    A bit field has to be of whole bytes, or of one bit, which is written without
    touching the other bits, atomically. See :func:`write_memory()` for more errors.

    .. code-block:: python3

        write_object(prog["console_printk"][0], 7)

    :param object: Object in memory.
    :param value: Object or Python value, which is converted to the object's type.
    :param dereference: Of a pointer: whether to write to what it points to (``True``)
        or to the pointer itself (``False``).
    :raises ValueError: if the object is not in memory
    :raises TypeError: if *dereference* is not given with a pointer, or is ``True``
        with anything else
    :raises NotImplementedError: if it is any other bit field
    """
    if object.type_.unaliased_kind() == TypeKind.POINTER:
        if dereference is None:
            raise TypeError(
                "to write to pointed-to object (*ptr = value), use dereference=True; "
                "to write to pointer itself (ptr = value), use dereference=False"
            )
        if dereference:
            object = object[0]
    elif dereference:
        raise TypeError("object is not a pointer")
    address = object.address_
    if address is None:
        raise ValueError("cannot write to value object")
    prog, type = object.prog_, object.type_
    if isinstance(value, Object):
        value = implicit_convert(type, value)
    if object.bit_field_size_ is None:
        new = value if isinstance(value, Object) else Object(prog, type, value)
        write_memory(prog, address, new.to_bytes_())
    else:
        _write_bit_field(object, address, value)


def _write_bit_field(object: Object, address: int, value: Any) -> None:
    size, offset = object.bit_field_size_, object.bit_offset_
    assert size is not None and offset is not None
    whole = not offset % 8 and not size % 8
    if not whole and size != 1:
        raise NotImplementedError("only byte-aligned or 1-bit bit fields are supported")
    if isinstance(value, Object):
        value = value.value_()
    prog = object.prog_
    new = int(Object(prog, object.type_, value, bit_field_size=size).value_())
    address += offset // 8
    if whole:
        data = (new & (1 << size) - 1).to_bytes(size // 8, "little")
        write_memory(prog, address, data)
        return
    calls = _Calls(prog)
    _check_address(address, 1)
    # Only this can find out without a write whether the address is good.
    read = address_of(prog, "copy_from_kernel_nofault", "probe_kernel_read")
    result = calls.take(bytes(8), comes_back=True)
    calls.code.call(read, calls.take(bytes(8)), address, 1, result=result.offset)
    calls.code.end_unless_zero()
    calls.code.set_bit(address, offset % 8, bool(new & 1))
    _check_fault(calls, result, address)


def _check_address(address: int, size: int) -> None:
    """Raise FaultError unless memory is in the kernel's half of the address space.

    The kernel's own check of an access (below) is not made for the other half: SMAP
    makes it an oops.
    """
    # With page tables of five levels; of four, the kernel's check is good for the rest.
    if not 0xFF << 56 <= address <= (1 << 64) - size:
        raise FaultError("could not write to memory", address)


def _check_fault(calls: _Calls, result: Data, address: int) -> None:
    data = calls.run()
    if any(data[result.offset : result.offset + 8]):
        raise FaultError("could not write to memory", address)


class _Calls:
    """What a module is to do, and the data that it takes and gives.

    Making it raises the error of a program that cannot be modified.
    """

    def __init__(self, prog: Program) -> None:
        _kmodify_load.check(prog)
        self.prog = prog
        self.code = Code(DATA)
        self._data = bytearray()
        self._returned = 0
        # By their ids, which are theirs while they are kept here.
        self._passed: dict[int, tuple[pass_pointer, Type, Data]] = {}

    def take(self, data: bytes, comes_back: bool = False) -> Data:
        """Give the module a copy of data."""
        self._data += bytes(-len(self._data) % 16)
        offset = len(self._data)
        self._data += data
        if comes_back:
            self._returned = len(self._data)
        return Data(offset)

    def run(self) -> bytes:
        """Run the module; return what the data became."""
        size = self._returned
        buffer = ctypes.create_string_buffer(max(size, 1))
        _kmodify_load.load(
            module(
                self.prog, self.code, bytes(self._data), ctypes.addressof(buffer), size
            )
        )
        data = buffer.raw[:size]
        for argument, type, place in self._passed.values():
            value = data[place.offset : place.offset + sizeof(type)]
            argument.object = Object.from_bytes_(self.prog, type, value)
        return data

    def add(self, func: str | Object, args: Sequence[Any]) -> tuple[Type, int]:
        """Add a call; return the type and the offset of what it returns."""
        type, address, name = self._function(func)
        parameters = type.parameters
        # What has no prototype takes anything, too.
        if len(args) < len(parameters) or (
            len(args) > len(parameters) and not type.is_variadic
        ):
            least = "at least " if type.is_variadic else ""
            raise TypeError(
                f"{name} takes {least}{len(parameters)} arguments, not {len(args)}"
            )
        return_type = type.type
        if return_type.unaliased_kind() != TypeKind.VOID:
            _check_scalar(return_type, "return")
        types = [parameter.type for parameter in parameters]
        arguments = [
            self._argument(types[i] if i < len(types) else None, arg)
            for i, arg in enumerate(args)
        ]
        result = self.take(bytes(8), comes_back=True)
        self.code.call(address, *arguments, result=result.offset)
        return return_type, result.offset

    def _function(self, func: str | Object) -> tuple[Type, int, str]:
        """Type, address and name of a function."""
        if isinstance(func, str):
            function = self.prog.function(func)
        elif isinstance(func, Object):
            function = self._own(func)
        else:
            raise TypeError(f"function must be str or Object, not {_name(func)}")
        type = function.type_.unaliased()
        address: int | None
        if type.kind == TypeKind.POINTER:
            type = type.type.unaliased()
            address = function.value_()
        else:
            address = function.address_
        if type.kind != TypeKind.FUNCTION:
            raise TypeError(f"{function.type_.type_name()!r} is not a function")
        name = func if isinstance(func, str) else type.type_name()
        if address is None:
            raise ObjectAbsentError(f"{name} has no address; it is likely inlined")
        # As of the kernel's image and of modules: Documentation/arch/x86/x86_64/mm.rst
        if address >> 31 != (1 << 33) - 1:
            raise ValueError(f"{name}: {address:#x} is not in the kernel's text")
        return type, address, name

    def _argument(self, parameter: Type | None, arg: Any) -> int | Data:
        """What an argument is to the machine; ``None``: it has no parameter."""
        if isinstance(arg, pass_pointer):
            return self._pointer(parameter, arg)
        value = self._object(arg)
        kind = value.type_.unaliased_kind()
        if kind == TypeKind.ARRAY and value.address_ is None:
            self._check_pointer(parameter, value.type_)
            return self.take(value.to_bytes_())
        if parameter is not None:
            value = implicit_convert(parameter, value)
        elif kind in (TypeKind.ARRAY, TypeKind.FUNCTION):
            value = implicit_convert(
                self.prog.pointer_type(self.prog.void_type()), value
            )
        elif kind in _SCALARS and kind != TypeKind.POINTER:
            value = +value
        _check_scalar(value.type_, "pass")
        return int(value.value_())

    def _pointer(self, parameter: Type | None, arg: pass_pointer) -> Data:
        if id(arg) in self._passed:
            _, type, place = self._passed[id(arg)]
        else:
            value = self._pointed_to(parameter, arg.object)
            type = value.type_
            place = self.take(value.to_bytes_(), comes_back=True)
            self._passed[id(arg)] = arg, type, place
        self._check_pointer(parameter, type)
        return place

    def _pointed_to(self, parameter: Type | None, value: Any) -> Object:
        """The object of a `pass_pointer`, of the type that the function expects."""
        if not isinstance(value, Object | str | bytes) and parameter is not None:
            pointer = parameter.unaliased()
            if pointer.kind == TypeKind.POINTER:
                type = pointer.type
                if type.unaliased_kind() != TypeKind.VOID and type.is_complete():
                    return Object(self.prog, type, value)
        found = self._object(value)
        if found.bit_field_size_ is not None:
            return Object(self.prog, found.type_, found.value_())
        return found

    def _check_pointer(self, parameter: Type | None, type: Type) -> None:
        """Raise TypeError unless the parameter takes a pointer to a type."""
        if parameter is not None:
            bare = type.unaliased()
            if bare.kind == TypeKind.ARRAY:
                type = bare.type
            implicit_convert(
                parameter, Object(self.prog, self.prog.pointer_type(type), 0)
            )

    def _object(self, value: Any) -> Object:
        """An object as it is, a number as a literal, a string as an array."""
        if isinstance(value, Object):
            return self._own(value)
        if isinstance(value, str | bytes):
            data = value.encode() if isinstance(value, str) else value
            data += b"\0"
            type = self.prog.array_type(self.prog.type("char"), len(data))
            return Object.from_bytes_(self.prog, type, data)
        if isinstance(value, int | float):
            return Object(self.prog, value=value)
        raise TypeError(
            "argument must be Object, pass_pointer, int, float, bool, str or bytes, "
            f"not {_name(value)}"
        )

    def _own(self, object: Object) -> Object:
        if object.prog_ is not self.prog:
            raise ValueError("object is from a different program")
        return object


def _check_scalar(type: Type, verb: str) -> None:
    if type.unaliased_kind() not in _SCALARS or sizeof(type) > 8:
        raise NotImplementedError(f"cannot {verb} {type.type_name()!r} by value")


def _name(value: object) -> str:
    return repr(type(value).__name__)
