for frame in prog.main_thread().stack_trace():
    if frame.function_name and "wait_with" in frame.function_name:
        print(frame.name, frame.locals())
        print(frame["copy"], frame["shape"].id, frame["value"], frame["alias"])
    if frame.name == "main":
        print(frame.source().line, frame["ring"].next, frame["reference"])
print(prog["reference"], prog["member"].type_)
print(prog.symbol(prog["circle"].address_).name)
