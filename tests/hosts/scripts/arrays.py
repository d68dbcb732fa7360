table, nodes = prog["table"], prog["nodes"]
print(len(table), len(table[0]), table[299][6], table[10], table[3:5])
print(sum(value.value_() for row in table for value in row))
array = table.to_numpy()
print(array.shape, array.dtype, int(array.sum()), array[7].tolist())
print(nodes[49].next.next.value, nodes[2:4])
values = prog.read_array("struct node", nodes.address_, 50)
print(values["value"].tolist(), {bytes(name) for name in values["name"]})
print(table.format_(columns=60)[:500])
for index in (7, -1):
    print(table[0][index].address_ - table.address_)
