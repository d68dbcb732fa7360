for thread in sorted(prog.threads(), key=lambda thread: thread.tid):
    for frame in thread.stack_trace():
        if frame.function_name in ("work", "run", "main"):
            print(frame.name, frame.locals())
            for name in frame.locals():
                print(name, frame[name])
