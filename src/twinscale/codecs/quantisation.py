"""How coarsely a JPEG is quantised: what its file says of the quality that it was saved at."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twinscale.errors import UsageError

if TYPE_CHECKING:
    from PIL.JpegImagePlugin import JpegImageFile

CONDITIONS = 3
"""How many numbers :meth:`Quantisation.conditions` returns."""

# ITU-T T.81, tables K.1 and K.2; rows are vertical frequencies.
_LUMA = [
    [16, 11, 10, 16, 24, 40, 51, 61],
    [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77],
    [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101],
    [72, 92, 95, 98, 112, 100, 103, 99],
]
_CHROMA = [
    [17, 18, 24, 47, 99, 99, 99, 99],
    [18, 21, 26, 66, 99, 99, 99, 99],
    [24, 26, 56, 99, 99, 99, 99, 99],
    [47, 66, 99, 99, 99, 99, 99, 99],
    *([99] * 8 for _ in range(4)),
]


class Quantisation(NamedTuple):
    """The quantisation of a JPEG.

    Steps are in levels, ``(8, 8)``, rows being vertical frequencies of the file, which may have to be turned to stand
    upright; chroma has none in a grey picture.
    """

    luma: np.ndarray
    chroma: np.ndarray | None
    sampling: tuple[int, int] = (1, 1)
    """How many times fewer samples chroma has, down and across: ``(2, 2)`` is 4:2:0, ``(1, 2)`` is 4:2:2."""

    @classmethod
    def standard(cls, quality: int, sampling: tuple[int, int] = (2, 2), *, grey: bool = False) -> "Quantisation":
        """Return what libjpeg and most programs use at a quality: the tables of ITU-T T.81, scaled.

        Args:
            quality: 1 to 100.
            sampling: see :class:`Quantisation`.
            grey: whether there is no chroma.

        Raises:
            UsageError: the quality is out of range.
        """
        if not 1 <= quality <= 100:
            raise UsageError(f"quality {quality} is out of range; give 1 to 100")
        percent = 5000 // quality if quality < 50 else 200 - 2 * quality
        luma, chroma = (np.clip((np.array(table) * percent + 50) // 100, 1, 255) for table in (_LUMA, _CHROMA))
        return cls(luma, None, (1, 1)) if grey else cls(luma, chroma, sampling)

    @classmethod
    def of_file(cls, image: "JpegImageFile") -> "Quantisation | None":
        """Read the quantisation of an opened file; None if it is not that of grey or of luma and chroma."""
        tables = {number: np.reshape(table, (8, 8)) for number, table in image.quantization.items()}
        (_, across, down, luma), *chroma = image.layer
        if len(chroma) not in (0, 2) or any(number not in tables for _, _, _, number in image.layer):
            return None
        if not chroma:
            return cls(tables[luma], None)
        if image.info.get("adobe_transform") == 0 or bytes(name for name, *_ in image.layer) == b"RGB":
            return None
        _, chroma_across, chroma_down, number = chroma[0]
        if across % chroma_across or down % chroma_down:
            return None
        return cls(tables[luma], tables[number], (down // chroma_down, across // chroma_across))

    @property
    def quality(self) -> int:
        """The quality of 1 to 100 at which libjpeg's luma steps are nearest to these, by mean logarithm."""
        own = _coarseness(self.luma)
        return min(range(100, 0, -1), key=lambda quality: abs(_coarseness(Quantisation.standard(quality).luma) - own))

    @property
    def subsampling(self) -> str | None:
        """How chroma is sampled, as in ``"4:2:0"``; None for a grey picture."""
        if self.chroma is None:
            return None
        down, across = self.sampling
        return f"4:{4 // across}:{4 // across if down == 1 else 0}"

    def conditions(self) -> tuple[float, float, float]:
        """Return what networks for JPEGs are told: three numbers of 0 to 1, all 0 for a picture that lost nothing.

        Returns:
            The mean logarithm of the steps of luma and of chroma, 0 for steps of one and 1 for steps of 256, and the
            share of chroma samples that were left out.
        """
        if self.chroma is None:
            return _coarseness(self.luma), 0.0, 0.0
        return _coarseness(self.luma), _coarseness(self.chroma), 1 - 1 / (self.sampling[0] * self.sampling[1])


def _coarseness(steps: np.ndarray) -> float:
    return float(np.log2(np.clip(steps, 1, 256)).mean() / 8)
