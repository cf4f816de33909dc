"""Which output belongs to which input."""

from pathlib import Path
from typing import Any

import pytest

from twinscale.batch import Job, Shrink, Upscale, Work, plan
from twinscale.errors import ModelError, UsageError

X2 = Upscale(scale=2)


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
        assert targets("a.jpg", format="WEBP") == {"a.jpg": "a_x2.webp"}
        assert targets("a.jpg", format="JPEG2000") == {"a.jpg": "a_x2.jp2"}
        assert targets("a.jpg", format="jxl") == {"a.jpg": "a_x2.jxl"}

    def test_formats_that_cannot_hold_a_result_become_png(self) -> None:
        for extension in ("gif", "bmp", "jls", "heic"):
            assert targets(f"new.{extension}") == {f"new.{extension}": "new_x2.png"}
        assert targets("new.jxl", work=Shrink()) == {"new.jxl": "new_shrunk.jxl"}

    def test_shrunk_pictures_stay_lossless(self) -> None:
        assert targets("a.jpg", work=Shrink()) == {"a.jpg": "a_shrunk.png"}
        assert targets("pictures/deep", work=Shrink(), output="out") == {"pictures/deep/d.webp": "out/d_shrunk.webp"}

    def test_a_second_name_that_does_not_exist_is_the_output(self) -> None:
        assert targets("a.jpg", "new.png") == {"a.jpg": "new.png"}

    def test_a_second_name_that_exists_must_be_explained(self) -> None:
        with pytest.raises(UsageError, match=r"b\.png exists, so it could be a second input or the output"):
            targets("a.jpg", "b.png")
        assert targets("a.jpg", output="b.png") == {"a.jpg": "b.png"}

    def test_several_inputs_go_into_the_output_folder(self) -> None:
        assert targets("a.jpg", "b.png", output="out") == {"a.jpg": "out/a_x2.jpg", "b.png": "out/b_x2.png"}

    def test_one_input_into_an_existing_folder(self) -> None:
        assert targets("a.jpg", output="pictures") == {"a.jpg": "pictures/a_x2.jpg"}
        assert targets("a.jpg", output="new/") == {"a.jpg": "new/a_x2.jpg"}

    def test_a_folder_gets_a_sister_and_outputs_never_collide(self, folder: Path) -> None:
        found = targets("pictures")
        sister = (folder / "pictures_x2").as_posix()
        assert found == {"pictures/c.gif": f"{sister}/c_x2.png", "pictures/c.png": f"{sister}/c.png_x2.png"}

    def test_recursion_mirrors_the_tree(self) -> None:
        found = targets("pictures", recursive=True, output="out")
        assert found["pictures/deep/d.webp"] == "out/deep/d_x2.webp"
        assert len(found) == 3

    def test_patterns(self) -> None:
        assert set(targets("pictures/*.png", "a.*")) == {"pictures/c.png", "a.jpg"}

    def test_streams(self) -> None:
        assert plan(["-"], X2) == [Job("-", "-")]
        assert targets("a.jpg", output="-") == {"a.jpg": "-"}
        with pytest.raises(UsageError, match="standard output takes one picture"):
            targets("a.jpg", "b.png", output="-")

    def test_inputs_of_one_output_are_refused(self, folder: Path) -> None:
        for name in ("x", "y", "z"):
            (folder / name).mkdir()
            (folder / name / "e.png").touch()
        assert targets("x/e.png", "y/e.png", output="out")["y/e.png"] == "out/e.png_x2.png"
        with pytest.raises(UsageError, match="have the same output"):
            targets("x/e.png", "y/e.png", "z/e.png", output="out")

    def test_an_empty_folder(self, folder: Path) -> None:
        (folder / "empty").mkdir()
        with pytest.raises(UsageError, match="holds no pictures"):
            targets("empty")

    def test_the_scale_of_the_model_names_outputs(self) -> None:
        assert targets("a.jpg", work=Upscale("srcnn-x3")) == {"a.jpg": "a_x3.jpg"}
        assert targets("a.jpg", work=Upscale(scale=1.5)) == {"a.jpg": "a_x1.5.jpg"}
        assert targets("a.jpg", work=Upscale()) == {"a.jpg": "a_x2.jpg"}
        with pytest.raises(ModelError, match="no-such-model"):
            targets("a.jpg", work=Upscale("no-such-model"))
