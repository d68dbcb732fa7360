for thread in sorted(prog.threads(), key=lambda thread: thread.tid):
    frame = thread.stack_trace()[0]
    print({name: hex(value) for name, value in sorted(frame.registers().items())})
    print(hex(frame.pc), hex(frame.sp), frame.interrupted)
