"""The web server of a study: a page, and what the page asks for.

=============================================== ==========================================================
request                                         answer
=============================================== ==========================================================
``GET /``                                       the page
``GET /study``                                  how many questions there are
``POST /participants``                          a new participant: their token
``GET /participants/T``                         the next question of participant T, or that all are answered
``POST /participants/T/answers``                keeps an answer; answers like the line above
``GET /participants/T/pictures/N/PLACE``        the picture at a place of the N-th question they are shown
=============================================== ==========================================================

Pictures are named by where a participant sees them, not by what they are, so an address tells nothing. Participants
send nothing but answers; everything that they send is checked.
"""

import json
import random
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twinscale.study.answers import ANSWERS, Answers, OutOfTurnError, UnknownParticipantError, answered
from twinscale.study.design import CHOICES, PICTURES, Choice, Showing, Study

_PAGE = files("twinscale.study") / "page"
_PAGE_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_LONGEST_BODY = 1000  # bytes


def create_app(folder: Path, *, hosts: tuple[str, ...] = ("*",)) -> Starlette:
    """Create the web application of a study.

    Args:
        folder: the study's folder; the answers are kept there, and survive a restart.
        hosts: the names by which browsers may call this server; others could be pages that try to reach a local one.

    Raises:
        UsageError: the folder holds no study, or cannot hold answers.
    """
    server = _Server(folder)
    participant = "/participants/{token}"
    return Starlette(
        routes=[
            *(Route(path, _page_file(*about)) for path, about in _PAGE_FILES.items()),
            Route("/study", server.about),
            Route("/participants", server.enrol, methods=["POST"]),
            Route(participant, server.progress),
            Route(f"{participant}/answers", server.answer, methods=["POST"]),
            Route(f"{participant}/pictures/{{position:int}}/{{place}}", server.picture),
        ],
        middleware=[Middleware(_Secured), Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
        exception_handlers={
            HTTPException: lambda _, error: _refusal(error.detail, error.status_code),
            UnknownParticipantError: lambda _, error: _refusal(str(error), 404),
            OutOfTurnError: lambda _, error: _refusal(str(error), 409),
        },
    )


class _Server:
    """Answers the requests of one study; functions that are not ``async`` run in threads."""

    def __init__(self, folder: Path) -> None:
        self._pictures = folder / PICTURES
        self._study = Study.load(folder)
        self._answers = Answers(folder / ANSWERS)

    def about(self, _: Request) -> Response:
        return JSONResponse({"questions": self._study.showings})

    def enrol(self, _: Request) -> Response:
        token = self._answers.enrol(self._study.plan(random.SystemRandom()))
        return JSONResponse({"token": token}, status_code=201)

    def progress(self, request: Request) -> Response:
        return self._next(request.path_params["token"])

    async def answer(self, request: Request) -> Response:
        token = request.path_params["token"]
        position, choice = _read_answer(await _body(request))
        await run_in_threadpool(self._answers.give, token, position, choice)
        return await run_in_threadpool(self._next, token)

    def picture(self, request: Request) -> Response:
        position, place = request.path_params["position"], request.path_params["place"]
        showings = self._answers.of(request.path_params["token"])
        if position >= len(showings) or place not in ("original", "a", "b"):
            raise HTTPException(404, "there is no such picture")
        data = (self._pictures / f"{self._file(showings[position], place)}.png").read_bytes()
        # The page asks for the next question's pictures in advance and gets them from the browser's cache.
        return Response(data, media_type="image/png", headers={"Cache-Control": "private, max-age=86400, immutable"})

    def _file(self, showing: Showing, place: str) -> str:
        question = self._study.questions[showing.question]
        if place == "original":
            return question.original
        return question.subject_variant if (place == "a") != showing.swapped else question.competitor_variant

    def _next(self, token: str) -> Response:
        showings = self._answers.of(token)
        position = answered(showings)
        state: dict[str, Any] = {"position": position, "questions": len(showings)}
        if position < len(showings):
            task = self._study.questions[showings[position].question].task
            parts = list(dict.fromkeys(self._study.questions[showing.question].task for showing in showings))
            state |= {"task": task, "part": parts.index(task) + 1, "parts": len(parts)}
        return JSONResponse(state)


def _read_answer(body: bytes) -> tuple[int, Choice]:
    try:
        given = json.loads(body)
        position, choice = given["position"], given["choice"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise HTTPException(400, 'an answer is {"position": 0, "choice": "a"}') from None
    if not isinstance(position, int) or isinstance(position, bool):
        raise HTTPException(400, "position must be a whole number")
    if choice not in CHOICES:
        raise HTTPException(400, f"choice must be one of {', '.join(CHOICES)}")
    return position, choice


async def _body(request: Request) -> bytes:
    """Read a short body of JSON; other sites' pages cannot send this type unasked."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "send application/json")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_BODY:
            raise HTTPException(413, f"send at most {_LONGEST_BODY} bytes")
    return body


def _page_file(name: str, media_type: str) -> Any:
    data = (_PAGE / name).read_bytes()
    return lambda _: Response(data, media_type=media_type)


def _refusal(reason: str, status: int) -> Response:
    return JSONResponse({"error": reason}, status_code=status)


class _Secured:
    """Adds the headers that keep a page to its own server to every response that does not have them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                extra = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message["headers"], *(header for header in extra if header[0] not in own)]
            await send(message)

        await self._app(scope, receive, secured)
