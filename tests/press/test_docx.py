"""A Word document of an article tells nobody's name and no time, and says all that the page says."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile

import pytest
from PIL import Image

from fieldreport.press.article import Article, Media
from fieldreport.press.docx import docx
from fieldreport.scrub import registry
from fieldreport.scrub.format import Source

TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
BODY = """Text **bold** and *it* ~~gone~~ `code`, a [link](https://example.org/a?b=c&d=e) <b>.

## A head

> said
> so

1. one
2. two
   - inner

     more of it

![x](photo-1.jpg)

| a | b |
|---|---|
| 1 | 2 |

---

```
first
 second
```

A note[^1]. ![x](sound-1.mp3)

[^1]: The note itself.
"""


def picture(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(stream, kind)
    return stream.getvalue()


def article(language: str = "en", kind: str = "JPEG", body: str = BODY) -> tuple[Article, bytes]:
    content = picture(kind)
    photo = Media(
        name="photo-1.jpg",
        media_type=f"image/{kind.lower()}",
        sha256=hashlib.sha256(content).hexdigest(),
        length=len(content),
        alternative="Hills & <trees>",
        caption="The hills",
    )
    sound = Media(name="sound-1.mp3", media_type="audio/mpeg", sha256="ab" * 32, length=3, alternative="A voice")
    made = Article(
        language=language,
        slug="bcdfghjk22",
        title="Dark <windows> & doors",
        standfirst="Nobody says why.",
        correction="A day was wrong.",
        body=body,
        media=(photo, sound),
    )
    return made, content


def part(document: bytes, name: str = "word/document.xml") -> str:
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        return archive.read(name).decode()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_cleaners_verifier_finds_nothing_in_it(kind: str) -> None:
    made, content = article(kind=kind)
    document = docx(made, lambda _: content)
    assert registry.verify(Source.of(document), TYPE)
    assert docx(made, lambda _: content) == document
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        assert not [name for name in archive.namelist() if name.startswith("docProps")]
    assert 'cx="5486400" cy="4114800"' in part(document)


def test_everything_that_the_page_says_is_in_it() -> None:
    made, content = article()
    document = docx(made, lambda _: content)
    words = " ".join(re.findall(r"<w:t[^>]*>([^<]*)</w:t>", part(document)))
    for said in ("Dark &lt;windows&gt; &amp; doors", "Nobody says why.", "bold", "gone", "A head", "said so", "inner",
                 "more of it", "[Hills &amp; &lt;trees&gt;]", "The hills", "first", " second", "The note itself.",
                 "[A voice]", "A day was wrong."):  # fmt: skip
        assert said in words, said
    assert "https://example.org/a?b=c&amp;d=e" in part(document, "word/_rels/document.xml.rels")
    assert part(document).count("<w:numPr>") == 4  # two numbers, a bullet, the note; not the item's second paragraph


@pytest.mark.parametrize(
    ("language", "body"), [("ar", "نص **مهم** هنا"), ("ko", "우리는 **강을** 건넜다"), ("en", ""), ("en", "- \n- x")]
)
def test_every_language_and_an_empty_article_make_a_sound_document(language: str, body: str) -> None:
    made, content = article(language, body=body)
    document = docx(made, lambda _: content)
    assert registry.verify(Source.of(document), TYPE)
    assert ("<w:bidi/>" in part(document)) is (language == "ar")
