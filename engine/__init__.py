"""The engine: what a Program is and does."""
