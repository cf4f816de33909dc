"""One process at a time."""

import subprocess
import sys

import pytest

from twinscale.errors import UsageError
from twinscale.training.lock import held, is_held

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs flock")

HOLDER = """
import sys
from pathlib import Path
from twinscale.training.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_what_another_process_holds_is_refused_until_it_is_gone(tmp_path):
    path = tmp_path / "log.csv"
    assert not is_held(path)
    assert not path.exists()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert is_held(path)
        with pytest.raises(UsageError, match="another process trains in it"), held(path):
            raise AssertionError("it was not refused")
        holder.kill()
        holder.wait()
    assert not is_held(path)
    with held(path):
        assert is_held(path)
