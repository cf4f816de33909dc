"""Several trainings: who runs when and where, and what becomes of them if somebody is stopped."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from types import SimpleNamespace

import pytest

from twinscale.training import cores, jobs
from twinscale.training.archive import ARCHIVE
from twinscale.training.jobs import Job, Plan
from twinscale.training.lock import is_held

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs cores that can be chosen")

# Stands for the twinscale command: takes a step every hundredth of a second up to the thirtieth and notes what it was
# told. SIGTERM makes it write a checkpoint and end; those called endless do not end otherwise, unless they are resumed.
TRAINER = """#!PYTHON
import fcntl, json, os, signal, sys, time
from pathlib import Path

_, _, _, command, *words = sys.argv
place = [sorted(os.sched_getaffinity(0)), int(os.environ["OMP_NUM_THREADS"])]

def note(**what):
    with open("RECORD", "a") as record:
        print(json.dumps(what), file=record)

note(words=[command, *words], place=place)
if command == "bench" and "unmeasured" in words:
    sys.exit("twinscale: it cannot be measured")
if command == "bench":
    fastest = {"threads": 1, "precision": "bf16-mixed", "compile": False}
    print("round 1", json.dumps({"fastest": fastest}), sep=os.linesep)
    sys.exit()
if command == "export":
    sys.exit("twinscale: it does not beat what is there")
if "broken" in words:
    sys.exit("twinscale: broken: it cannot be trained")
stopped = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
run = Path(words[words.index("-o") + 1])
run.mkdir(parents=True, exist_ok=True)
steps = int((run / "checkpoint.safetensors").read_text()) if "--resume" in words else 0
(run / "recipe.toml").write_text(Path("RECIPE").read_text())
log = (run / "log.csv").open("w")
fcntl.flock(log, fcntl.LOCK_EX)
note(began=run.name)
is_endless = "endless" in run.name and "--resume" not in words
while (steps < 30 or is_endless) and not stopped:
    time.sleep(0.01)
    steps += 1
print("step,loss,learning_rate,validation_loss,validation_psnr_y,seconds,pictures_per_second", file=log)
print(f"{min(steps, 29) if stopped else steps},0.1,0.1,,30.0,1.0,1.0", file=log, flush=True)
(run / "checkpoint.safetensors").write_text(str(min(steps, 29) if stopped else steps))
if stopped:
    sys.exit("interrupted")
model = run / "models" / run.name
model.mkdir(parents=True)
(model / "card.toml").touch()
note(ended=run.name)
print(f"{model} (30.00 dB)")
"""


@pytest.fixture
def calls(recipe, tmp_path, monkeypatch):
    """Lets the trainer stand for Python in jobs; returns what it was called with so far."""
    names = {name: tmp_path / name.lower() for name in ("RECORD", "RECIPE", "TRAINER")}
    names["RECORD"].touch()
    names["RECIPE"].write_text(recipe(steps=30).dumps())
    text = TRAINER.replace("PYTHON", sys.executable)
    for name, path in names.items():
        text = text.replace(name, str(path))
    names["TRAINER"].write_text(text)
    names["TRAINER"].chmod(0o755)
    monkeypatch.setattr(jobs, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(jobs.sys, "executable", str(names["TRAINER"]))

    def noted(key="words"):
        notes = [json.loads(line) for line in names["RECORD"].read_text().splitlines()]
        return [note for note in notes if key in note] if key else notes

    return noted


def plan_of(folder, *names, replaces=None, **changes):
    made = []
    for name in names:
        run = folder / name
        resume = [str(run / "recipe.toml"), "--resume", "-o", str(run)]
        made.append(Job(recipe=name, folder=run, start=[name, "-o", str(run)], resume=resume, replaces=replaces))
    folder.mkdir(exist_ok=True)
    return Plan(**{"folder": folder, "jobs": made, "at_once": 2, "on_gpu": False, **changes})


def said(capsys):
    """What was said of each training, without the time and the folder above."""
    lines = [line.split(" ", 1)[1].rsplit("/runs/", 1)[-1] for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if not line.startswith(ARCHIVE)]


def test_a_plan_is_read_as_it_was_written(tmp_path):
    plan = plan_of(tmp_path / "runs", "a", "b", minutes=3.5, replaces=tmp_path / "models" / "a")
    assert Plan.loads(plan.dumps()) == plan


def test_all_are_trained_each_on_its_core_and_gathered(calls, tmp_path, capsys):
    plan = plan_of(tmp_path / "runs", "a", "b", "c")
    jobs._Work(plan).do()
    assert not plan.unfinished()
    places = cores.shares(2)
    assert sorted(call["words"] for call in calls()) == [["train", *job.start] for job in plan.jobs]
    assert all(call["place"] in [[place, len(place)] for place in places] for call in calls())
    notes = calls("")
    third = next(i for i, note in enumerate(notes) if note.get("words", [""] * 2)[1] == "c")
    assert any("ended" in note for note in notes[:third])  # two at a time
    lines = said(capsys)
    assert sum(line.endswith("a/models/a (30.00 dB)") for line in lines) == 1
    with zipfile.ZipFile(tmp_path / "runs" / ARCHIVE) as kept:
        assert {name for name in kept.namelist() if "models" in name} == {f"{n}/models/{n}/card.toml" for n in "abc"}


def test_the_same_plan_again_only_does_what_is_missing(calls, tmp_path, capsys):
    jobs._Work(plan_of(tmp_path / "runs", "a")).do()
    plan = plan_of(tmp_path / "runs", "a", "b", "broken")
    jobs._Work(plan).do()
    assert sorted(call["words"][1] for call in calls()) == ["a", "b", "broken"]
    assert [job.recipe for job in plan.unfinished()] == ["broken"]
    lines = said(capsys)
    assert "a: is finished" in lines
    assert "broken: twinscale: broken: it cannot be trained" in lines


def test_the_time_is_shared_by_those_that_run_one_after_the_other(calls, tmp_path, monkeypatch):
    clock = SimpleNamespace(monotonic=lambda: 100.0, strftime=time.strftime)
    monkeypatch.setattr(jobs, "time", clock)
    jobs._Work(plan_of(tmp_path / "runs", "a", "b", "c", minutes=1.0), begun=100.0).do()
    minutes = [float(call["words"][call["words"].index("--minutes") + 1]) for call in calls()]
    # All leave five seconds for the archive; what the first leave of their half is the last one's.
    assert minutes == pytest.approx([25 / 60, 25 / 60, 55 / 60], abs=1e-3)


def test_a_stopped_plan_ends_with_checkpoints_and_continues(calls, tmp_path, capsys):
    plan = plan_of(tmp_path / "runs", "endless 1", "endless 2", "c")
    work = jobs._Work(plan)
    runner = threading.Thread(target=work.do)
    runner.start()
    while len(calls("began")) < 2:
        time.sleep(0.01)
    work.stop(signal.SIGTERM, None)
    runner.join()
    assert all((job.folder / "checkpoint.safetensors").exists() for job in plan.jobs[:2])
    assert plan.unfinished() == plan.jobs
    assert not plan.jobs[2].folder.exists()
    assert len(calls()) == 2
    jobs._Work(plan).do()
    continued = [call["words"][1:] for call in calls()[2:]]
    assert sorted(continued) == sorted([plan.jobs[0].resume, plan.jobs[1].resume, plan.jobs[2].start])
    assert not plan.unfinished()
    assert "endless 1: continues on cores" in "".join(said(capsys))


def test_a_training_that_outlived_its_plan_is_waited_for(calls, tmp_path):
    plan = plan_of(tmp_path / "runs", "a")
    command = [jobs.sys.executable, "-m", "twinscale", "train", *plan.jobs[0].start]
    with subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL):
        while not calls("began"):
            time.sleep(0.01)
        jobs._Work(plan).do()
    assert len(calls()) == 1
    assert not plan.unfinished()


def test_a_queue_takes_the_fastest_mode_and_the_cores_that_rest_and_offers_what_is_trained(
    calls, tmp_path, monkeypatch, capsys
):
    core = cores.usable()[-1]
    monkeypatch.setattr(cores, "unused", lambda: [core])
    shipped = tmp_path / "models" / "a-x2"
    jobs._Work(plan_of(tmp_path / "runs", "a", at_once=1, is_tuned=True, replaces=shipped)).do()
    bench, train, export = calls()
    assert bench["words"] == ["bench", "train", "a", "--seconds", "3", "--rounds", "1", "--json"]
    modes = ['--set=optimisation.precision="bf16-mixed"', "--set=optimisation.compile=false"]
    run = str(tmp_path / "runs" / "a")
    assert train["words"] == ["train", *modes, "a", "-o", run]
    assert export["words"] == ["export", run, str(tmp_path / "models"), "--name", "a-x2"]
    assert bench["place"] == train["place"] == [[core], 1]
    assert said(capsys)[-1] == "a: twinscale: it does not beat what is there"


def test_what_cannot_be_measured_is_trained_as_its_recipe_says(calls, tmp_path):
    plan = plan_of(tmp_path / "runs", "unmeasured", at_once=1, is_tuned=True)
    jobs._Work(plan).do()
    assert [call["words"][0] for call in calls()] == ["bench", "train"]
    assert calls()[1]["words"][1:] == plan.jobs[0].start
    assert not plan.unfinished()


FRONT = """
import sys
from pathlib import Path
from twinscale.training import jobs
python, jobs._POLL_SECONDS = sys.executable, 0.05
jobs.carry_out(jobs.Plan.loads(Path(sys.argv[1]).read_text()))
"""


def test_trainings_outlive_the_command_that_started_them(recipe, folder, tmp_path):
    """With real processes: the command is killed, given again while they go on, and they end without it."""
    (tmp_path / "tiny.toml").write_text(recipe(steps=5).dumps())
    plan = plan_of(tmp_path / "runs", "tiny", at_once=1)
    start = [str(tmp_path / "tiny.toml"), "--preview-every", "0", "--accelerator", "cpu", *plan.jobs[0].start[1:]]
    plan.jobs[0].start[:] = start
    (tmp_path / "plan.json").write_text(plan.dumps())
    command = [sys.executable, "-c", FRONT, str(tmp_path / "plan.json")]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as front:
        assert b"tiny: starts on cores" in front.stderr.readline()
        front.kill()
    assert is_held(plan.journal)
    again = subprocess.run(command, capture_output=True, text=True, timeout=500, check=True)
    assert again.stderr.startswith(f"trainings in {plan.folder} are already under way\n")
    assert "models/tiny (" in again.stderr
    assert not plan.unfinished()
    assert not is_held(plan.journal)
