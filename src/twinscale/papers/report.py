"""What a reproduction shows: comparisons with the paper, figures and claims, as Markdown and as plain data."""

from dataclasses import asdict, dataclass
from typing import Any

from twinscale.drawings import Drawing
from twinscale.evaluation.protocol import Scores


@dataclass(frozen=True, slots=True)
class Value:
    """One measured or published quantity: a main figure and perhaps a second one, such as PSNR and SSIM."""

    main: float
    second: float | None = None

    @classmethod
    def of(cls, scores: Scores) -> "Value":
        """Take PSNR in dB and SSIM, both on luminance."""
        return cls(scores.psnr_y, scores.ssim_y)

    @classmethod
    def or_none(cls, figure: float | None) -> "Value | None":
        """Wrap one figure, unless it is missing."""
        return None if figure is None else cls(figure)


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One line of a comparison."""

    labels: tuple[str, ...]
    published: Value | None
    ours: Value | None
    """None if the paper's figure is only given for orientation."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A table *published | ours | difference*."""

    title: str
    labels: tuple[str, ...]
    """What the rows' labels mean."""
    unit: str
    rows: list[ComparisonRow]
    digits: tuple[int, int] = (2, 4)
    """Decimals of the main and the second figure."""

    @property
    def header(self) -> list[str]:
        """Names of the columns."""
        return [*self.labels, f"published ({self.unit})", "ours", "difference"]

    def cells(self) -> list[list[str]]:
        """Return the table as text, without its header."""
        return [
            [*row.labels, self._show(row.published), self._show(row.ours), self._difference(row)] for row in self.rows
        ]

    def _show(self, value: Value | None) -> str:
        if value is None:
            return "–"
        shown = f"{value.main:.{self.digits[0]}f}"
        return shown if value.second is None else f"{shown} / {value.second:.{self.digits[1]}f}"

    def _difference(self, row: ComparisonRow) -> str:
        if row.published is None or row.ours is None:
            return "–"
        difference = round(row.ours.main - row.published.main, self.digits[0]) + 0.0  # the sum turns -0.0 into 0.0
        return f"{difference:+.{self.digits[0]}f}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing in a file beside the page."""

    file: str
    caption: str
    drawing: Drawing
    is_private: bool = False
    """Whether it shows pictures that may not be published: it is drawn, but the page only names it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that the paper states about its figures, and whether ours say so too."""

    text: str
    holds: bool
    because: str = ""
    """The figures it was judged by."""


Block = Comparison | Figure | Claim | str
"""What a page is made of; a string is a paragraph in Markdown."""


def markdown(blocks: list[Block]) -> str:
    """Format blocks one below the other as Markdown; claims in a row make one list."""
    text = ""
    for before, block in zip([None, *blocks], blocks, strict=False):
        together = isinstance(before, Claim) and isinstance(block, Claim)
        text += ("" if before is None else "\n" if together else "\n\n") + _markdown(block)
    return text


def table(lines: list[list[str]]) -> str:
    """Format a Markdown table; its second line holds the alignments."""
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _markdown(block: Block) -> str:
    if isinstance(block, Comparison):
        text = ["---"] * len(block.labels) + ["---:"] * 3
        lines = [block.header, text, *block.cells()]
        return f"**{block.title}**\n\n" + table(lines)
    if isinstance(block, Figure) and block.is_private:
        return f"`{block.file}` is drawn beside this page, and not published with it: {block.caption}"
    if isinstance(block, Figure):
        return f"![{block.caption}]({block.file})\n\n{block.caption}"
    if isinstance(block, Claim):
        verdict = "holds" if block.holds else "does not hold here"
        return f"- *{block.text}*: **{verdict}**" + (f" ({block.because})" if block.because else "")
    return block


def as_json(block: Block) -> dict[str, Any]:
    """Return a block as plain data; of a figure, its file and caption."""
    if isinstance(block, str):
        return {"kind": "note", "text": block}
    if isinstance(block, Figure):
        return {"kind": "figure", "file": block.file, "caption": block.caption}
    return {"kind": type(block).__name__.lower(), **asdict(block)}
