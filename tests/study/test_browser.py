"""The page in a real browser: people of known preference click and type, and the results say what they prefer."""

import hashlib
import io
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.study.participants import make
from twinscale.study import Answers, Study, analyse
from twinscale.study.answers import ANSWERS

sync_api = pytest.importorskip("playwright.sync_api")
uvicorn = pytest.importorskip("uvicorn")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium is installed: apt-get install chromium", allow_module_level=True)

ARGUMENTS = ["--no-sandbox", "--force-color-profile=srgb"]  # the pages are ours; colours as in the files

PLACES = """() => [...document.querySelectorAll(".pane")].map((pane) => {
  const picture = pane.querySelector("img");
  const [inner, outer] = [picture, pane].map((element) => element.getBoundingClientRect());
  const device = (...lengths) => lengths.map((length) => Math.round(length * devicePixelRatio));
  return {
    natural: [picture.naturalWidth, picture.naturalHeight],
    drawn: device(inner.width, inner.height),
    offset: device(inner.left - outer.left, inner.top - outer.top),
    pane: device(outer.left, outer.top, outer.width, outer.height),
    source: picture.src,
  };
})"""

HASHES = """() => Promise.all([...document.querySelectorAll(".pane img")].map(async (picture) => {
  const file = await (await fetch(picture.src)).arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", file));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with (
        sync_api.sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS) as browser,
    ):
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of a picture, 2 competitors and both tasks, with both questions of each repeated: 8 questions."""
    return make(tmp_path_factory.mktemp("browser"), count=1, size=(48, 480))


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    from twinscale.study.server import create_app

    config = uvicorn.Config(create_app(folder), log_level="warning", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """``visit(width=800)`` opens the page in a profile of its own; at the end, no page may have failed."""
    opened, problems = [], []

    def visit(*, width: int = 800) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 500})
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # ms: the machine may be busy
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: request.url.startswith(address) or problems.append(request.url))
        page.goto(address)
        return page

    yield visit
    for context in opened:
        context.close()
    assert [problem for problem in problems if "ERR_FAILED" not in problem] == []  # a test may break the line


def begin(page: Any) -> None:
    page.click("#begin")
    shown(page, 1)


def shown(page: Any, number: int) -> None:
    """Wait until a question's pictures are there."""
    page.wait_for_function(
        "n => document.querySelector('#progress').textContent.startsWith(`Question ${n} of `)"
        " && document.querySelector('#panes').ariaBusy === 'false'",
        arg=number,
    )


def places(page: Any) -> list[dict[str, Any]]:
    """What is drawn where, from left to right, in pixels of the screen."""
    found: list[dict[str, Any]] = page.evaluate(PLACES)
    return found


def test_three_people(visit: Callable[..., Any], folder: Path) -> None:
    """One prefers the subject and clicks, one the competitor "theirs" and types, one always takes the left one."""
    study = Study.load(folder)
    files = {hashlib.sha256(path.read_bytes()).hexdigest(): path.stem for path in (folder / "pictures").iterdir()}
    methods = {question.subject_variant: "ours" for question in study.questions}
    methods |= {question.competitor_variant: question.competitor for question in study.questions}
    originals = {question.original for question in study.questions}
    sides = []

    def seen(page: Any) -> list[str]:
        """What somebody with sharp eyes would see at A and B."""
        stems = [files[shown] for shown in page.evaluate(HASHES)]
        assert stems[1] in originals
        sides.append(methods[stems[0]] == "ours")
        return [methods[stems[0]], methods[stems[2]]]

    def click_on_ours(page: Any) -> None:
        page.click("text=A is better" if seen(page)[0] == "ours" else "text=B is better")

    def type_theirs_else_equal(page: Any) -> None:
        variants = seen(page)
        page.keyboard.press("13"[variants.index("theirs")] if "theirs" in variants else "2")

    def click_left(page: Any) -> None:
        page.click("[data-choice=a]")

    people = [(visit(), act) for act in (click_on_ours, type_theirs_else_equal, click_left)]
    for page, _ in people:
        assert "There are 8 questions." in page.inner_text("#welcome")
        begin(page)
    for number in range(1, 9):
        for page, act in people:
            shown(page, number)
            if number == 5:
                page.reload()
                shown(page, number)
            act(page)
    for page, _ in people:
        page.wait_for_selector("#thanks:visible")
    assert 0 < sum(sides) < len(sides)

    results = analyse(study, Answers(folder / ANSWERS).all())
    for result in results.values():
        assert (result.valid, result.inconsistent, result.unfinished) == (2, 1, 0)
        means = {name: [share.mean for share in shares.values()] for name, shares in result.shares.items()}
        assert means == {"theirs": [0.5, 0, 0.5], "another": [0.5, 0.5, 0]}

    page, _ = people[0]
    page.click("text=Next person")
    begin(page)
    assert len(Answers(folder / ANSWERS).all()) == 4


@pytest.mark.parametrize("ratio", [1, 1.5])
def test_a_pixel_is_a_pixel(browser: Any, address: str, ratio: float) -> None:
    """Also where a pixel of the page is one and a half of the screen's, and where pictures are cut off."""
    # Playwright's own device_scale_factor would place pictures otherwise than a real screen does.
    arguments = [*ARGUMENTS, f"--force-device-scale-factor={ratio}", "--window-size=500,500"]
    with browser.browser_type.launch(executable_path=CHROMIUM, args=arguments) as narrow:
        page = narrow.new_page(no_viewport=True)
        page.goto(address)
        begin(page)
        page.keyboard.press("ArrowRight")
        assert page.evaluate("devicePixelRatio") == ratio
        screen = np.asarray(Image.open(io.BytesIO(page.screenshot())))
        for place in places(page):
            assert place["drawn"] == place["natural"]
            file = np.asarray(Image.open(io.BytesIO(page.request.get(place["source"]).body())))
            (x, y), (left, top, width, height) = map(round, place["offset"]), map(round, place["pane"])
            visible = file[max(0, -y) :, max(0, -x) :][:height, :width]
            left, top = left + max(0, x), top + max(0, y)
            drawn = screen[top : top + visible.shape[0], left : left + visible.shape[1], :3]
            np.testing.assert_array_equal(drawn, visible)
        assert any(place["natural"][0] > place["pane"][2] for place in places(page))


def test_the_view_moves_in_step_and_never_grows(visit: Callable[..., Any], folder: Path) -> None:
    page = visit(width=280)
    begin(page)
    while "full size" not in page.inner_text("#part"):  # that all three are of the same size
        number = int(page.inner_text("#progress").split()[1])
        page.keyboard.press("2")
        shown(page, number + 1)

    def offsets() -> list[int]:
        across = [place["offset"][0] for place in places(page)]
        assert max(across) - min(across) <= 1  # three panes of 69.3 pixels do not all begin on one of the screen's
        assert {tuple(place["drawn"]) for place in places(page)} == {(480, 48)}
        return across

    start = offsets()
    hidden = 480 - places(page)[0]["pane"][2]
    assert start[0] == pytest.approx(-hidden / 2, abs=1)  # in the middle
    area = page.locator(".pane").first.bounding_box()
    x, y = area["x"] + 30, area["y"] + 20
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 6, y)
    page.mouse.up()
    moved = offsets()
    assert [after - before for before, after in zip(start, moved, strict=True)] == [-6] * 3
    page.mouse.move(x + 20, y)  # the button is up: nothing moves
    assert offsets() == moved
    page.mouse.wheel(-10, 0)
    assert [after - before for before, after in zip(moved, offsets(), strict=True)] == [10] * 3
    page.keyboard.press("ArrowRight")
    assert [after - before for before, after in zip(moved, offsets(), strict=True)] == [10 - 80] * 3
    for _ in range(6):  # further than there is picture
        page.keyboard.press("ArrowRight")
    assert offsets()[0] == pytest.approx(-hidden, abs=1)
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    assert offsets() == [0, 0, 0]
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)  # what pinching on a touchpad sends
    page.keyboard.up("Control")
    assert offsets() == [0, 0, 0]
    assert page.evaluate("visualViewport.scale") == 1
    page.set_viewport_size({"width": 1600, "height": 500})  # room for all of them
    page.wait_for_selector("#panes:not(.movable)")
    assert offsets() == [0, 0, 0]
    assert [place["pane"][2:] for place in places(page)] == [[480, 48]] * 3


def test_a_double_click_or_a_held_key_counts_once(visit: Callable[..., Any], folder: Path) -> None:
    before = len(Answers(folder / ANSWERS).all())
    page = visit()
    page.dblclick("#begin")
    shown(page, 1)
    assert len(Answers(folder / ANSWERS).all()) == before + 1
    page.dblclick("text=A equals B")
    shown(page, 2)
    page.keyboard.down("1")
    page.keyboard.down("1")  # is held
    shown(page, 3)
    page.keyboard.up("1")
    page.keyboard.press("Control+2")
    page.focus("[data-choice=b]")
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")
    shown(page, 4)
    page.keyboard.up("Enter")
    page.reload()
    shown(page, 4)


def test_a_server_that_is_away(visit: Callable[..., Any], address: str) -> None:
    page = visit()
    away = True
    # Set before anything is under way, which a new route would miss.
    page.route("**/answers", lambda route: route.abort() if away else route.continue_())
    begin(page)
    page.keyboard.press("1")
    page.wait_for_selector("text=The server does not answer. Try again, or reload the page.")
    away = False
    page.keyboard.press("1")
    shown(page, 2)
    assert not page.is_visible("#problem")
