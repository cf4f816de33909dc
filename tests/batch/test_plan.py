"""Which output belongs to which input."""

import errno
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.awkward import pattern
from tests.batch.works import Add, Other
from twinscale.batch import Job, Shrink, Upscale, Work, plan, run
from twinscale.errors import ModelError, UsageError
from twinscale.images.picture import Picture

X2 = Upscale(scale=2)
ADD, OTHER = Add(), Other()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with pictures (empty files: nothing here reads them) at three depths."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.png", "pictures/c.gif", "pictures/c.png", "pictures/deep/d.webp", "pictures/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def targets(*inputs: str, work: Work = X2, **options: Any) -> dict[str, str]:
    jobs = plan(inputs, work, **options)
    return {Path(job.source).as_posix(): Path(job.target).as_posix() for job in jobs}


@pytest.mark.usefixtures("folder")
class TestPlan:
    def test_a_file_gets_a_neighbour_of_its_own_type(self) -> None:
        assert targets("a.jpg") == {"a.jpg": "a_x2.jpg"}

    def test_format_and_extension_change_the_name(self) -> None:
        assert targets("a.jpg", format="WEBP") == {"a.jpg": "a_x2_jpg.webp"}
        assert targets("a.jpg", format="JPEG2000") == {"a.jpg": "a_x2_jpg.jp2"}
        assert targets("a.jpg", format="jxl") == {"a.jpg": "a_x2_jpg.jxl"}

    def test_formats_that_cannot_hold_a_result_become_png(self) -> None:
        for extension in ("gif", "bmp", "jls", "heic"):
            assert targets(f"new.{extension}") == {f"new.{extension}": f"new_x2_{extension}.png"}
        assert targets("new.jxl", work=Shrink()) == {"new.jxl": "new_shrunk.jxl"}

    def test_shrunk_pictures_stay_lossless(self) -> None:
        assert targets("a.jpg", work=Shrink()) == {"a.jpg": "a_shrunk_jpg.png"}
        assert targets("pictures/deep", work=Shrink(), output="out") == {"pictures/deep/d.webp": "out/d_shrunk.webp"}

    def test_names_do_not_depend_on_the_rest(self, folder: Path) -> None:
        alone = targets("pictures", output="out")
        (folder / "pictures" / "c.jpg").touch()
        (folder / "pictures" / "c_x2.jpg").touch()
        assert targets("pictures", output="out").items() >= alone.items()
        assert targets("pictures/c.gif", output="out/").items() <= alone.items()

    def test_several_inputs_go_into_the_output_folder(self) -> None:
        assert targets("a.jpg", "b.png", output="out") == {"a.jpg": "out/a_x2.jpg", "b.png": "out/b_x2.png"}

    def test_one_input_into_an_existing_folder(self) -> None:
        assert targets("a.jpg", output="pictures") == {"a.jpg": "pictures/a_x2.jpg"}
        assert targets("a.jpg", output="new/") == {"a.jpg": "new/a_x2.jpg"}

    def test_a_folder_gets_a_sister(self, folder: Path) -> None:
        assert targets("pictures") == {
            "pictures/c.gif": "pictures_x2/c_x2_gif.png",
            "pictures/c.png": "pictures_x2/c_x2.png",
        }
        assert targets("pictures/deep/..")["pictures/deep/../c.png"] == (folder / "pictures_x2/c_x2.png").as_posix()

    def test_a_folder_that_is_a_link_gets_a_sister_of_its_own(self, folder: Path) -> None:
        (folder / "album").mkdir()
        (folder / "album" / "summer").symlink_to(folder / "pictures")
        assert targets("album/summer")["album/summer/c.png"] == "album/summer_x2/c_x2.png"

    def test_a_folder_that_cannot_be_read_is_not_passed_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scan = os.scandir

        def refuse(path: str) -> Any:  # root may read everything, whatever the permissions say
            if Path(path).name == "deep":
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return scan(path)

        monkeypatch.setattr(os, "scandir", refuse)
        *others, last = plan(["pictures"], X2, recursive=True, output="out")
        assert [(job.source, job.target) for job in others] == [
            ("pictures/c.gif", "out/c_x2_gif.png"),
            ("pictures/c.png", "out/c_x2.png"),
        ]
        assert (last.source, last.target) == ("pictures/deep", "")
        assert str(last.error).startswith("pictures/deep: the folder cannot be read (Permission denied): change its")
        (alone,) = plan(["pictures/deep"], X2, overwrite=True)
        assert str(alone.error) == str(last.error)

    @pytest.mark.parametrize("name", ["x" * 300, "circle/a"])
    def test_names_that_the_system_refuses_stop_no_other(self, name: str, folder: Path) -> None:
        """They give their error when they are read or written."""
        (folder / "circle").symlink_to("circle")
        assert len(targets(f"{name}.png", "pictures", output="out")) == 3
        assert targets("pictures/c.png", output=f"{name}.png") == {"pictures/c.png": f"{name}.png"}
        assert targets("pictures/c.png", f"{name}.png") == {"pictures/c.png": f"{name}.png"}
        assert targets("pictures", output=f"{name}/")["pictures/c.png"] == f"{name}/c_x2.png"

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
    def test_pictures_that_cannot_be_looked_at_are_not_passed_over(self, folder: Path) -> None:
        (folder / "pictures" / "circle.png").symlink_to("circle.png")
        os.mkfifo(folder / "pictures" / "pipe.png")
        assert sorted(targets("pictures")) == ["pictures/c.gif", "pictures/c.png", "pictures/circle.png"]

    def test_recursion_mirrors_the_tree(self) -> None:
        found = targets("pictures", recursive=True, output="out")
        assert found["pictures/deep/d.webp"] == "out/deep/d_x2.webp"
        assert len(found) == 3

    def test_patterns(self) -> None:
        assert set(targets("pictures/*.png", "a.*")) == {"pictures/c.png", "a.jpg"}
        for given in ("*.tif", "pictures/d*"):  # nothing, and only a folder
            with pytest.raises(UsageError, match="no file matches"):
                targets(given)

    def test_streams(self) -> None:
        assert plan(["-"], X2) == [Job("-", "-")]
        assert targets("a.jpg", output="-") == targets("a.jpg", "-") == {"a.jpg": "-"}
        assert targets("-", "new.png") == {"-": "new.png"}
        with pytest.raises(UsageError, match="standard output takes one picture"):
            targets("a.jpg", "b.png", output="-")
        for options in ({"output": "out/"}, {"template": "{stem}.png"}):
            with pytest.raises(UsageError, match="standard input has no name for its output"):
                targets("-", **options)

    def test_inputs_of_one_output_are_refused(self, folder: Path) -> None:
        for name in ("x", "y"):
            (folder / name).mkdir()
            (folder / name / "e.png").touch()
        with pytest.raises(UsageError, match=r"x/e\.png and y/e\.png have the same output out/e_x2\.png"):
            targets("x/e.png", "y/e.png", output="out")
        assert targets("x/e.png", "x", "./x/../x/*.png", output="out") == {"x/e.png": "out/e_x2.png"}
        assert len(targets("x/e.png", "y/e.png", output="out", template="{parent}/{stem}.{ext}")) == 2

    def test_file_systems_that_ignore_case(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("x/Caf\u00e9.png", "y/cafe\u0301.PNG"):
            (folder / name).parent.mkdir()
            (folder / name).touch()
        assert len(targets("x", "y", output="out")) == 2
        monkeypatch.setattr(sys.modules[plan.__module__], "_ignores_case", lambda folder: True)
        with pytest.raises(UsageError, match="have the same output"):
            targets("x", "y", output="out")

    def test_an_empty_folder(self, folder: Path) -> None:
        (folder / "empty").mkdir()
        with pytest.raises(UsageError, match="holds no pictures"):
            targets("empty")

    def test_the_scale_of_the_model_names_outputs(self) -> None:
        assert targets("a.jpg", work=Upscale(scale=1.5)) == {"a.jpg": "a_x1.5.jpg"}
        assert targets("a.jpg", work=Upscale()) == {"a.jpg": "a_x2.jpg"}
        with pytest.raises(ModelError, match="no-such-model"):
            targets("a.jpg", work=Upscale("no-such-model"))

    def test_a_file_is_not_a_folder(self, folder: Path) -> None:
        for inputs in (("a.jpg", "b.png", "new.png"), ("pictures",), ("pictures/*.png",)):
            with pytest.raises(UsageError, match=r"one\.png names a file.*one\.png/ makes one of this name"):
                targets(*inputs, output="one.png")
        (folder / "file").touch()
        with pytest.raises(UsageError, match="file names a file"):
            targets("pictures", output="file")
        assert targets("pictures/*.png", output="one.png/") == {"pictures/c.png": "one.png/c_x2.png"}

    def test_names_that_say_no_format_or_another(self) -> None:
        with pytest.raises(UsageError, match=r"small4 has no extension .* add one, or a slash to name a folder"):
            targets("a.jpg", output="small4")
        with pytest.raises(UsageError, match=r"small4 has no extension"):
            targets("a.jpg", template="small4")
        with pytest.raises(UsageError, match=r"b\.heic: extension '\.heic' can be read but not written"):
            targets("a.jpg", output="b.heic")
        for options in ({"output": "new.png"}, {"template": "{stem}.png"}):
            with pytest.raises(UsageError, match=r"\.png has the extension of another format than WEBP"):
                targets("a.jpg", format="webp", **options)
        assert targets("a.jpg", format="webp", output="small4") == {"a.jpg": "small4"}
        assert targets("a.jpg", format="jpg", output="new.JPEG") == {"a.jpg": "new.JPEG"}

    def test_no_input_is_replaced(self) -> None:
        for inputs, output in ((("a.jpg",), "a.jpg"), (("a.jpg",), "./pictures/../a.jpg")):
            with pytest.raises(UsageError, match=r"would replace the input a\.jpg"):
                targets(*inputs, output=output, overwrite=True)
        with pytest.raises(UsageError, match=r"a_x2\.jpg, the output of a\.jpg, would replace the input a_x2\.jpg"):
            targets("a_x2.jpg", "b.png", "a.jpg", overwrite=True)
        assert len(targets("a_x2.jpg", "b.png", "a.jpg")) == 3  # existing outputs are refused one by one


class TestTwoNames:
    """The second is the output if it is not there yet, a folder for a file, or what the first became."""

    @pytest.fixture(autouse=True)
    def pictures(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        for name in ("a.png", "b.png", "photos/c.png"):
            Path(name).parent.mkdir(exist_ok=True)
            Picture(pattern(4, 5)).write(name)

    def test_a_file_that_does_not_exist(self) -> None:
        assert targets("a.png", "new.png") == {"a.png": "new.png"}
        assert targets("a.png", "new/") == {"a.png": "new/a_x2.png"}
        assert targets("photos", "new") == {"photos/c.png": "new/c_x2.png"}

    def test_two_pictures(self) -> None:
        both = {"a.png": "a_x2.png", "b.png": "b_x2.png"}
        assert targets("a.png", "b.png") == both

    def test_the_same_command_again(self) -> None:
        assert done(["a.png", "large.png"]) == {"a.png": "large.png"}
        for overwrite in (False, True):
            assert targets("a.png", "large.png", work=ADD, overwrite=overwrite) == {"a.png": "large.png"}
        Picture(pattern(7, 5)).write("a.png", overwrite=True)  # and also when the first has changed
        assert targets("./a.png", "large.png", work=ADD) == {"a.png": "large.png"}
        assert len(targets("b.png", "large.png", work=ADD)) == 2
        assert len(targets("a.png", "large.png", work=OTHER)) == 2

    def test_the_same_folders_again(self) -> None:
        assert done(["photos", "large"]) == targets("photos", "large", work=ADD) == {"photos/c.png": "large/c_new.png"}
        assert done(["a.png", "new/"]) == targets("a.png", "new/", work=ADD) == {"a.png": "new/a_new.png"}

    def test_a_folder_that_is_there(self) -> None:
        assert targets("a.png", "photos") == {"a.png": "photos/a_x2.png"}  # as cp takes it
        assert targets("*.png", "photos") == {"a.png": "photos/a_x2.png", "b.png": "photos/b_x2.png"}
        Path("empty").mkdir()
        assert targets("photos", "empty") == {"photos/c.png": "empty/c_x2.png"}
        Picture(pattern(4, 5)).write("empty/d.png")
        assert len(targets("photos", "empty")) == 2

    def test_overwriting_another_picture_takes_its_name_after_o(self) -> None:
        """Two files that a pattern of the shell found must not be taken for input and output."""
        with pytest.raises(UsageError, match=r"b\.png exists and was not made of a\.png: to replace it, name it"):
            targets("a.png", "b.png", overwrite=True)
        assert targets("a.png", output="b.png", overwrite=True) == {"a.png": "b.png"}

    def test_a_result_that_was_retouched_is_a_picture_of_its_own(self) -> None:
        done(["a.png", "large.png"])
        Picture(pattern(7, 5)).write("large.png", overwrite=True)
        assert len(targets("a.png", "large.png", work=ADD)) == 2
        with pytest.raises(UsageError, match="was not made of"):
            targets("a.png", "large.png", work=ADD, overwrite=True)


def done(inputs: list[str], work: Work = ADD, **options: Any) -> dict[str, str]:
    """Do the work, and return which outputs were made of which inputs."""
    jobs = plan(inputs, work, **options)
    assert [outcome.status for outcome in run(jobs, work)] == ["done"] * len(jobs)
    return {Path(job.source).as_posix(): Path(job.target).as_posix() for job in jobs}


class TestResultsAmongInputs:
    """What a kind of work made of a folder's pictures, inside that folder, is not its input again."""

    @pytest.fixture(autouse=True)
    def pictures(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        for name in ("photos/a.png", "photos/b.gif", "photos/deep/c.webp"):
            Path(name).parent.mkdir(exist_ok=True, parents=True)
            Picture(pattern(4, 5)).write(name)

    def inputs(self, *given: str, work: Work = ADD, **options: Any) -> set[str]:
        return {Path(name).name for name in targets(*given, work=work, output="elsewhere/", **options)}

    @pytest.mark.parametrize(("given", "output"), [("photos", "photos"), ("photos", "photos/new"), ("photos/*", None)])
    def test_of_folders_and_patterns(self, given: str, output: str | None) -> None:
        for recursive in (False, True):
            before = self.inputs("photos", recursive=recursive)
            done([given], output=output, recursive=recursive)
            assert self.inputs("photos", recursive=recursive) == before
            assert self.inputs("photos/*") == {"a.png", "b.gif"}
            shutil.rmtree("elsewhere", ignore_errors=True)
            shutil.rmtree("photos/new", ignore_errors=True)
            for path in Path("photos").rglob("*_new*"):
                path.unlink()

    def test_of_a_picture_that_is_gone(self) -> None:
        done(["photos"], output="photos")
        Path("photos/a.png").unlink()
        assert self.inputs("photos") == {"b.gif"}
        Path("photos/b.gif").unlink()
        with pytest.raises(UsageError, match="photos holds only results of fake: name files to take them as inputs"):
            self.inputs("photos")

    def test_files_that_are_named_are_taken(self) -> None:
        done(["photos/a.png"])
        assert self.inputs("photos/a_new.png") == {"a_new.png"}
        assert self.inputs("photos/a.png", "photos/a_new.png", "photos/b.gif") == {"a.png", "a_new.png", "b.gif"}
        assert self.inputs("photos/*_new.png") == {"a_new.png"}

    def test_another_kind_of_work_takes_them(self) -> None:
        done(["photos"], output="photos")
        assert self.inputs("photos", work=OTHER) == {"a.png", "b.gif", "a_new.png", "b_new_gif.png"}
        done(["photos"], work=OTHER, output="photos")
        assert self.inputs("photos", work=OTHER) == {"a.png", "b.gif", "a_new.png", "b_new_gif.png"}

    def test_results_of_pictures_elsewhere_are_taken(self) -> None:
        done(["photos"], output="small")
        assert self.inputs("small") == {"a_new.png", "b_new_gif.png"}
        done(["photos/deep"], output="photos")
        assert self.inputs("photos") == {"a.png", "b.gif", "c_new.webp"}  # deep is not entered
        assert self.inputs("photos", recursive=True) == {"a.png", "b.gif", "c.webp"}

    def test_a_picture_in_a_results_place_is_taken(self) -> None:
        done(["photos"], output="photos")
        Picture(pattern(9, 9)).write("photos/a_new.png", overwrite=True)
        assert self.inputs("photos") == {"a.png", "b.gif", "a_new.png"}

    def test_our_own_files_are_no_pictures(self) -> None:
        done(["photos"], output="photos")
        Path("photos/.twinscale-12345678.tmp").touch()
        Picture(pattern(4, 5)).write("photos/.hidden.png")
        assert self.inputs("photos/.*", "photos/*") == {".hidden.png", "a.png", "b.gif"}
        assert self.inputs("photos") == {"a.png", "b.gif"}
