"""A scripted visitor: fetches pages, fills in their forms and posts them, like a browser without JavaScript.

Rules: it knows only what a page shows. A form is found by the words on its button, a field by its name, and hidden
fields travel as they are. Redirects are followed; an answer that is not a page is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import httpx
from lxml import html

from fieldreport.errors import FieldreportError


class VisitFailed(FieldreportError):
    """A page was not what the visitor was led to expect."""

    code = "visit-failed"
    exit_status = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file to be chosen in a form: its name on the visitor's own disk, and its bytes."""

    name: str
    content: bytes = field(repr=False)


class Page:
    """One answer: its status, its words, and its forms and links."""

    def __init__(self, response: httpx.Response) -> None:
        self.url = str(response.url)
        self.status = response.status_code
        self.headers = response.headers
        self.content = response.content
        # Any: the stubs of lxml know elements of XML and not the forms, links and text_content of HTML.
        self._document: Any = html.document_fromstring(response.content)

    @property
    def text(self) -> str:
        """All words of the page, white space folded."""
        return _words(self._document)

    def all(self, selector: str) -> list[str]:
        """The words of every element at an XPath."""
        return [_words(element) for element in self._document.xpath(selector)]

    def link(self, words: str) -> str:
        """Where the first link with these words leads.

        Raises:
            VisitFailed: there is none.

        """
        for anchor in self._document.iter("a"):
            if words in _words(anchor):
                return str(urljoin(self.url, anchor.get("href", "")))
        raise VisitFailed(f"no link {words!r} on {self.url}")

    def links(self, part: str) -> list[str]:
        """Every link whose address holds ``part``, in the page's order, each once."""
        found = (urljoin(self.url, a.get("href", "")) for a in self._document.iter("a"))
        return list(dict.fromkeys(address for address in found if part in address))

    def pictures(self) -> list[str]:
        """The address of every picture on the page."""
        return [str(urljoin(self.url, image.get("src", ""))) for image in self._document.iter("img")]

    def has_button(self, words: str) -> bool:
        """Whether some button has these words."""
        return any(words in _words(button) for button in self._document.iter("button"))

    def fields(self, button: str) -> list[str]:
        """The names of the fields of a button's form; raises as ``form``."""
        return list(self.values(button))

    def values(self, button: str) -> dict[str, str | None]:
        """What a button's form holds, fields elsewhere that name it included; None for a box that is not ticked."""
        form = self.form(button)
        elsewhere = self._document.xpath(
            "//input[@form=$id]|//select[@form=$id]|//textarea[@form=$id]", id=form.get("id")
        )
        named = {element.name: element.value for element in elsewhere if element.name} if form.get("id") else {}
        return {name: value for name, value in [*form.fields.items(), *named.items()] if name}

    def form(self, button: str) -> Any:
        """The form that a button with these words stands in, or names; raises as ``button``."""
        submit = self.button(button)
        named = submit.get("form")
        return self._document.get_element_by_id(named) if named else next(submit.iterancestors("form"))

    def button(self, words: str) -> Any:
        """The first button with these words that sends a form.

        Raises:
            VisitFailed: there is none.

        """
        for submit in self._document.iter("button"):
            if words in _words(submit) and (submit.get("form") or next(submit.iterancestors("form"), None) is not None):
                return submit
        raise VisitFailed(f"no button {words!r} on {self.url}")


class Visitor:
    """One person at one browser, with its own cookies."""

    def __init__(self) -> None:
        # A walkthrough waits for scrubbing and for Argon2id, and must not hang.
        self._client = httpx.Client(follow_redirects=True, timeout=120)

    def close(self) -> None:
        """Close the browser: its connections and its cookies are gone."""
        self._client.close()

    def get(self, url: str) -> Page:
        """Open a page.

        Raises:
            VisitFailed: the answer is an error.

        """
        return self._page(self._client.get(url))

    def download(self, url: str) -> bytes:
        """Fetch a file.

        Raises:
            VisitFailed: the answer is an error.

        """
        return self._page(self._client.get(url)).content

    def press(
        self,
        page: Page,
        button: str,
        values: Mapping[str, str] | None = None,
        files: Sequence[Attachment] = (),
        *,
        expect: int | None = 200,
    ) -> Page:
        """Fill in the form that a button belongs to, post it, and return the answer.

        Args:
            page: where the form stands.
            button: words of its button.
            values: field name → what is typed; every name must be a field of the form.
            files: chosen in the form's file field.
            expect: the status that the answer must have; None takes any.

        Raises:
            VisitFailed: no such button or field, or another status.

        """
        form = page.form(button)
        # None is a box that is not ticked, which a browser does not send.
        held = page.values(button)
        fields = {name: value for name, value in held.items() if value is not None}
        for name in values or {}:
            if name not in held:
                raise VisitFailed(f"no field {name!r} with the button {button!r} on {page.url}")
        fields.update(values or {})
        submit = page.button(button)
        if submit.get("name"):
            fields[submit.get("name")] = submit.get("value", "")
        action = urljoin(page.url, submit.get("formaction") or form.get("action") or page.url)
        chosen = [element.get("name", "") for element in form.iter("input") if element.get("type") == "file"]
        for name in chosen:
            fields.pop(name, None)
        if (form.get("enctype") or "") == "multipart/form-data":
            uploads = [(chosen[0], (item.name, item.content)) for item in files] if files else []
            parts = [(name, (None, value)) for name, value in fields.items()]
            response = self._client.post(action, files=[*parts, *uploads], headers={"Origin": _origin(action)})
        else:
            response = self._client.post(action, data=fields, headers={"Origin": _origin(action)})
        return self._page(response, expect=expect)

    def _page(self, response: httpx.Response, *, expect: int | None = 200) -> Page:
        if expect is not None and response.status_code != expect:
            raise VisitFailed(f"{response.request.method} {response.url} answered {response.status_code}")
        return Page(response)


def _words(element: Any) -> str:
    return " ".join(str(element.text_content()).split())


def _origin(url: str) -> str:
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.netloc.decode()}"
