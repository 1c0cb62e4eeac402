"""The request of our applications: its form was read, or is read, by ``FormReader``."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import flask
from typing_extensions import override
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.wsgi import get_input_stream

from fieldreport import limits
from fieldreport.scratch import Scratch
from fieldreport.web.form_reader import FormReader, Upload

_KEY: Final = "fieldreport.form"


def open_form(environ: dict[str, Any], config: flask.Config, *, keep_files: bool = True) -> FormReader:
    """Begin the form of a request whose head has come; ``ScratchRequest`` finds it in ``environ``.

    Uses ``SCRATCH_DIRECTORY`` (a ``Path``; without it uploads are discarded) and ``REQUEST_BYTES`` of ``config``.
    """
    directory: Path | None = config.get("SCRATCH_DIRECTORY") if keep_files else None
    length = environ.get("CONTENT_LENGTH", "")
    environ[_KEY] = reader = FormReader(
        content_type=environ.get("CONTENT_TYPE", ""),
        content_length=int(length) if length.isdecimal() else None,
        open_scratch=(lambda: Scratch(directory)) if directory is not None else None,
        request_bytes=config.get("REQUEST_BYTES", limits.REQUEST_BYTES),
    )
    return reader


class ScratchRequest(flask.Request):
    """Flask's request with ``form`` and ``uploads`` read by ``FormReader``; ``files`` stays empty."""

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The files of the form, in its order. They are closed when the request ends."""
        self._load_form_data()
        return tuple(self._form_reader(keep_files=True).uploads)

    def typed(self) -> dict[str, str]:
        """The text fields as far as they have arrived; the first of a name counts. Never raises.

        Also of a form that is refused (over a budget, too large, cut off), so that its page can give them back.
        """
        typed: dict[str, str] = {}
        for name, text in self._form_reader(keep_files=False).fields:
            typed.setdefault(name, text)
        return typed

    def _form_reader(self, *, keep_files: bool) -> FormReader:
        reader: FormReader | None = self.environ.get(_KEY)
        if reader is None:  # under a server that is not ours, the body is a stream
            reader = open_form(self.environ, flask.current_app.config, keep_files=keep_files)
            if self._has_form:
                reader.take_all(get_input_stream(self.environ))  # type: ignore[arg-type]  # the stub calls it IO[bytes]
        return reader

    @property
    def _has_form(self) -> bool:
        return self.method in {"POST", "PUT", "PATCH"}

    @override
    def _load_form_data(self) -> None:
        if "form" in self.__dict__:
            return
        reader = self._form_reader(keep_files=True)
        if self._has_form:
            reader.check()
        self.__dict__.update(
            form=ImmutableMultiDict(reader.fields if self._has_form else ()),
            files=ImmutableMultiDict(),
            stream=io.BytesIO(),
            data=b"",
        )

    @override
    def close(self) -> None:
        reader: FormReader | None = self.environ.get(_KEY)
        if reader is not None:
            reader.close()


def current_request() -> ScratchRequest:
    """The request that is being answered, as the class it is.

    Raises:
        TypeError: outside an ``Application``.

    """
    # The proxy's object: ``flask.request`` itself is only declared as Flask's own class.
    request = flask.request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask documents it
    if not isinstance(request, ScratchRequest):
        raise TypeError("this application has another request class")
    return request
