"""The engine: what a Program is and does.

Each folder is a room. The classes of the API have no other public names than the API's;
what rooms may take of their private members is listed in ``tests/test_rooms.py``.
"""
