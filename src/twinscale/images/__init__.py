"""The picture in memory: its pixels and metadata, resizing, colour."""
