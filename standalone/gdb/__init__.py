"""GDB from outside: a Program over a GDB that we have started."""
