"""Fuzzing of all that reads foreign data: ``python -m tests.fuzz``, see CONTRIBUTING.md."""
