"""What both hosts stand on: the names and texts of a prompt, and how GDB is asked."""
