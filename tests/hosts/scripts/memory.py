from drgn import FaultError

first = prog["first"].address_
print(prog.read(first, 64))
print(prog.read_u32(first), prog.read_word(first), prog.read_c_string(first + 16))
for address in (0, 8, 2**63, 2**64 - 1):
    try:
        print(prog.read(address, 1))
    except FaultError as error:
        print("fault", hex(error.address))
