"""``drgn gdbserver``: what drgn has opened, served to a stock GDB.

GDB's remote protocol is described in GDB's manual, appendix "Remote Protocol".
"""
