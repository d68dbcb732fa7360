for thread in sorted(prog.threads(), key=lambda thread: thread.tid):
    for frame in thread.stack_trace():
        if frame.function_name != "work":
            continue
        mine, operation = frame["mine"], frame["operation"]
        print(mine, mine.b, operation, frame["node"].name, frame["half"] * 2)
        print("nothing" in frame, "first" in frame, frame["counter"], frame.is_inline)
        print(frame.source().line, frame.symbol().name, frame.sp % 8, frame)
