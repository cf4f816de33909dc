"""Runs one target in a process of its own: ``python -m tests.fuzz.child TARGET [FILE or libFuzzer's options]``."""

import resource
import sys

import atheris

from twinscale.errors import OutOfMemoryError, TwinscaleError

with atheris.instrument_imports(include=["twinscale", "PIL"]):
    from tests.fuzz.targets import TARGETS

_MEMORY = 2 * 2**30
_ADDRESSES = 3 * 2**30  # some of them are never used; where these end, the machine goes on
_LONGEST_MESSAGE = 500


def main() -> None:
    """Fuzz until libFuzzer ends or something is found, which is any exception but an error of twinscale's own."""
    program, name, *options = sys.argv
    target = TARGETS[name]

    def try_one(data: bytes) -> None:
        said = ""
        try:
            target.run(data)
        except OutOfMemoryError:  # its own, but all of this is small
            raise
        except TwinscaleError as error:
            said = str(error)
        assert len(said) <= _LONGEST_MESSAGE, said
        assert "\n" not in said, said
        took = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        assert target.any_memory or took < _MEMORY, "it took more than 2 GB"

    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    atheris.Setup([program, *options], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
