"""Recipes: everything that decides the outcome of a training run, in one strict TOML file."""

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from twinscale.errors import UsageError
from twinscale.strict import Between, from_mapping
from twinscale.untrusted import read_toml
from twinscale.zoo.card import TEXT

_RECIPES = Path(__file__).parent / "recipes"

Enlargement = Literal["nearest", "bilinear", "bicubic"]
Precision = Literal["32-true", "bf16-mixed"]

VALIDATIONS = 10
"""How often at least a run is validated whose length is not its recipe's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """Which network is trained."""

    architecture: str
    """A key of ``twinscale.nets.ARCHITECTURES``."""
    scale: Annotated[int, Between(1, 16)]
    colour: Literal["y", "rgb"]
    """Luminance or RGB."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """The architecture's own further arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """What the small picture of a pair goes through before it is restored."""

    name: str
    """A key of ``twinscale.rescale.channel.CHANNELS``."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """The channel's own arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSpec:
    """What the network sees."""

    train: list[str]
    """Names of sets, or folders with pictures."""
    validation: list[str] = field(default_factory=list)
    """``set/stem`` of the pictures set apart from ``train`` for choosing checkpoints; if empty, every
    tenth picture, ten at most."""
    crop: int
    """Side of the square crops in pixels of the full-size picture."""
    batch: int
    """Crops per step and device."""
    stride: int = 0
    """Crops lie on a grid of this stride, and an epoch sees each once in every turn of ``augment``; 0 draws crops and
    turns at random."""
    to_border: bool = False
    """Whether the grid reaches the right and lower border where the stride leaves a rest: its last crops then lie at
    the border, and overlap those before them. Otherwise the rest is never seen."""
    by_detail: bool = False
    """Whether random crops are drawn in proportion to the mean difference between their neighbouring pixels instead
    of evenly: photographs are mostly sky and blur, from which there is little to learn."""
    augment: Literal["none", "rotations", "all"] = "all"
    """No augmentation, the four rotations, or also their mirror images."""
    grey: float = 0.0
    """Share of the crops, 0 to 1, that are made grey, for networks of RGB: the small picture of a pair has no colours
    then in which it could keep something."""
    synthetic: float = 0.0
    """Share of the pixels to learn from, 0 to 1, that are drawn: text, line art, flats and gradients, see
    ``training/synthetic.py``."""
    reduced_first: int = 1
    """By how much all pictures are reduced bicubically before anything else, so that a network that keeps their size
    learns on small pictures; 1 leaves them as they are."""
    reduced_by: str = "bicubic"
    """What makes the small picture that super-resolution starts from: one of
    ``twinscale.images.downscaling.METHODS``, or a pair by its name or folder, whose shrinking network is not
    trained."""
    enlarged_by: Enlargement = "bicubic"
    """The kernel before a network whose input is already enlarged."""
    blur: float = 0.0
    """Sigma, in pixels, of the Gaussian blur before plain subsampling, instead of ``reduced_by``; 0 does not
    blur."""
    scales: list[int] = field(default_factory=list)
    """Scales that a network whose input is already enlarged is trained for, all in one run (Kim et al.
    2016, §4.3); if empty, the network's own."""
    qualities: list[int] = field(default_factory=list)
    """The lowest and the highest quality, 1 to 100, of the JPEG that the small picture is; each crop draws its own. If
    empty, it is not compressed."""
    subsampling: Literal["4:2:0", "4:2:2", "4:4:4", "any"] = "4:2:0"
    """The chroma subsampling of these JPEGs; of ``"any"``, each crop draws its own, mostly 4:2:0."""

    def __post_init__(self) -> None:
        _require_positive(crop=self.crop, batch=self.batch, reduced_first=self.reduced_first)
        for name, share in (("grey", self.grey), ("synthetic", self.synthetic)):
            if not 0 <= share < 1:
                raise UsageError(f"{name} = {share} must be a share, from 0 to below 1")
        for scale in self.scales:
            _require_positive(scales=scale)
        if self.qualities and not (len(self.qualities) == 2 and 1 <= self.qualities[0] <= self.qualities[1] <= 100):
            raise UsageError(f"qualities = {self.qualities} must be the lowest and the highest, from 1 to 100")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimisationSpec:
    """How the network learns."""

    steps: int
    loss: Literal["l1", "l2", "charbonnier", "psnr", "squared-norm"] = "l1"
    optimiser: Literal["adam", "muon", "sgd"] = "adam"
    """Adam, Muon (see ``training/muon.py``), or stochastic gradient descent with momentum 0.9."""
    fidelity: float = 0.0
    """Weight of the mean squared difference between a pair's small picture and the bicubic reduction: it
    trades restoration for the looks of the small picture. 0 leaves the small picture free."""
    colour_fidelity: float = 0.0
    """Weight of the mean square of what remains of that difference without its luma, in RGB: it keeps false colours out
    of the small picture, which the eye finds sooner than false brightness."""
    colour_bound: float = 0.0
    """Largest CIEDE2000 between a pair's small pictures and the bicubic reductions (99th percentile over the pixels,
    mean over the validation pictures) that weights may be the best with, however they restore; 0 bounds nothing."""
    rate: float = 0.0
    """Weight of what the small picture's file costs, for channels that estimate it: how much squared error a bit per
    pixel of the full-size picture is worth, by the mean quantisation step. About 0.025 is what another quality would
    trade (``docs/experiments/pack.md``)."""
    offset_distance: float = 0.0
    """Weight of how far the taps of a pair's kernels move: λ of Sun and Chen's equation 11, see ``losses.py``."""
    offset_variation: float = 0.0
    """Weight of how differently the taps of neighbouring kernels move: γ of the same equation. It keeps edges of the
    small picture straight and costs restoration."""
    learning_rate: float = 1e-3
    epsilon: float = 1e-8
    """Adam's: added to the root of the mean squared gradient."""
    decay: Literal["cosine", "step", "none"] = "cosine"
    decay_every: int = 0
    """Steps between two reductions of a step schedule."""
    decay_factor: float = 0.5
    final_learning_rate: float = 0.0
    """Where both schedules end."""
    warmup: int = 0
    """Steps over which the learning rate rises from zero."""
    output_layer_rate: float = 1.0
    """Learning rate of the output layers, relative to the others'."""
    frozen: list[str] = field(default_factory=list)
    """Parts of the network that do not learn, by their names in it, such as ``repair``."""
    clip_norm: float = 0.0
    """Largest norm of the gradient; 0 does not clip."""
    ema: float = 0.0
    """Decay per step of the averaged weights that are validated and exported; 0 keeps the last weights."""
    precision: Precision = "32-true"
    compile: bool = False
    """Whether torch compiles the network for the steps, which takes a minute and pays on some GPUs."""
    validate_every: int = 2000
    """Steps between two validations."""

    def __post_init__(self) -> None:
        _require_positive(steps=self.steps, validate_every=self.validate_every)


def shortened(spec: OptimisationSpec, steps: int, validations: int = VALIDATIONS) -> OptimisationSpec:
    """Return the optimisation in another number of steps: warm-up and decay in proportion, enough validations.

    Args:
        spec: how a network learns.
        steps: how many steps it shall take, usually fewer.
        validations: at least this many, regularly.
    """
    return replace(
        spec,
        steps=steps,
        warmup=min(spec.warmup, steps // 10),
        decay_every=spec.decay_every * steps // spec.steps,
        validate_every=max(1, min(spec.validate_every, steps // validations)),
    )


def _require_positive(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise UsageError(f"{name} = {value} must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One training run."""

    name: str
    description: Annotated[str, TEXT] = ""
    """Goes onto the card of the model."""
    seed: int = 0
    network: NetworkSpec
    channel: ChannelSpec | None = None
    """The channel of a pair; by default the pair's own, which is 8 bits. Super-resolution has none."""
    data: DataSpec
    optimisation: OptimisationSpec

    def __post_init__(self) -> None:
        for name, value in (("colour_fidelity", self.optimisation.colour_fidelity), ("grey", self.data.grey)):
            if value and self.network.colour != "rgb":
                raise UsageError(f"{name} = {value} is for networks of colour rgb: leave it out")

    @classmethod
    def load(cls, name_or_path: str | Path) -> "Recipe":
        """Read a recipe by the name of a shipped one or by its path.

        Raises:
            UsageError: there is no such recipe, it is not TOML, a key is unknown or missing, or a type is wrong.
        """
        path = Path(name_or_path)
        if path.suffix != ".toml":
            path = _RECIPES / f"{name_or_path}.toml"
            if str(name_or_path) not in shipped_recipes():
                raise UsageError(
                    f"no shipped recipe {str(name_or_path)!r}: use one of {', '.join(shipped_recipes())}, "
                    "or the path of a .toml file"
                )
        try:
            mapping = read_toml(path)
        except OSError as error:
            raise UsageError(f"cannot read recipe {path}: {error.strerror}") from None
        except ValueError as error:
            raise UsageError(f"recipe {name_or_path} is not valid TOML: {error}") from None
        return from_mapping(cls, mapping, f"recipe {name_or_path}")

    def with_settings(self, settings: Iterable[str]) -> "Recipe":
        """Return the recipe with other values.

        Args:
            settings: ``TABLE.KEY=VALUE`` each, such as ``data.batch=64``. The value is TOML, or a bare word.

        Raises:
            UsageError: a setting has another form, its key is unknown, or its value has the wrong type.
        """
        recipe = self
        for setting in settings:
            path, equals, value = setting.partition("=")
            *tables, key = path.strip().split(".")
            mapping = table = recipe._mapping()
            for name in tables:
                table = table.setdefault(name, {}) if isinstance(table, dict) else None
            if not (equals and key and isinstance(table, dict)):
                raise UsageError(f"--set {setting}: must be TABLE.KEY=VALUE as in a recipe, such as data.batch=64")
            table[key] = _toml_value(value.strip())
            recipe = from_mapping(Recipe, mapping, f"--set {setting}")
        return recipe

    def dumps(self) -> str:
        """Format the resolved recipe as TOML; what is None is left out."""
        import tomli_w  # only here, because reading a recipe needs nothing of the train extra

        return tomli_w.dumps(self._mapping())

    def _mapping(self) -> dict[str, Any]:
        return {key: value for key, value in dataclasses.asdict(self).items() if value is not None}

    def digest(self) -> str:
        """Return the SHA-256 of what the recipe says; a key that is added later, at its default, does not change it."""
        return hashlib.sha256(json.dumps(_said(self), sort_keys=True).encode()).hexdigest()


def _toml_value(text: str) -> Any:
    """Read a value as TOML does; what is none is a word whose quotes the shell took away."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _said(spec: Any) -> dict[str, Any]:
    """Return the fields that differ from their defaults."""
    said = {}
    for item in dataclasses.fields(spec):
        value = getattr(spec, item.name)
        default = item.default_factory() if item.default_factory is not dataclasses.MISSING else item.default
        if value != default:
            said[item.name] = _said(value) if dataclasses.is_dataclass(value) else value
    return said


def shipped_recipes() -> list[str]:
    """List the names of the recipes that come with the package."""
    return sorted(path.stem for path in _RECIPES.glob("*.toml"))
