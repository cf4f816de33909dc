"""Errors that a user can act on.

Every message is one line that names the value, the rule and the remedy. The command line
prints it without a traceback and exits with the class's ``exit_code``.
"""

import errno

# In the messages of Python's threads, C++, torch, CUDA, the libraries that run networks, and the loader of libraries.
_LACK_OF_MEMORY = ("start new thread", "alloc", "out of memory", "memory object", "failed to map segment")


class TwinscaleError(Exception):
    """Base of every error that twinscale raises on purpose."""

    exit_code = 1


class UsageError(TwinscaleError, ValueError):
    """An argument or option that cannot be used as given."""

    exit_code = 2


class PictureError(TwinscaleError):
    """A picture that cannot be read or written."""

    exit_code = 3


class OutputExistsError(TwinscaleError):
    """The output file is already there and may not be overwritten."""

    exit_code = 1


class DatasetError(TwinscaleError):
    """A set of pictures that is not found, or whose download does not match its checksum."""

    exit_code = 3


class ModelError(TwinscaleError):
    """A model that is missing, incomplete, or does not match its checksum."""

    exit_code = 4


class OutOfMemoryError(TwinscaleError):
    """Memory ran out even with the smallest tile, or would for a picture that cannot be tiled."""

    exit_code = 5


def is_lack_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out; libraries and the system say so in their own ways."""
    if isinstance(error, OSError):  # its message may name a file
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _LACK_OF_MEMORY)


def install(extra: str) -> str:
    """Return how to install an extra, for the end of a message; the first form needs twinscale to be installed."""
    return f"install it with pip install 'twinscale[{extra}]', or in a clone with pip install '.[{extra}]'"
