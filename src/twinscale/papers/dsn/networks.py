"""The networks of DSN's tables, and the recipes that train them here."""

from dataclasses import replace

from twinscale.evaluation.evaluate import rescaler_of
from twinscale.evaluation.protocol import Protocol
from twinscale.evaluation.provenance import REFERENCE
from twinscale.evaluation.trial import Rescaler
from twinscale.papers.reproduction import Reproduction
from twinscale.rescale import load
from twinscale.training.recipe import Enlargement, Recipe

PAIR = "dsn-y-x3"  # the fixed Down-SNet of Table 3

# The paper has two SRCNNs: 9-1-5 in §2, and 9-5-5 of SRCNN's later version wherever it cites that ([32]).
NAMES = {
    "srcnn": "SRCNN 9-1-5",
    "srcnn-955": "SRCNN 9-5-5",
    "fsrcnn": "FSRCNN",
    "espcn": "ESPCN",
    "vdsr": "VDSR",
    "upsnet": "Up-SNet",
}


def network(name: str, reduced_by: str = "bicubic", enlarged_by: Enlargement = "bicubic") -> Recipe:
    """Return the x3 recipe of a network on the paper's training pictures (§4.1), all for this one scale."""
    base, of_paper = Recipe.load(f"{name.removesuffix('-955')}-x3"), Recipe.load(PAIR).data
    spec, validation = base.network, of_paper.validation
    if name == "srcnn-955":
        spec = replace(spec, parameters={**spec.parameters, "kernels": [9, 5, 5]})
    if name == "vdsr":  # takes more than a second per picture on a CPU
        validation = validation[::4][:2]
    data = replace(
        base.data,
        train=of_paper.train,
        validation=validation,
        scales=[],
        reduced_by=reduced_by,
        enlarged_by=enlarged_by,
    )
    details = [name, "x3", reduced_by] + [enlarged_by] * (enlarged_by != "bicubic")
    description = f"{NAMES[name]} x3 on luminance, trained on the pictures of DSN's paper."
    return replace(base, name="-".join(details), description=description, network=spec, data=data)


def pair(reproduction: Reproduction, scale: int) -> Recipe:
    """Return the recipe of a pair: the paper's in a full reproduction, ours otherwise."""
    return Recipe.load(f"{'paper-' * reproduction.is_full}dsn-y-x{scale}")


def shipped(name: str) -> str:
    """Say what a shipped pair is, in the middle of a sentence."""
    return f"the shipped `{name}`, by our own recipe and for as long as its card says (`twinscale models show {name}`)"


def pair_rescaler(reproduction: Reproduction, protocol: Protocol) -> Rescaler:
    """Return the paper's pair, trained by its recipe in a full reproduction and shipped otherwise."""
    if reproduction.is_full:
        return reproduction.rescaler(pair(reproduction, protocol.scale))
    return rescaler_of(load(f"dsn-y-x{protocol.scale}", REFERENCE), protocol)


def pair_budget(reproduction: Reproduction, *scales: int) -> str:
    """Say how the pairs of :func:`pair_rescaler` were trained."""
    if reproduction.is_full:
        return reproduction.budget([pair(reproduction, scale) for scale in scales])
    return f"DSN, ours, is {' or '.join(shipped(f'dsn-y-x{scale}') for scale in scales)}."
