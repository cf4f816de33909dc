"""How SRCNN learns here: the recipes that are compared, their networks, and how these converge."""

from dataclasses import replace

from numpy.typing import NDArray

from twinscale.nets.srcnn import SRCNN
from twinscale.papers.reproduction import Reproduction, Trained, planes_of
from twinscale.training.recipe import Recipe
from twinscale.training.validation import validate

PICTURES = {"t91": ["T91"], "all": ["OpenPhotos", "CameraPhotos", "T91", "BSDS200"]}  # all: in place of ImageNet
BACKPROPAGATIONS = 8e8  # the paper's training

_SHARES = (1 / 300, 1 / 100, 1 / 30, 1 / 15, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1)  # of a training, where Set5 is measured


def learning_recipe(reproduction: Reproduction, pictures: str, scale: int = 3, **parameters: list[int] | str) -> Recipe:
    """Return the recipe by which an item's networks learn: the paper's in a full reproduction, ours otherwise.

    Args:
        reproduction: what trains them.
        pictures: a key of ``PICTURES``; ten of T91 are set apart as in the paper's recipe.
        scale: 2, 3 or 4.
        **parameters: arguments of the network that differ from the recipe's.
    """
    return (paper_recipe if reproduction.is_full else our_recipe)(pictures, scale, **parameters)


def our_recipe(pictures: str, scale: int = 3, **parameters: list[int] | str) -> Recipe:
    """Return our recipe on other pictures, perhaps for another network; see :func:`learning_recipe`."""
    base, of_paper = Recipe.load(f"srcnn-x{scale}"), Recipe.load(f"paper-srcnn-x{scale}")
    data = replace(base.data, train=PICTURES[pictures], validation=of_paper.data.validation)
    return _for_network(replace(base, data=data), [f"srcnn-x{scale}", pictures], parameters)


def paper_recipe(pictures: str = "t91", scale: int = 3, **parameters: list[int] | str) -> Recipe:
    """Return the paper's recipe in batches (it names none) of as many pixels as ours, so that a step costs as much."""
    base = Recipe.load(f"paper-srcnn-x{scale}")
    data = replace(base.data, train=PICTURES[pictures], batch=16)
    optimisation = replace(base.optimisation, steps=round(BACKPROPAGATIONS / data.batch))
    name = [base.name] + [pictures] * (pictures != "t91")
    return _for_network(replace(base, data=data, optimisation=optimisation), name, parameters)


def _for_network(base: Recipe, name: list[str], parameters: dict[str, list[int] | str]) -> Recipe:
    details = ["-".join(map(str, [given] if isinstance(given, str) else given)) for given in parameters.values()]
    network = replace(base.network, parameters={**base.network.parameters, **parameters})
    description = f"SRCNN x{network.scale} on luminance, trained on {', '.join(base.data.train)}."
    return replace(base, name="-".join([*name, *details]), description=description, network=network)


def _measured_at(recipe: Recipe) -> list[int]:
    return [max(1, round(share * recipe.optimisation.steps)) for share in _SHARES]


def trained(reproduction: Reproduction, recipe: Recipe) -> Trained:
    """Train the network of a recipe, with snapshots for its convergence."""
    return reproduction.trained(recipe, snapshots=_measured_at(recipe))


def trained_network(reproduction: Reproduction, recipe: Recipe, at: int | None = None) -> SRCNN:
    """Load the network of a recipe, perhaps at one of the steps at which its convergence is measured."""
    network = reproduction.network(recipe, at)
    assert isinstance(network, SRCNN)
    return network


def convergence(reproduction: Reproduction, recipe: Recipe) -> list[tuple[float, float]]:
    """Return backpropagations, that is crops learnt from, and PSNR on Set5 in dB."""
    trained(reproduction, recipe)
    pictures, points = planes_of("Set5"), {}
    for step in _measured_at(recipe):
        crops = reproduction.taken(recipe, step) * recipe.data.batch
        points[crops] = mean_psnr(trained_network(reproduction, recipe, step), recipe, pictures)
    return list(points.items())


def mean_psnr(network: SRCNN, recipe: Recipe, pictures: list[NDArray]) -> float:
    """Return the mean PSNR over pictures in dB by the protocol, whatever blur the recipe trains on."""
    return validate(network, pictures, replace(recipe, data=replace(recipe.data, blur=0.0))).psnr_y
