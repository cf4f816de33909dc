"""The libraries that run networks: one file a backend."""
