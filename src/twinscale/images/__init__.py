"""Pixels: reading and writing pictures, resizing, colour, metrics and the evaluation protocol."""
