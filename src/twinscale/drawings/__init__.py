"""Drawings for papers, runs and the documentation: one file per kind of drawing.

A drawing holds what it shows; :meth:`Drawing.save` writes it as a PNG file. Only plots need matplotlib, when drawn.
"""

from twinscale.drawings.bars import Preferences
from twinscale.drawings.displacements import Displacements
from twinscale.drawings.drawing import Drawing
from twinscale.drawings.lines import Convergence, Curves, LogCurves, RateDistortion, Spectra, TrainingCurves
from twinscale.drawings.pictures import FilterGrid, SideBySide
from twinscale.drawings.points import GroupedTradeOff, TradeOff

__all__ = [
    "Convergence",
    "Curves",
    "Displacements",
    "Drawing",
    "FilterGrid",
    "GroupedTradeOff",
    "LogCurves",
    "Preferences",
    "RateDistortion",
    "SideBySide",
    "Spectra",
    "TradeOff",
    "TrainingCurves",
]
