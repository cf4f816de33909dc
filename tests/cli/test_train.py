"""``train`` as a user runs it: from pictures to a model that enlarges one."""

import os
import shlex
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from twinscale.cli.app import app
from twinscale.errors import TwinscaleError, UsageError
from twinscale.training.jobs import Plan
from twinscale.training.recipe import Recipe
from twinscale.zoo import load_card, model_names


@pytest.fixture(autouse=True)
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four pictures of smooth random shapes in ``Pictures``, in the working directory."""
    rng = np.random.default_rng(0)
    (tmp_path / "Pictures").mkdir()
    for i in range(4):
        coarse = Image.fromarray(rng.integers(0, 256, (7, 8, 3), dtype=np.uint8))
        coarse.resize((64, 56), Image.Resampling.BICUBIC).save(tmp_path / "Pictures" / f"p{i}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWINSCALE_MALLOC", "0")  # malloc is set for a whole process


def test_from_pictures_to_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["train", "espcn-x3", "--data", "Pictures", "--steps", "4", "--preview-every", "2"]
    monkeypatch.setattr("sys.argv", ["twinscale", *command])
    trained = CliRunner().invoke(app, [*command, "--accelerator", "cpu"])
    assert trained.exit_code == 0, trained.exception
    folder = Path("runs") / "espcn-x3"
    model = folder / "models" / "espcn-x3"
    assert trained.stdout.startswith(f"{model} (")
    assert "3 pictures to train on, 1 to validate" in trained.stderr
    assert "step 4/4" in trained.stderr
    assert [path.name for path in sorted(folder.glob("previews/*"))] == ["step-0000002.png", "step-0000004.png"]
    assert f"twinscale {' '.join(command)} " in (folder / "README.md").read_text()
    enlarged = CliRunner().invoke(app, ["upscale", "-m", str(model), "Pictures/p0.png", "-s", "3", "large.png"])
    assert enlarged.exit_code == 0, enlarged.exception
    assert Image.open("large.png").size == (192, 168)


def refusal(*arguments: str) -> str:
    """The message of the error that a command ends with on a CPU."""
    return refused(*arguments, "--accelerator", "cpu")


def refused(*arguments: str) -> str:
    """The message of the error that a command ends with."""
    result = CliRunner().invoke(app, ["train", *arguments])
    assert isinstance(result.exception, UsageError), result.output
    return str(result.exception)


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "precious.txt").touch()
    before = sorted(tmp_path.rglob("*"))
    assert ". holds other files" in refusal("espcn-x3", "--data", "Pictures", "--steps", "1", "-o", ".")
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "README.md").read_text() == "mine"


def test_what_would_change_a_run_is_refused_when_it_is_resumed() -> None:
    assert "holds no checkpoint to resume from" in refusal("espcn-x3", "--resume")
    settings = ["--set", "data.batch=2"]
    for option in (["--steps", "9"], ["--minutes", "9"], ["--data", "Pictures"], ["--from", "fast-x2"], settings):
        assert "--resume continues a run as it was started: leave out what" in refusal("espcn-x3", "--resume", *option)


def test_an_interrupted_run_says_how_to_continue_and_keeps_models_that_are_not_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from twinscale.training.learner import Learner

    take = Learner.step

    def step(learner: Learner, position: float, *batch: Any) -> Any:
        if position == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return take(learner, position, *batch)

    command = ["train", "espcn-x3", "--data", "Pictures", "--steps", "3", "--preview-every", "0", "-o", "my run"]
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", step)
        stopped = CliRunner().invoke(app, [*command, "--accelerator", "cpu"])
    assert "interrupted, with a checkpoint, at step 2 of 3" in stopped.stderr
    (line,) = [line for line in stopped.stderr.splitlines() if line.startswith("continue with: ")]
    other = Path("my run", "models", "other")
    other.mkdir(parents=True)
    _, *again = shlex.split(line.removeprefix("continue with: "))
    for _ in range(2):  # a finished run exports again
        resumed = CliRunner().invoke(app, [*again, "--accelerator", "cpu"])
        assert resumed.exit_code == 0, resumed.exception
        assert "going on from step" in resumed.stderr
    assert sorted(path.name for path in Path("my run", "models").iterdir()) == ["my run", "other"]


def test_single_values_of_a_recipe_are_set() -> None:
    command = ["train", "espcn-x3", "--data", "Pictures", "--steps", "2", "--preview-every", "0"]
    settings = ["--set", "data.batch=3", "--set", "optimisation.precision=32-true", "--set", "optimisation.warmup=1"]
    trained = CliRunner().invoke(app, [*command, *settings, "--accelerator", "cpu"])
    assert trained.exit_code == 0, trained.exception
    recipe = Recipe.load(Path("runs", "espcn-x3", "recipe.toml"))
    assert (recipe.data.batch, recipe.data.train) == (3, ["Pictures"])
    assert recipe.optimisation.precision == "32-true"
    assert (recipe.optimisation.steps, recipe.optimisation.warmup) == (2, 1)
    assert "did you mean 'batch'?" in refusal("espcn-x3", "--set", "data.batc=3")


# Several trainings


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The plans that would be carried out; nothing is trained."""
    plans: list[Plan] = []
    monkeypatch.setattr("twinscale.training.jobs.carry_out", plans.append)
    monkeypatch.setattr(Plan, "unfinished", lambda plan: [])
    return plans


def test_several_recipes_are_trained_side_by_side(planned: list[Plan]) -> None:
    shared = ["--data", "Pictures", "--set", "data.batch=2", "--set", "data.crop=24", "--accelerator", "cpu"]
    ran = CliRunner().invoke(app, ["train", "espcn-x3", "fast-x2", *shared, "--minutes", "3", "-o", "all"])
    assert ran.exit_code == 0, ran.exception
    (plan,) = planned
    assert (plan.folder, plan.minutes, plan.on_gpu, plan.is_tuned) == (Path("all"), 3.0, False, False)
    assert 1 <= plan.at_once <= 2
    for name, job in zip(("espcn-x3", "fast-x2"), plan.jobs, strict=True):
        run = Path("all", name)
        assert (job.recipe, job.folder, job.replaces) == (name, run, None)
        assert job.start[0] == name
        assert sorted(job.start[1:]) == sorted([*shared, "-o", str(run)])
        assert job.resume == [str(run / "recipe.toml"), "--resume", "--accelerator", "cpu", "-o", str(run)]


def test_a_queue_says_on_each_line_what_follows_train(planned: list[Plan]) -> None:
    Path("queue.txt").write_text(
        "# most wanted first\n\n"
        "espcn-x3 --data Pictures --steps 9   # soon\n"
        "espcn-x3 --data Pictures --from 'runs/espcn-x3' --minutes 9 -o 'runs/espcn x3'\n"
    )
    ran = CliRunner().invoke(app, ["train", "--queue", "queue.txt"])
    assert ran.exit_code == 0, ran.stderr
    (plan,) = planned
    assert (plan.at_once, plan.minutes, plan.is_tuned) == (1, None, True)
    first, second = (job.start for job in plan.jobs)
    assert first == ["espcn-x3", "--data", "Pictures", "--steps", "9", "-o", "runs/espcn-x3"]
    assert second[-2:] == ["-o", "runs/espcn x3"]
    assert second[second.index("--minutes") + 1] == "9.0"


def test_only_what_can_be_compared_may_replace_a_shipped_model(planned: list[Plan], monkeypatch: Any) -> None:
    monkeypatch.setattr("twinscale.training.requirements.requirements", lambda *_: [])
    Path("queue.txt").write_text("fast-x2\nfast-x3 --data Pictures\nespcn-x3\n")
    assert CliRunner().invoke(app, ["train", "--queue", "queue.txt", "--jobs", "2"]).exit_code == 0
    (plan,) = planned
    assert plan.at_once == 2
    assert [job.replaces for job in plan.jobs] == [load_card("fast-x2").folder, None, None]


def test_the_queue_in_the_documents_can_be_taken(planned: list[Plan], monkeypatch: Any) -> None:
    monkeypatch.setattr("twinscale.training.requirements.requirements", lambda *_: [])
    queue = Path(__file__).parents[2] / "docs" / "training-queue.txt"
    ran = CliRunner().invoke(app, ["train", "--queue", str(queue)])
    assert ran.exit_code == 0, ran.exception
    (plan,) = planned
    shipped = {job.recipe for job in plan.jobs} & set(model_names())
    assert len(shipped) > 10
    assert {job.replaces.name for job in plan.jobs if job.replaces} == shipped


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("fast-x2 --stepps 3", "line 2: No such option"),
        ("fast-x2 --steps x", "line 2: Invalid value for '--steps'"),
        ("fast-x2 'open", "line 2: No closing quotation"),
        ("fast-x2 fast-x3", "line 2: must be one recipe and how it is trained, not 'fast-x2 fast-x3'"),
        ("fast-x2 --resume", "line 2: must be one recipe"),
        ("fast-x9", "no shipped recipe 'fast-x9'"),
        ("fast-x2 --steps 3 --minutes 3", "--steps and --minutes both say how long"),
        ("fast-x2 --set data.batch=x", "batch = 'x' must be of type int"),
    ],
)
def test_a_wrong_line_of_a_queue_is_named_before_anything_begins(line: str, message: str, planned: list[Plan]) -> None:
    Path("queue.txt").write_text(f"# first\n{line}\n")
    assert message in refused("--queue", "queue.txt")
    assert not planned


def test_what_does_not_fit_together_is_refused(planned: list[Plan]) -> None:
    Path("queue.txt").write_text("# nothing yet\n")
    assert "lists no training" in refused("--queue", "queue.txt")
    assert "name recipes, or a --queue" in refusal()
    assert "name recipes, or a --queue" in refusal("fast-x2", "--queue", "queue.txt")
    assert "cannot read the queue none.txt" in refused("--queue", "none.txt")
    assert "--set concerns a single training" in refused("--queue", "queue.txt", "--set", "data.batch=2")
    assert "--resume is for a single run" in refusal("fast-x2", "fast-x3", "--resume")
    assert "two trainings would share a folder" in refusal("espcn-x3", "espcn-x3", "--data", "Pictures")
    assert not planned


def test_a_check_lists_what_is_there_and_what_is_missing(planned: list[Plan]) -> None:
    command = ["train", "--check", "espcn-x3", "--accelerator", "cpu"]
    fine = CliRunner().invoke(app, [*command, "--data", "Pictures"])
    assert fine.exit_code == 0, fine.exception
    assert "found    espcn-x3: pictures: 3 to train on, 1 to validate, from Pictures\n" in fine.stdout
    lacking = CliRunner().invoke(app, [*command, "--data", "Nowhere"])
    assert isinstance(lacking.exception, UsageError)
    assert "MISSING  espcn-x3: pictures: 'Nowhere': no such set or folder" in lacking.stdout
    assert str(lacking.exception) == "1 of 5 requirements are not met, see above"
    several = CliRunner().invoke(app, ["train", "espcn-x3", "fast-x2", "--data", "Nowhere", "--accelerator", "cpu"])
    assert [line.split(":")[0] for line in several.stderr.splitlines()] == ["MISSING  espcn-x3", "MISSING  fast-x2"]
    assert not planned
    assert not Path("runs").exists()


def test_what_is_not_finished_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinscale.training.jobs.carry_out", lambda plan: None)
    ran = CliRunner().invoke(app, ["train", "espcn-x3", "--data", "Pictures", "--jobs", "1", "--accelerator", "cpu"])
    assert isinstance(ran.exception, TwinscaleError)
    assert str(ran.exception) == "1 of 1 not finished, see runs/espcn-x3.log; the same command continues"
