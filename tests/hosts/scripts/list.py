node = prog["first"].address_of_()
while node:
    print(node, node.value.value_(), node.name.string_())
    node = node.next
