"""From a recipe to its network."""

from typing import Any

from twinscale.errors import UsageError
from twinscale.nets import Pair, Upscaler, create
from twinscale.rescale.channel import Jpeg, create_channel
from twinscale.training.recipe import Recipe


def build(recipe: Recipe) -> Upscaler | Pair:
    """Build the untrained network of a recipe.

    Raises:
        UsageError: the architecture, the channel or a parameter is unknown, only a pair could have the channel, the
            network has nothing to train, or its files' rate cannot be estimated.
    """
    spec = recipe.network
    parameters: dict[str, Any] = {"scale": spec.scale, "channels": 1 if spec.colour == "y" else 3, **spec.parameters}
    if recipe.channel:
        parameters["channel"] = create_channel(recipe.channel.name, recipe.channel.parameters)
    network = create(spec.architecture, **parameters)
    if not any(True for _ in network.parameters()):
        raise UsageError(f"{spec.architecture} has no parameters to train: train a pair that has it as its second half")
    if recipe.optimisation.rate and not (isinstance(network, Pair) and isinstance(network.channel, Jpeg)):
        raise UsageError(f"rate = {recipe.optimisation.rate} needs a pair whose channel is jpeg: leave it out")
    return network
