"""Learned image rescaling: shrink pictures so that they can be brought back, enlarge small ones."""

__version__ = "0.1.0"
