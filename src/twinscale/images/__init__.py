"""The picture in memory: its pixels and metadata, resizing, classical downscaling, colour."""
