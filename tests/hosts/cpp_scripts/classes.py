circle = prog["circle"]
print(prog.language, circle.type_.type_name(), circle)
print(prog.type("shapes::Circle"))
print(circle.radius, circle.id, circle.name.string_(), circle.kind)
for member in circle.type_.members:
    print(member.name, member.bit_offset, member.type.type_name())
print(prog["shapes::deep::value"], prog["shapes::Circle::count"])
