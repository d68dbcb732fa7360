from drgn import NULL, FaultError, cast

second = prog["first"].next
print(second[0].value, second[-1].address_ < second[1].address_, second + 2 - second)
print(cast("unsigned long", second) % 8, cast("char *", second) + 1 > second)
print(NULL(prog, "struct node *"), bool(NULL(prog, "int *")), not second)
print(prog.pointer_type(prog.type("struct node")), repr(prog["text"]))
for pointer in (NULL(prog, "struct node *"), cast("struct node *", second - 2**40)):
    try:
        print(pointer.value.value_())
    except FaultError as error:
        print("fault", hex(error.address - pointer.value_()))
