"""Tables 1 to 3, and what the three steps of training bring."""

from collections.abc import Iterator

from twinscale.evaluation.protocol import Colour, Protocol
from twinscale.evaluation.published import published_table
from twinscale.evaluation.trial import Transform
from twinscale.papers.compressed_sr import networks
from twinscale.papers.compressed_sr.methods import JPEG_OF, Method, bicubic, mean_psnr, psnrs, shipped, trained
from twinscale.papers.compressed_sr.networks import QUALITIES, SCALE
from twinscale.papers.report import Block, Claim, Comparison, ComparisonRow, Value
from twinscale.papers.reproduction import Reproduction
from twinscale.training.recipe import Recipe

_FIRST = QUALITIES[0]
_JPEG = "JPEG of"
_SHIPPED = ("fast-x2", "jpeg-x2")
"""Of ours, beside the methods of Table 3."""


def proposed(reproduction: Reproduction, protocol: Protocol) -> Method:
    """Return the paper's network for the quality and the colour of a protocol."""
    return trained(reproduction, _network(reproduction, protocol), protocol)


def _network(reproduction: Reproduction, protocol: Protocol) -> Recipe:
    assert protocol.jpeg is not None
    return networks.whole(reproduction, protocol.colour, protocol.jpeg)


def _protocols(colour: Colour) -> dict[str, Protocol]:
    """Return the protocols of one colour by the paper's name for their quality."""
    return {f"QF {quality}": Protocol(SCALE, colour, jpeg=quality) for quality in QUALITIES}


def table_1(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 1."""
    leads, gains, recipes = [], [], []
    for colour, how in JPEG_OF.items():
        rows = []
        for name, protocol in _protocols(colour).items():
            recipes.append(_network(reproduction, protocol))
            methods = (proposed(reproduction, protocol), bicubic(protocol))
            for dataset, theirs in published_table("compressed_sr", "table-1")[name].items():
                ours, plain = None, "–"
                if dataset in reproduction.sets:
                    ours, baseline = (mean_psnr(reproduction, each, protocol, dataset) for each in methods)
                    plain = f"{baseline:.2f}"
                    leads.append((round(ours - theirs, 2), f"{dataset} at {name}, {how}"))  # as it is printed
                    gains.append(ours - baseline)
                rows.append(ComparisonRow((dataset, name, how, plain), Value(theirs), Value.or_none(ours)))
        yield Comparison(f"JPEG of {how}", ("set", "quality", _JPEG, "bicubic, dB"), "dB", rows)
    yield Claim(
        "The network enlarges compressed pictures better than bicubic enlargement does",
        min(gains) > 0,
        f"it gains {min(gains):.2f} to {max(gains):.2f} dB over all cells",
    )
    short = ", ".join(f"{where} ({lead:+.2f} dB)" for lead, where in leads if lead < 0)
    yield (
        f"Published figures are reached in {sum(lead >= 0 for lead, _ in leads)} of {len(leads)} cells"
        + (f"; not reached: {short}." if short else ".")
    )
    yield reproduction.budget(recipes)


def table_2(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 2."""
    recipes = []
    for colour, how in JPEG_OF.items():
        rows = []
        for name, protocol in _protocols(colour).items():
            recipes.append(_network(reproduction, protocol))
            ours = psnrs(reproduction, proposed(reproduction, protocol), protocol, "Set5")
            printed = published_table("compressed_sr", "table-2")[name]
            rows += [
                ComparisonRow((picture, name, how), Value(theirs), Value(here))
                for (picture, theirs), here in zip(printed.items(), [*ours, sum(ours) / len(ours)], strict=True)
            ]
        yield Comparison(f"JPEG of {how}", ("picture", "quality", _JPEG), "dB", rows)
    yield reproduction.budget(recipes)


def table_3(reproduction: Reproduction) -> Iterator[Block]:
    """Make Table 3."""
    printed, vdsr = published_table("compressed_sr", "table-3")["Set5"], networks.vdsr(reproduction)
    recipes, reached = [vdsr], dict[str, dict[str, float]]()
    for colour, how in JPEG_OF.items():
        protocol = Protocol(SCALE, colour, jpeg=_FIRST)
        recipes.append(_network(reproduction, protocol))
        methods = {
            "bicubic": bicubic(protocol),
            "VDSR": trained(reproduction, vdsr, protocol),
            **{f"{name}, ours": shipped(name, protocol) for name in _SHIPPED},
            "proposed": proposed(reproduction, protocol),
        }
        ours = {name: mean_psnr(reproduction, method, protocol, "Set5") for name, method in methods.items()}
        reached[how] = ours
        rows = [
            ComparisonRow((name, how), Value(theirs), Value.or_none(ours.get(name))) for name, theirs in printed.items()
        ]
        rows += [ComparisonRow((name, how), None, Value(psnr)) for name, psnr in ours.items() if name not in printed]
        yield Comparison(f"Set5 at QF {_FIRST}, JPEG of {how}", ("method", _JPEG), "dB", rows)
    yield Claim(
        "VDSR, which knows nothing of compression, hardly gains on bicubic enlargement",
        all(ours["VDSR"] - ours["bicubic"] < 0.3 for ours in reached.values()),
        f"{_gains(reached, 'VDSR')}; in the paper {printed['VDSR'] - printed['bicubic']:+.2f} dB",
    )
    yield Claim(
        "The proposed network is far ahead of bicubic enlargement and of VDSR",
        all(max(ours["bicubic"], ours["VDSR"]) < ours["proposed"] - 0.5 for ours in reached.values()),
        f"{_gains(reached, 'proposed')}; in the paper {printed['proposed'] - printed['bicubic']:+.2f} dB",
    )
    yield (
        "SCSR and LBJSRD are quoted. VDSR has learnt from bicubic small pictures of the same set; in RGB, the colour "
        "beside it is enlarged bicubically. `fast-x2` and `jpeg-x2` are shipped: the first has not seen JPEGs either, "
        "the second has, of all qualities, and is told which it gets."
    )
    yield reproduction.budget(recipes)


def _gains(reached: dict[str, dict[str, float]], method: str) -> str:
    """Say what a method gains on bicubic enlargement under each protocol."""
    return ", ".join(f"{ours[method] - ours['bicubic']:+.2f} dB ({how})" for how, ours in reached.items())


def section_3(reproduction: Reproduction) -> Iterator[Block]:
    """Train in three steps and all at once."""
    protocol = Protocol(SCALE, "y", jpeg=_FIRST)
    steps = {
        "repair": networks.repair(reproduction, "y"),
        "enlarge": networks.enlarge(reproduction, "y"),
        "whole": networks.whole(reproduction, "y", _FIRST),
        "at once": networks.at_once(reproduction),
    }
    methods = {
        "none, bicubic": bicubic(protocol),
        "1: repair, then bicubic": _before_bicubic(reproduction, steps["repair"], protocol),
        "2: enlarge what was repaired": trained(reproduction, steps["enlarge"], protocol),
        "3: end to end": trained(reproduction, steps["whole"], protocol),
        "all at once, in as many multiply-adds": trained(reproduction, steps["at once"], protocol),
    }
    rows, leads, gains = [], [], []
    for dataset in reproduction.sets:
        ours = {name: mean_psnr(reproduction, method, protocol, dataset) for name, method in methods.items()}
        rows += [ComparisonRow((dataset, name, JPEG_OF["y"]), None, Value(psnr)) for name, psnr in ours.items()]
        *_, second, third, at_once = ours.values()
        leads.append(third - at_once)
        gains.append(third - second)
    yield Comparison(f"QF {_FIRST}, x{SCALE}", ("set", "after step", _JPEG), "none in the paper; dB", rows)
    yield Claim(
        "The three steps lead to a better network than all at once",
        min(leads) > 0,
        f"their lead for as many multiply-adds: {_span(leads)}",
    )
    yield Claim("The last step, end to end, improves on the two parts", min(gains) > 0, f"by {_span(gains)}")
    yield (
        "The three steps together take no more multiply-adds than all at once, each with a learning rate that falls to "
        "zero; learning counts as three forward passes, and a part that does not learn as one."
    )
    yield reproduction.budget(steps.values())


def _before_bicubic(reproduction: Reproduction, recipe: Recipe, protocol: Protocol) -> Method:
    """Return bicubic enlargement of what a network repaired."""
    made_by, load = trained(reproduction, recipe, protocol)

    def enlarge() -> Transform:
        repair = load()
        return lambda low: protocol.enlarge(repair(low))

    return Method(f"{made_by}, then bicubic", enlarge)


def _span(leads: list[float]) -> str:
    lowest, highest = (round(each, 2) + 0.0 for each in (min(leads), max(leads)))  # the sum turns -0.0 into 0.0
    return f"{lowest:+.2f} to {highest:+.2f} dB"
