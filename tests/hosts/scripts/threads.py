print(sorted(thread.tid - prog.main_thread().tid for thread in prog.threads()))
print(prog.thread(prog.main_thread().tid).tid == prog.main_thread().tid)
print(prog.flags, prog.platform, prog.language)
