"""Work whose worker dies, as a machine of a cluster may."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.batch.works import Fake
from twinscale.batch.work import Process
from twinscale.images.picture import Picture
from twinscale.rescale.model import ProgressCallback


@dataclass(frozen=True)
class Murderous(Fake):
    """Inverts pictures; those of ``width`` kill the process that works on them, the first ``times``."""

    suffix: ClassVar[str] = "_inverted"

    folder: str
    """Where it is noted that somebody died."""
    width: int
    times: int = 1

    def load(self) -> Process:
        return self._process

    def _process(self, picture: Picture, format: str, progress: ProgressCallback | None) -> Picture:
        for attempt in range(self.times):
            grave = Path(self.folder) / f"{attempt}"
            if picture.width == self.width and not grave.exists():
                grave.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return picture.with_planes(1 - picture.planes())
