"""The page that shows a plain-text room, at the address of the room's socket.

A browser that loads it asks for HTML; every other client there wants the socket, or to be told of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, make_response
from werkzeug.wrappers import Response as BaseResponse

from ..actions.text_rooms import check_text_room
from ..core import handshake
from ..errors import NotFound
from . import i18n
from .pages import language_context, personal, remember_language, whose_page
from .rendering import render

if TYPE_CHECKING:
    from ..state import State

TEXT_PATH = "/text/"


def is_asked(environ: dict[str, Any]) -> bool:
    """Whether a request wants the page."""
    return "text/html" in environ.get("HTTP_ACCEPT", "") and not handshake.wants_websocket(environ)


def room_of(path: str, folder: str) -> str:
    """The room that a PATH_INFO names below `folder`; WSGI hands its bytes out as latin-1."""
    return path.removeprefix(folder).encode("latin-1").decode(errors="replace")


def blueprint(state: State) -> Blueprint:
    pages = Blueprint("legacy_chat_text", __name__, url_prefix=state.settings.prefix)

    @pages.get(TEXT_PATH + "<room>")
    def page(room: str) -> BaseResponse:
        try:
            check_text_room(state.settings.text_rooms, room)
        except NotFound as error:
            return Response(error.message + "\n", error.status, mimetype="text/plain")
        member = whose_page(state)
        if member is None:
            return state.to_login()
        words = language_context(member.locale)
        boot = {
            "uid": member.uid,
            "echo": state.settings.text_echo,
            "text_chars": state.settings.text_chars,
            "lang": words["lang"],
            "messages": i18n.catalog(words["lang"]),
        }
        response = personal(make_response(render("chat/text.html", room=room, boot=boot, **words)))
        response.headers["Vary"] = "Accept"
        return remember_language(response)

    return pages
