"""GDB's ``gdb`` module and its commands over a Program, without GDB.

What a script of GDB's asks, the program's target and debug info answer; what is printed
is what GDB prints.
"""
