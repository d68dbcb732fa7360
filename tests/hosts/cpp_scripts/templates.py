ring, circles = prog["ring"], prog["circles"]
print(ring, ring.items[1], ring.link.link.next)
print(prog.type("Ring<long, 4>"), prog.type("struct Ring<long, 4>").size)
for parameter in ring.type_.template_parameters:
    print(parameter)
print(circles.items[0].radius, circles.items[0].id, circles.items[1])
print(ring.type_ == prog.type("Ring<long, 4>"))
