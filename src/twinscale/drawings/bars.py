"""Bar charts: what people prefer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twinscale.drawings.drawing import Plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Bar = tuple[float, float | None, float | None]
"""A share of 0 to 1, and the lower and upper end of its interval, if it has one."""

_WIDTH = 0.27  # of a bar; groups of three are 1 apart


@dataclass(frozen=True, slots=True)
class Preferences(Plot):
    """How often one method was preferred to each of several others, as in Fig. 7 of the CAR paper.

    Above the axis for restored pictures, below it for small ones; one of the halves may be empty.
    """

    subject: str
    """The method that is compared with all others."""
    restored: Mapping[str, Sequence[Bar]]
    """By competitor, three bars: the subject is better, both are equal, the competitor is better."""
    small: Mapping[str, Sequence[Bar]]
    """The same, of the same competitors."""

    def figure(self) -> "Figure":
        """Draw a group of bars per competitor and half, with error bars for the intervals."""
        from matplotlib.figure import Figure

        names = list(self.restored or self.small)
        figure = Figure(figsize=(2.5 + 1.5 * len(names), 4.4), layout="constrained")
        axes = figure.subplots()
        kinds = {f"{self.subject} is better": "C0", "both are equal": "0.7", "the other is better": "C1"}
        for sign, half in ((1, self.restored), (-1, self.small)):
            for index, (label, colour) in enumerate(kinds.items()):
                bars = np.array([group[index] for group in half.values()], float).reshape(-1, 3)  # None becomes NaN
                shares, low, high = bars.T
                axes.bar(
                    np.arange(len(shares)) + (index - 1) * _WIDTH,
                    sign * shares,
                    _WIDTH,
                    yerr=(shares - low, high - shares)[::sign],
                    color=colour,
                    capsize=3,
                    label=label if half is (self.restored or self.small) else None,
                )
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_ylim(-1.05 if self.small else 0, 1.05 if self.restored else 0)
        axes.set_xticks(range(len(names)), names)
        axes.yaxis.set_major_formatter(lambda share, _: f"{abs(share):.0%}")
        shown = {"small": self.small, "restored": self.restored}
        axes.set_ylabel(" | ".join(f"{half} pictures" for half, bars in shown.items() if bars))
        axes.set_axisbelow(True)
        axes.grid(axis="y", alpha=0.3)
        figure.legend(loc="outside upper center", ncols=3)
        return figure
