text, letters = prog["text"], prog["letters"]
print(text, text.string_(), letters, letters.string_())
print(prog["unended"], prog["unended"].string_(), prog["wide"])
print(letters.format_(string=False, char=True), text.format_(string=False)[:16])
print(prog["names"], prog["names"][1].string_(), prog["needle"][2])
print(prog.read_c_string(text, max_size=5))
