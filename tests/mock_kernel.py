"""Programs with the types, variables and memory that a test gives them."""

from __future__ import annotations

import struct

from drgn import Object, Program, Type, TypeKindSet, TypeMember, sizeof


class Kernel:
    """A program with the types, variables and memory that a test gives it."""

    def __init__(self, prog: Program) -> None:
        self.prog = prog
        self.types: dict[str, Type] = {}
        self.objects: dict[str, Object] = {}
        self.long = prog.int_type("long", 8, True)
        self.int = prog.int_type("int", 4, True)
        self.u32 = prog.int_type("u32", 4, False)
        self.ulong = prog.int_type("unsigned long", 8, False)
        self.pointer = prog.pointer_type(prog.void_type())
        prog.register_type_finder("mock", self._find_type, enable_index=0)
        prog.register_object_finder("mock", self._find_object, enable_index=0)

    def _find_type(
        self, prog: Program, kinds: TypeKindSet, name: str, filename: str | None
    ) -> Type | None:
        type = self.types.get(name)
        return type if type is not None and type.kind in kinds else None

    def _find_object(
        self, prog: Program, name: str, flags: object, filename: str | None
    ) -> Object | None:
        return self.objects.get(name)

    def struct(self, tag: str, /, **members: Type) -> Type:
        """A structure whose members are at multiples of 8 bytes."""
        offset = 0
        made = []
        for name, type in members.items():
            made.append(TypeMember(type, name, 8 * offset))
            offset += -(-sizeof(type) // 8) * 8
        self.types[tag] = self.prog.struct_type(tag, offset, made)
        return self.types[tag]

    def linked(self, tag: str, *names: str) -> Type:
        """A structure of pointers to itself."""
        made = [
            TypeMember(lambda: self.to(self.types[tag]), name, 64 * i)
            for i, name in enumerate(names)
        ]
        self.types[tag] = self.prog.struct_type(tag, 8 * len(names), made)
        return self.types[tag]

    def hash_list(self) -> tuple[Type, Type]:
        """``struct hlist_head`` and ``struct hlist_node``."""
        node = self.linked("hlist_node", "next", "pprev")
        return self.struct("hlist_head", first=self.to(node)), node

    def union(self, tag: str, /, **members: Type) -> Type:
        made = [TypeMember(type, name) for name, type in members.items()]
        size = max(map(sizeof, members.values()))
        self.types[tag] = self.prog.union_type(tag, size, made)
        return self.types[tag]

    def to(self, type: Type) -> Type:
        return self.prog.pointer_type(type)

    def words(self, address: int, *words: int) -> None:
        self.memory(address, struct.pack(f"<{len(words)}Q", *words))

    def memory(self, address: int, data: bytes) -> None:
        def read(_: int, count: int, offset: int, physical: bool) -> bytes:
            return data[offset : offset + count]

        self.prog.add_memory_segment(address, len(data), read)

    def at(self, type: Type, address: int) -> Object:
        return Object(self.prog, self.to(type), address)
