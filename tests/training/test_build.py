"""From recipes to networks."""

import pytest

from twinscale.errors import UsageError
from twinscale.nets import Pair
from twinscale.rescale.channel import EightBits, Unchanged
from twinscale.training.build import build
from twinscale.training.recipe import ChannelSpec, Recipe, shipped_recipes


@pytest.mark.parametrize("name", shipped_recipes())
def test_network_of_a_shipped_recipe(name):
    recipe = Recipe.load(name)
    network = build(recipe)
    assert (network.scale, network.channels) == (recipe.network.scale, 3 if recipe.network.colour == "rgb" else 1)
    enlarged = not isinstance(network, Pair) and network.interpolated_input
    multiple = network.down.multiple_of if isinstance(network, Pair) else network.scale
    assert enlarged or recipe.data.crop % multiple == 0
    assert enlarged or not recipe.data.scales
    assert isinstance(network, Pair) or not recipe.optimisation.fidelity
    assert recipe.optimisation.warmup < recipe.optimisation.steps


@pytest.mark.parametrize("architecture", ["dsn", "twin"])
def test_the_channel_of_a_pair(recipe, architecture):
    for spec, channel in (
        (None, EightBits()),
        (ChannelSpec(name="8-bit"), EightBits()),
        (ChannelSpec(name="none"), Unchanged()),
    ):
        assert build(recipe(architecture=architecture, channel=spec)).channel == channel


def test_channels_are_strict(recipe):
    with pytest.raises(UsageError, match="unknown channel '9-bit': use one of 8-bit, none, jpeg, file"):
        build(recipe(channel=ChannelSpec(name="9-bit")))
    with pytest.raises(UsageError, match="channel 8-bit: unknown key 'quality'"):
        build(recipe(channel=ChannelSpec(name="8-bit", parameters={"quality": 90})))


def test_a_restoring_network_is_told_what_the_channel_tells(recipe):
    for name, conditions in (("8-bit", 0), ("jpeg", 3), ("file", 1)):
        for parameters in ({}, {"upscaler": "lean"}):
            made = recipe(architecture="twin", parameters=parameters, channel=ChannelSpec(name=name))
            assert build(made).up.conditions == conditions


@pytest.mark.parametrize("changes", [{}, {"channel": ChannelSpec(name="file")}, {"architecture": "espcn"}])
def test_only_the_rate_of_jpeg_can_be_estimated(recipe, changes):
    with pytest.raises(UsageError, match=r"rate = 0\.1 needs a pair whose channel is jpeg: leave it out"):
        build(recipe(rate=0.1, **changes))


def test_super_resolution_has_no_channel(recipe):
    with pytest.raises(UsageError, match="espcn has no parameter 'channel'"):
        build(recipe(architecture="espcn", channel=ChannelSpec(name="8-bit")))


def test_a_network_without_parameters_cannot_be_trained(recipe):
    with pytest.raises(UsageError, match="bicubic has no parameters to train: train a pair that has it as its second"):
        build(recipe(architecture="bicubic"))
