"""The host inside of GDB: its inferior as a Program, its commands and values."""
