# Run by scripts/demo on the process of demo-program.c, and on its core dump.
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.rbtree import rbtree_inorder_for_each_entry

print("The threads, their stacks, and the locals of the program's own functions:")
for thread in prog.threads():
    print(f"\nThread {thread.tid} {thread.name or ''}".rstrip(" "))
    for frame in thread.stack_trace():
        print(frame)
        try:
            file = frame.source()[0]
        except LookupError:
            continue
        if not file.endswith("demo-program.c"):
            continue
        for name in frame.locals():
            value = frame[name]
            if not value.absent_:
                print(f"      {name} = {value.format_(dereference=False)}")

orders = prog["orders"].address_of_()
print("\nThe linked list of orders, as they came:")
for order in list_for_each_entry("struct order", orders, "queue"):
    customer = order.customer.string_().decode()
    state = order.state.format_(type_name=False)
    print(f"  {order.number.value_()} {customer:6} {order.blades.value_():2} {state}")

print("\nThe tree of orders, by number:")
root = prog["orders_by_number"].address_of_()
numbers = [
    order.number.value_()
    for order in rbtree_inorder_for_each_entry("struct order", root, "by_number")
]
print(" ", numbers)
assert numbers == sorted(numbers)

print("\nThe first of them:")
print(next(list_for_each_entry("struct order", orders, "queue"))[0])
