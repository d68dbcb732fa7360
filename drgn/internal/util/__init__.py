"""Installed as ``_drgn_util``: what scripts import from upstream's package."""
