"""How SRCNN learns here: the recipes that are compared, their networks, and how these converge."""

from dataclasses import replace

from numpy.typing import NDArray

from twinscale.nets.srcnn import SRCNN
from twinscale.papers.reproduction import Reproduction, Trained, planes_of
from twinscale.training.recipe import Recipe
from twinscale.training.runs import in_proportion
from twinscale.training.validation import validate

PICTURES = {"t91": ["T91"], "all": ["OpenPhotos", "CameraPhotos", "T91", "BSDS200"]}  # all: in place of ImageNet
BACKPROPAGATIONS = 8e8  # the paper's training

_SHARES = (1 / 300, 1 / 100, 1 / 30, 1 / 15, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1)  # of a training, where Set5 is measured


def our_recipe(pictures: str, scale: int = 3, **parameters: list[int] | str) -> Recipe:
    """Return our recipe on other pictures, ten of T91 set apart as in the paper's, perhaps for another network."""
    base, of_paper = Recipe.load(f"srcnn-x{scale}"), Recipe.load(f"paper-srcnn-x{scale}")
    details = ["-".join(map(str, [given] if isinstance(given, str) else given)) for given in parameters.values()]
    return replace(
        base,
        name="-".join([f"srcnn-x{scale}", pictures, *details]),
        network=replace(base.network, parameters={**base.network.parameters, **parameters}),
        data=replace(base.data, train=PICTURES[pictures], validation=of_paper.data.validation),
    )


def paper_recipe() -> Recipe:
    """Return the paper's recipe for x3, in batches (it names none) of as many pixels as ours: a step costs as much."""
    base = Recipe.load("paper-srcnn-x3")
    data = replace(base.data, batch=16)
    return replace(base, data=data, optimisation=replace(base.optimisation, steps=round(BACKPROPAGATIONS / data.batch)))


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
    planned, taken = recipe.optimisation.steps, trained(reproduction, recipe).steps
    pictures, points = planes_of("Set5"), {}
    for step in _measured_at(recipe):
        crops = in_proportion(step, planned, taken) * recipe.data.batch
        points[crops] = mean_psnr(trained_network(reproduction, recipe, step), recipe, pictures)
    return list(points.items())


def mean_psnr(network: SRCNN, recipe: Recipe, pictures: list[NDArray]) -> float:
    """Return the mean PSNR over pictures in dB by the protocol, whatever blur the recipe trains on."""
    return validate(network, pictures, replace(recipe, data=replace(recipe.data, blur=0.0))).psnr_y
