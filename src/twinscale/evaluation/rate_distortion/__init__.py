"""How much of a picture comes back from a file of a given size: measured, kept, compared and shown."""
