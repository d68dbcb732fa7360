"""``python -m drgn``."""

from drgn.standalone.cli import main

if __name__ == "__main__":
    main()
