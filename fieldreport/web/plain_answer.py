"""What the server answers without the application: to a client that speaks no proper HTTP, or when it has no time."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from gunicorn.http import errors as http_errors
from werkzeug.exceptions import HTTPException

from fieldreport.web import headers

_STATUS: Final[tuple[tuple[type[Exception], HTTPStatus], ...]] = (
    (http_errors.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG),
    (http_errors.LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (http_errors.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED),
    (http_errors.UnsupportedTransferCoding, HTTPStatus.NOT_IMPLEMENTED),
    (http_errors.ForbiddenProxyRequest, HTTPStatus.FORBIDDEN),
    (http_errors.ParseException, HTTPStatus.BAD_REQUEST),
)
_BACK: Final = "Your browser may still have what you wrote: go back, and send it again"
_SORRY: Final = {
    HTTPStatus.REQUEST_TIMEOUT: f"It did not arrive in time. {_BACK}.",
    HTTPStatus.TOO_MANY_REQUESTS: f"Too much was sent in a short time. {_BACK} in an hour.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something broke on our side. Try again later.",
}


def status_of(error: Exception) -> HTTPStatus:
    """The status that answers an error: 500 for one of the program."""
    if isinstance(error, HTTPException) and error.code:  # an application that lets the errors of a body pass
        return HTTPStatus(error.code)
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def plain_answer(status: HTTPStatus) -> bytes:
    """A whole answer, head and page, after which the connection ends; with the headers of all our answers."""
    sorry = _SORRY.get(status, "This request could not be understood.")
    title = f"<!doctype html><html lang=en><meta charset=utf-8><title>{status.phrase}</title>"
    body = f"{title}<h1>{status.phrase}</h1><p>{sorry}</p></html>".encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Connection: close",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.security_headers().items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
