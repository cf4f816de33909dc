"""The server: what a participant gets, what is refused, and what is given away."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("httpx2")
pytest.importorskip("starlette")

from starlette.testclient import TestClient

from tests.study.participants import by_preference, make
from twinscale.study import Answers, Study, analyse
from twinscale.study.answers import ANSWERS
from twinscale.study.server import create_app


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("server"))


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    yield made
    for path in made.glob(f"{ANSWERS}*"):
        path.unlink()


@pytest.fixture
def client(folder: Path) -> TestClient:
    return TestClient(create_app(folder))


def enrol(client: TestClient) -> str:
    response = client.post("/participants")
    assert response.status_code == 201
    return f"/participants/{response.json()['token']}"


def test_the_page_and_its_files(client: TestClient) -> None:
    kinds = {"/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript", "/icon.svg": "image/svg+xml"}
    for path, kind in kinds.items():
        response = client.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"].partition(";")[0] == kind
        addresses = re.findall(r"\w+://[^\s\"']+", response.text)
        assert [address for address in addresses if address != "http://www.w3.org/2000/svg"] == []  # a name, not loaded
    assert not re.search(r"<script>|style=|\son\w+=", client.get("/").text)  # the policy would not let them run


def test_every_response_keeps_the_page_to_its_server(client: TestClient) -> None:
    someone = enrol(client)
    for path in ("/", "/study", someone, f"{someone}/pictures/0/a", "/nothing"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers.get_list("cache-control") == (
            ["private, max-age=86400, immutable"] if "pictures" in path else ["no-store"]
        )


def test_a_participant_sees_the_pictures_that_were_drawn_for_them(client: TestClient, folder: Path) -> None:
    study = Study.load(folder)
    someone = enrol(client)
    showings = Answers(folder / ANSWERS).of(someone.rpartition("/")[2])
    assert client.get("/study").json() == {"questions": len(showings)} == {"questions": 8 + 6}
    for position, showing in enumerate(showings):
        question = study.questions[showing.question]
        sides = [question.subject_variant, question.competitor_variant]
        if showing.swapped:
            sides.reverse()
        for place, name in zip(("original", "a", "b"), (question.original, *sides), strict=True):
            response = client.get(f"{someone}/pictures/{position}/{place}")
            assert response.headers["content-type"] == "image/png"
            assert response.content == (folder / "pictures" / f"{name}.png").read_bytes()


def test_from_the_first_question_to_the_results(client: TestClient, folder: Path) -> None:
    study = Study.load(folder)
    choose = by_preference(study, lambda question: "subject" if question.competitor == "theirs" else "equal")
    someone, other = enrol(client), enrol(client)
    showings = Answers(folder / ANSWERS).of(someone.rpartition("/")[2])
    state = client.get(someone).json()
    for position, showing in enumerate(showings):
        if position == 7:
            client = TestClient(create_app(folder))  # the server is started again
        tasks = [study.questions[showing.question].task for showing in showings]
        part = 1 if tasks[position] == tasks[0] else 2
        assert state == {"position": position, "questions": 14, "task": tasks[position], "part": part, "parts": 2}
        assert client.get(someone).json() == state
        answer = {"position": position, "choice": choose(showing)}
        response = client.post(f"{someone}/answers", json=answer)
        assert response.status_code == 200
        assert client.post(f"{someone}/answers", json=answer).json() == response.json()  # sent twice
        state = response.json()
    assert state == {"position": 14, "questions": 14}
    assert client.get(other).json()["position"] == 0
    for result in analyse(study, Answers(folder / ANSWERS).all()).values():
        assert (result.valid, result.unfinished) == (1, 1)
        assert {name: shares["subject"].mean for name, shares in result.shares.items()} == {"theirs": 1, "another": 0}


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"position": 1, "choice": "a"}, 409, "question 1 is not the next one"),
        ({"position": -1, "choice": "a"}, 409, "question -1 is not the next one"),
        ({"position": 10**40, "choice": "a"}, 409, "is not the next one"),
        ({"position": 0, "choice": "c"}, 400, "choice must be one of a, equal, b"),
        ({"position": 0, "choice": ["a"]}, 400, "choice must be one of a, equal, b"),
        ({"position": "0", "choice": "a"}, 400, "position must be a whole number"),
        ({"position": True, "choice": "a"}, 400, "position must be a whole number"),
        ({"position": 0.0, "choice": "a"}, 400, "position must be a whole number"),
        ({"choice": "a"}, 400, "an answer is"),
        ([0, "a"], 400, "an answer is"),
        (b"null", 400, "an answer is"),
        (b"{", 400, "an answer is"),
        (b"\xff", 400, "an answer is"),
        (b"[" * 999, 400, "an answer is"),
        (b" " * 1001, 413, "send at most 1000 bytes"),
    ],
)
def test_answers_that_are_none(client: TestClient, body: Any, status: int, error: str) -> None:
    someone = enrol(client)
    json = {"content-type": "application/json"}
    sent: dict[str, Any] = {"content": body, "headers": json} if isinstance(body, bytes) else {"json": body}
    response = client.post(f"{someone}/answers", **sent)
    assert (response.status_code, error in response.json()["error"]) == (status, True)
    assert client.get(someone).json()["position"] == 0


def test_other_sites_cannot_answer(client: TestClient, folder: Path) -> None:
    someone = enrol(client)
    response = client.post(f"{someone}/answers", content=b'{"position": 0, "choice": "a"}')  # as a form could send it
    assert (response.status_code, response.json()) == (415, {"error": "send application/json"})
    local = TestClient(create_app(folder, hosts=("127.0.0.1", "localhost")), base_url="http://localhost:8000")
    assert local.get("/").status_code == 200
    assert local.get("/", headers={"host": "attacker.example"}).status_code == 400


@pytest.mark.parametrize("path", ["", "/pictures/0/a", "/answers"])
def test_strangers(client: TestClient, path: str) -> None:
    enrol(client)
    for stranger in ("nobody", "1", "%00", "%27%20OR%201=1"):
        method = "POST" if path == "/answers" else "GET"
        body = {"json": {"position": 0, "choice": "a"}} if method == "POST" else {}
        response = client.request(method, f"/participants/{stranger}{path}", **body)
        assert (response.status_code, response.json()) == (
            404,
            {"error": "this study does not know the participant: begin anew"},
        )


def test_pictures_that_are_not_there(client: TestClient) -> None:
    someone = enrol(client)
    for path in ("14/a", "0/c", "0/subject", "-1/a", "0/..%2F..%2Fstudy.json", f"{10**30}/a"):
        assert client.get(f"{someone}/pictures/{path}").status_code == 404
    for path in ("/study.json", "/answers.sqlite", "/pictures", "/page/index.html", "/../study.json"):
        assert client.get(path).status_code == 404


def test_nothing_tells_which_method_is_which(client: TestClient, folder: Path) -> None:
    study = Study.load(folder)
    someone = enrol(client)
    said = [client.get(path) for path in ("/", "/page.js", "/study", someone, f"{someone}/pictures/0/a")]
    said.append(client.post(f"{someone}/answers", json={"position": 0, "choice": "a"}))
    secrets = ["ours", "theirs", "0.png", "subject", "competitor", "swapped"]
    secrets += [question.subject_variant for question in study.questions]
    for response in said:
        text = repr(response.headers) + (response.text if "image" not in response.headers["content-type"] else "")
        assert [secret for secret in secrets if secret in text] == []
