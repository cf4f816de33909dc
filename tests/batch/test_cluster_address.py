"""Clusters that are not there are refused, not waited for."""

from pathlib import Path

import pytest

from twinscale.batch import Job, Upscale
from twinscale.batch.cluster import run_on_cluster
from twinscale.errors import UsageError

pytest.importorskip("ray.data", reason="the cluster extra is not installed")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1", "nowhere.invalid:6379", "a:b"])
def test_nobody_there(address: str, tmp_path: Path) -> None:
    jobs = [Job(str(tmp_path / "a.png"), str(tmp_path / "b.png"))]
    with pytest.raises(UsageError, match=f"cannot connect to a Ray cluster at '{address}': check host:port"):
        list(run_on_cluster(jobs, Upscale("srcnn-x2"), address=address))
