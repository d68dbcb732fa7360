import drgn

nodes = []
node = prog["first"].address_of_()
while node:
    nodes.append(node)
    node = node.next
table = drgn.columns(nodes, "value", "next")
print(table["value"].tolist(), [hex(value) for value in table["next"].tolist()])
print(prog.read_array("int", prog["numbers"].address_, 4).tolist())
