"""Run folders: found, read and compared."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("tomli_w")  # to write them

from tests.runs import ROWS, make_run
from twinscale.errors import UsageError
from twinscale.training.runs import (
    Run,
    best_of,
    differences,
    find_runs,
    in_proportion,
    readme,
    short_names,
)


def test_a_run_tells_what_it_was_and_what_it_reached(tmp_path):
    run = Run.load(make_run(tmp_path / "one"))
    assert run.facts() == {
        "name": "tiny",
        "folder": str(tmp_path / "one"),
        "architecture": "espcn",
        "scale": 2,
        "colour": "y",
        "data": ["/home/someone/Pictures", "T91"],
        "steps": 150,
        "planned_steps": 150,
        "finished": True,
        "minutes": 3.0,
        "pictures_per_second": 77.5,
        "machine": "4 CPU cores (x86_64), 32-true",
        "training_loss": 0.1,
        "validation_loss": 0.1,  # of the best step
        "validation_psnr_y": 31.5,
        "best_step": 100,
        "bicubic_psnr_y": 27.5,
    }


def test_a_run_that_goes_on(tmp_path):
    facts = Run.load(make_run(tmp_path / "one", rows=ROWS[:2])).facts()
    assert (facts["steps"], facts["planned_steps"], facts["finished"], facts["best_step"]) == (75, 150, False, 50)
    started = Run.load(make_run(tmp_path / "two", rows=[])).facts()
    assert (started["steps"], started["finished"], started["minutes"]) == (0, False, 0)
    for unknown in ("validation_psnr_y", "best_step", "machine", "pictures_per_second", "training_loss"):
        assert started[unknown] is None


def test_other_folders_are_no_runs(tmp_path):
    with pytest.raises(UsageError, match=r"is not a run folder with recipe\.toml and log\.csv"):
        Run.load(tmp_path)


def test_runs_are_found_at_any_depth(tmp_path):
    for name in ("b", "a/x", "a/y"):
        make_run(tmp_path / name)
    (tmp_path / "b" / "models").mkdir()
    (tmp_path / "recipe.toml").touch()  # a recipe alone is no run
    assert list(find_runs(tmp_path)) == [tmp_path / name for name in ("a/x", "a/y", "b")]
    assert list(find_runs(tmp_path / "b")) == [tmp_path / "b"]


def test_names_are_as_short_as_they_can_be():
    assert short_names([Path("runs/a"), Path("runs/b")]) == ["a", "b"]
    assert short_names([Path("x/a"), Path("y/a"), Path("y/b")]) == ["x/a", "y/a", "b"]


def test_only_what_differs_is_shown(tmp_path):
    one = Run.load(make_run(tmp_path / "one")).recipe
    network = replace(one.network, parameters={"width": 8})
    other = replace(one, name="other", description="another", network=network)
    other = replace(other, optimisation=replace(one.optimisation, learning_rate=0.1))
    assert differences([one, other]) == {
        "network.parameters.width": [None, 8],
        "optimisation.learning_rate": [1e-3, 0.1],
    }
    assert differences([one, one]) == {}


def test_the_best_of_runs_that_compare(tmp_path):
    low = Run.load(make_run(tmp_path / "low", rows=ROWS[:1]))
    high, none = Run.load(make_run(tmp_path / "high")), Run.load(make_run(tmp_path / "none", rows=[]))
    assert best_of([low, high, none]) is high
    assert best_of([none]) is None
    assert best_of([high, Run.load(make_run(tmp_path / "x3", network={"scale": 3}))]) is None


def test_a_run_that_was_retimed_is_finished_after_as_many_steps_as_it_then_planned(tmp_path):
    for steps, is_finished in ((150, True), (151, False)):
        run = make_run(tmp_path / str(steps), steps=90)
        summary = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps({**summary, "planned_steps": steps}))
        facts = Run.load(run).facts()
        assert (facts["steps"], facts["planned_steps"], facts["finished"]) == (150, steps, is_finished)


def test_reading_runs_needs_nothing_of_the_train_extra(tmp_path):
    make_run(tmp_path / "one")
    script = (
        "import sys; sys.modules |= dict.fromkeys(['torch', 'tomli_w', 'safetensors', 'onnx', 'lightning_fabric']); "
        "from twinscale.training.runs import Run; from pathlib import Path; print(Run.load(Path('one')).steps)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "150", done.stderr


def test_steps_in_proportion():
    assert [in_proportion(step, 200, 50) for step in (1, 4, 100, 200)] == [1, 1, 25, 50]


@pytest.mark.parametrize(
    ("taken", "is_pair", "expected"), [(40, True, ("--resume", "shrink")), (150, False, ("--from", "upscale"))]
)
def test_the_readme_says_what_can_be_done_next(tmp_path, taken, is_pair, expected):
    run = Run.load(make_run(tmp_path / "my run"))
    summary = {
        "steps": taken,
        "planned_steps": 150,
        "minutes": 1.5,
        "machine": "a machine",
        "training_loss": 0.1234,
        "validation_psnr_y": None,
        "best_step": 0,
    }
    text = readme(run.folder, run.recipe, summary, "twinscale train tiny", is_pair=is_pair)
    assert f"twinscale train '{run.folder / 'recipe.toml'}' {expected[0]} " in text
    assert f"twinscale {expected[1]} -m " in text
    assert ("twinscale export" in text) == (taken < 150)  # a finished run has exported itself
    assert f"{taken} of 150, in 1.5 minutes on a machine" in text
    assert "| best validation | none yet |" in text
    assert "| data | /home/someone/Pictures, T91 |" in text
