data = prog["library_data"]
print(data, data.self.self.number, data.text.string_())
print(prog["library_secret"], prog["library_function"].type_)
print(prog.symbol("library_function").size, prog.symbol(data.address_).name)
print(prog.source_location("library_function+1"))
print(prog.variable("library_data").address_ == data.self.value_())
print(data.self == data.address_of_())
