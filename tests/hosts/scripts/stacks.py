for thread in sorted(prog.threads(), key=lambda thread: thread.tid):
    print(thread.stack_trace())
