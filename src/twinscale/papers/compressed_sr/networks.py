"""The networks of the tables, and the stages in which they learn here.

The paper's three steps are called stages, because each takes many training steps: all of them equally many.
"""

from dataclasses import replace

from twinscale.evaluation.protocol import Colour
from twinscale.papers.reproduction import Reproduction
from twinscale.training.recipe import NetworkSpec, Recipe

SCALE = 2
QUALITIES = (10, 20, 30)
"""Of the JPEGs, in the order in which networks learn them."""

# Of the training steps at once, how many a stage takes. A training step costs three forward passes, one where nothing
# learns. With repair taking a share r of a forward pass, the three stages cost 3r, 3 - 2r and 3 passes a step: up to
# r = 1/2 no more than all at once.
_SHARE = 3 / 6.5


def at_once(reproduction: Reproduction, colour: Colour = "y") -> Recipe:
    """Return the recipe of the network that learns the first quality end to end from random weights."""
    base = Recipe.load(f"{'paper-' * reproduction.is_full}compressed-sr-x{SCALE}")
    return replace(
        base,
        name=f"{base.name}-{colour}-at-once",
        network=replace(base.network, colour=colour),
        data=replace(base.data, validation=base.data.validation[::3]),  # four of them leave more of the time to learn
    )


def repair(reproduction: Reproduction, colour: Colour) -> Recipe:
    """Return the recipe of the first stage: it makes of compressed small pictures what they were before."""
    stage = _stage(reproduction, colour, "repair")
    data, sizes = stage.data, stage.network.parameters
    parameters = {"depth": sizes["repair_depth"], "width": sizes["repair_width"]}
    return replace(
        stage,
        description="The first stage: repair of the small pictures.",
        network=NetworkSpec(architecture="dncnn", scale=1, colour=colour, parameters=parameters),
        data=replace(data, reduced_first=SCALE, crop=data.crop // SCALE),
    )


def enlarge(reproduction: Reproduction, colour: Colour) -> Recipe:
    """Return the recipe of the second stage: the whole network, whose repairing part does not learn any more."""
    stage = _stage(reproduction, colour, "enlarge")
    reproduction.start_from(stage, {"repair": repair(reproduction, colour)})
    return replace(stage, optimisation=replace(stage.optimisation, frozen=["repair"]))


def whole(reproduction: Reproduction, colour: Colour, quality: int) -> Recipe:
    """Return the recipe of the network at a quality: the third stage, or fine-tuning from the quality before."""
    stage = _stage(reproduction, colour, f"q{quality}")
    place = QUALITIES.index(quality)
    before = whole(reproduction, colour, QUALITIES[place - 1]) if place else enlarge(reproduction, colour)
    reproduction.start_from(stage, {"": before})
    return replace(stage, data=replace(stage.data, qualities=[quality, quality]))


def _stage(reproduction: Reproduction, colour: Colour, name: str) -> Recipe:
    """Return what the stages have in common; the network that learns at once is timed for all."""
    timed, base = at_once(reproduction), at_once(reproduction, colour)
    steps = round(_SHARE * base.optimisation.steps)
    stage = replace(base, name=base.name.replace("at-once", name), optimisation=replace(base.optimisation, steps=steps))
    reproduction.keep_pace(timed, [stage], _SHARE)
    return stage


def vdsr(reproduction: Reproduction) -> Recipe:
    """Return the recipe of VDSR on luminance, which never sees a JPEG in training."""
    base, timed = Recipe.load("vdsr-x3"), at_once(reproduction)
    recipe = replace(
        base,
        name=f"vdsr-x{SCALE}-general100",
        description=f"VDSR x{SCALE} on luminance, trained on the pictures of the paper, which are not compressed.",
        network=replace(base.network, scale=SCALE, parameters={} if reproduction.is_full else {"width": 32}),
        data=replace(base.data, train=timed.data.train, validation=timed.data.validation[:2], scales=[], crop=42),
    )
    reproduction.keep_pace(timed, [recipe])
    return recipe
