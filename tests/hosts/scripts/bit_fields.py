packed = prog["packed"]
print(packed, packed.value_())
for member in prog.type("struct packed").members:
    field = packed.member_(member.name)
    print(member, field, field.bit_field_size_, field.bit_offset_, field.read_())
print(packed.c < 0, packed.d + 1, ~packed.b, packed.f == prog["GREEN"])
