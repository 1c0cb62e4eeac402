"""What others say of the published site: each of its files is held against the schema or the checker of its format.

Atom is validated by the schema of RFC 4287 (``atom.rng``), the rest by npm packages: pages by html-validate, the JSON
feed by ajv with ``json-feed.json``, the site map by the schema of sitemaps.org, which the package sitemap brings.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from lxml import etree

from fieldreport.press.archive import Archive, MediaSource
from fieldreport.press.article import Article, Translation
from fieldreport.press.exports import export
from fieldreport.press.newsroom import Newsroom, Published

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# Everything that the renderer can put into a body.
BODY = """First, **strong** and *soft*, ~~not~~ `code`, with [a link](https://example.org/?a=1&b=2) and a note.[^1]

![](photo-1.jpg)

## Then

- one
  1. two
- three

> Quoted.

| a | b |
|---|---|
| 1 | <2> |

```
code & more
```

---

[^1]: The note, with ![](photo-1.jpg).
"""
_AJV = """
const [modules, schema, feed] = process.argv.slice(1);
const fs = require("fs");
const Ajv = require(modules + "/ajv/dist/2020").default;
const ajv = require(modules + "/ajv-formats")(new Ajv({allErrors: true, allowUnionTypes: true}));
const validate = ajv.compile(JSON.parse(fs.readFileSync(schema)));
console.log(JSON.stringify(validate(JSON.parse(fs.readFileSync(feed))) ? [] : validate.errors));
"""
_LINK = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/1999/xhtml">
<xs:element name="link"><xs:complexType><xs:attribute name="rel" use="required" fixed="alternate"/>
<xs:attribute name="hreflang" type="xs:language" use="required"/>
<xs:attribute name="href" type="xs:anyURI" use="required"/></xs:complexType></xs:element></xs:schema>"""
_TOGETHER = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:import namespace="http://www.sitemaps.org/schemas/sitemap/0.9" schemaLocation="sitemap.xsd"/>
<xs:import namespace="http://www.w3.org/1999/xhtml" schemaLocation="link.xsd"/></xs:schema>"""


@pytest.fixture(scope="module")
def modules() -> Path:
    """Where the npm packages lie."""
    given = os.environ.get("FIELDREPORT_NODE_MODULES")
    for folder in [*([Path(given)] if given else []), ROOT / ".cache" / "node" / "node_modules"]:
        if shutil.which("node") and (folder / "html-validate").is_dir():
            return folder
    pytest.skip("needs node, and the npm packages html-validate, ajv, ajv-formats and sitemap in .cache/node")


@pytest.fixture(
    params=[pytest.param(False, id="empty"), pytest.param(True, id="full")],
)
def site(
    request: pytest.FixtureRequest,
    archive: Archive,
    newsroom: Newsroom,
    article: Article,
    media: dict[str, MediaSource],
    slot: datetime,
    tmp_path: Path,
) -> Path:
    """A site with nothing on it, and one with all there is, in two directions; with an export of it."""
    if not request.param:
        archive.rebuild(newsroom, slot=slot)
        return archive.directory / "current"
    arabic = replace(article, language="ar", slug="ar-bcdfghjk33", title="نوافذ <مظلمة>", body="نص.")
    full = replace(
        article,
        body=BODY,
        correction="It was two.",
        translations=(Translation(article=arabic, ready=True),),
    )
    plain = Article(language="zh-Hans", slug="bcdfghjk44", title="标题", body="正文。")
    gone = Article(language="fr", slug="bcdfghjk55", title="Parti", body="Texte.")
    for each in (full, plain, gone):
        archive.put(
            Published(slug=each.slug, language=each.language, published=slot, updated=slot, article=each), media
        )
    archive.withdraw(gone.slug, slot)
    whole = replace(
        newsroom, name="The <Far> & Bank", demo=True, letterbox="b" * 56 + ".onion", recipients="#\n", about=BODY
    )
    archive.rebuild(whole, slot=slot)
    for slug in (full.slug, arabic.slug):
        export(archive, whole, slug, tmp_path / slug)
        shutil.copy(tmp_path / slug / f"{slug}.html", archive.directory / "current" / f"exported-{slug}.html")
    return archive.directory / "current"


def test_the_feed_is_atom(site: Path) -> None:
    schema = etree.RelaxNG(etree.parse(str(HERE / "atom.rng")))
    feed = etree.parse(str(site / "feed.xml"))
    assert schema.validate(feed), schema.error_log
    for broken in ("title", "updated", "id"):  # the schema is one
        element = feed.getroot().find(f"{{http://www.w3.org/2005/Atom}}{broken}")
        assert element is not None
        feed.getroot().remove(element)
        assert not schema.validate(feed), broken


@pytest.mark.outside
def test_the_json_feed_is_one(site: Path, modules: Path, tmp_path: Path) -> None:
    def errors(feed: Path) -> list[object]:
        command = ["node", "--eval", _AJV, str(modules), str(HERE / "json-feed.json"), str(feed)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        found: list[object] = json.loads(done.stdout)
        return found

    assert errors(site / "feed.json") == []
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps({**json.loads((site / "feed.json").read_text(encoding="utf-8")), "title": 1}))
    assert len(errors(broken)) == 1


@pytest.mark.outside
def test_the_site_map_is_one(site: Path, modules: Path, tmp_path: Path) -> None:
    shutil.copy(modules / "sitemap" / "schema" / "sitemap.xsd", tmp_path / "sitemap.xsd")
    (tmp_path / "link.xsd").write_text(_LINK, encoding="utf-8")
    (tmp_path / "all.xsd").write_text(_TOGETHER, encoding="utf-8")
    schema = etree.XMLSchema(etree.parse(str(tmp_path / "all.xsd")))
    sitemap = etree.parse(str(site / "sitemap.xml"))
    assert schema.validate(sitemap), schema.error_log
    sitemap.getroot()[0].remove(sitemap.getroot()[0][0])
    assert not schema.validate(sitemap)


@pytest.mark.outside
def test_every_page_is_html(site: Path, modules: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"root": True, "extends": ["html-validate:standard"]}), encoding="utf-8")

    def errors(*pages: Path) -> list[str]:
        program = modules / "html-validate" / "bin" / "html-validate.mjs"
        command = ["node", str(program), "--config", str(settings), "--formatter", "json", *map(str, pages)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        results = json.loads(done.stdout)
        return [f"{page['filePath']}: {each['message']}" for page in results for each in page["messages"]]

    pages = [path.resolve() for path in site.rglob("*.html")]
    assert len(pages) >= 2
    assert errors(*pages) == []
    broken = tmp_path / "broken.html"
    broken.write_text("<!doctype html><html lang='en'><head><title>T</title></head><body><p><div></p></body></html>")
    assert errors(broken)
