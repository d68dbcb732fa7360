import operator

from drgn import Object, cast, container_of, reinterpret

counter, first = prog["counter"], prog["first"]
print(counter + 1, counter * 2.5, -counter, counter << 3, counter == 7)
print(cast("long", counter), cast("char", first.next.value))
print(container_of(first.next.address_of_(), "struct node", "next"))
print(first.address_of_() + 1 > first.address_of_(), first.next - first.next)
print(Object(prog, "unsigned char", 300), operator.index(counter))
print(reinterpret("unsigned int", counter.read_()))
