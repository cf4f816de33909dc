"""Pixels to the bytes of a file and back, one module per format: a module that defines ``CODEC`` is a format."""
