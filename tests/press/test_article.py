"""An article is well formed or is none; its JSON is canonical; its hash covers everything public."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport.errors import FieldreportError, LimitExceeded, UsageError
from fieldreport.press.article import Article, Media, Translation, new_slug

PHOTO = Media(
    name="photo-1.jpg", media_type="image/jpeg", sha256="a" * 64, length=7, alternative="A bridge", caption="The bridge"
)
ARTICLE = Article(
    language="ko", slug="bcdfghjkmn", title="제목", standfirst="요약", body="본문\n\n![](photo-1.jpg)", media=(PHOTO,)
)

ENGLISH = Article(
    language="en", slug="en-bcdfghjkmn", title="Title", body="Text", media=(replace(PHOTO, caption="It"),)
)
TRANSLATED = replace(ARTICLE, translations=(Translation(article=ENGLISH, ready=True),))
IN_DRAFT = replace(TRANSLATED, translations=(Translation(article=ENGLISH),))

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufffe\uffff"), max_size=40)
articles = st.builds(
    Article,
    language=st.sampled_from(["en", "ko", "zh-Hans", "zh-Hant", "pt-BR", "es-419", "uz-Cyrl-UZ"]),
    slug=st.just("bcdfghjkmn"),
    title=texts,
    standfirst=texts,
    body=texts,
    correction=texts,
    media=st.lists(st.builds(replace, st.just(PHOTO), caption=texts, alternative=texts), max_size=1).map(tuple),
)


@given(articles)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_again(article: Article) -> None:
    assert Article.from_json(article.to_json()) == article


@pytest.mark.parametrize("article", [ARTICLE, TRANSLATED, IN_DRAFT])
def test_the_json_is_canonical(article: Article) -> None:
    document = article.to_json()
    assert (
        json.dumps(json.loads(document), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() == document
    )
    assert Article.from_json(document) == article


def test_one_without_translations_is_written_as_before_there_were_any() -> None:
    assert json.loads(ARTICLE.to_json()).keys() == {
        *("format", "language", "slug", "title", "standfirst", "body", "correction", "media")
    }
    assert ARTICLE.content_hash().hex() == "23370f988b872bda2ba13b5b1c01829136712b3f1439b7916d8b0a4cb9d5f567"


def test_the_hash_is_over_every_language_that_will_be_published_and_no_other() -> None:
    other = replace(ENGLISH, title="Another")
    assert TRANSLATED.content_hash() != ARTICLE.content_hash()
    assert TRANSLATED.with_translation(Translation(article=other, ready=True)).content_hash() != (
        TRANSLATED.content_hash()
    )
    assert IN_DRAFT.content_hash() == ARTICLE.content_hash()
    assert IN_DRAFT.with_translation(Translation(article=other)).revision_hash() != IN_DRAFT.revision_hash()


def test_a_translation_has_the_files_of_its_original_and_its_own_words_for_them() -> None:
    second = replace(PHOTO, name="photo-2.jpg", sha256="b" * 64)
    changed = replace(TRANSLATED, media=(second, replace(PHOTO, sha256="c" * 64)))
    english = changed.each_language()[1]
    assert [(each.name, each.sha256, each.caption) for each in english.media] == [
        ("photo-2.jpg", "b" * 64, ""),
        ("photo-1.jpg", "c" * 64, "It"),
    ]
    assert replace(changed, media=()).each_language()[1].media == ()


@pytest.mark.parametrize(
    "translation", [replace(ENGLISH, language="ko"), replace(ENGLISH, slug=ARTICLE.slug), TRANSLATED]
)
def test_two_languages_share_no_tag_and_no_address_and_have_no_translations_themselves(translation: Article) -> None:
    with pytest.raises(UsageError):
        replace(ARTICLE, translations=(Translation(article=translation),))


def test_translations_in_another_form_are_refused() -> None:
    document = json.loads(TRANSLATED.to_json())
    inner = document["translations"][0]
    for untrusted in (
        [],
        [inner, 7],
        [{**inner, "ready": 1}],
        [{**inner, "article": {**inner["article"], "translations": []}}],
        [{"article": document, "ready": True}],
    ):
        with pytest.raises(UsageError) as caught:
            Article.from_json(json.dumps({**document, "translations": untrusted}).encode())
        assert caught.value.code == "article-json"


@pytest.mark.parametrize(
    "changed",
    [
        replace(ARTICLE, title="x"),
        replace(ARTICLE, standfirst="x"),
        replace(ARTICLE, body="x"),
        replace(ARTICLE, correction="x"),
        replace(ARTICLE, slug="bcdfghjkmp"),
        replace(ARTICLE, language="ja"),
        replace(ARTICLE, media=()),
        replace(ARTICLE, media=(replace(PHOTO, caption="x"),)),
        replace(ARTICLE, media=(replace(PHOTO, alternative="x"),)),
        replace(ARTICLE, media=(replace(PHOTO, sha256="b" * 64),)),
        replace(ARTICLE, media=(replace(PHOTO, name="photo-2.jpg"),)),
    ],
)
def test_the_hash_changes_with_everything_a_reader_sees(changed: Article) -> None:
    assert changed.content_hash() != ARTICLE.content_hash()
    assert len(changed.content_hash()) == 32


@given(
    st.binary(max_size=80)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["format", "title", "media", "slug"]), inner, max_size=4)
        ),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode())
)
@settings(max_examples=100, deadline=None)
def test_any_other_bytes_raise_only_our_errors(untrusted: bytes) -> None:
    with pytest.raises(FieldreportError):
        Article.from_json(untrusted)


def test_an_unknown_field_and_another_format_are_refused() -> None:
    document = json.loads(ARTICLE.to_json())
    for change in (
        {"author": "x"},
        {"format": 2},
        {"format": True},
        {"title": 7},
        {"media": [{"name": "photo-1.jpg"}]},
    ):
        with pytest.raises(UsageError) as caught:
            Article.from_json(json.dumps({**document, **change}).encode())
        assert caught.value.code == "article-json"


@pytest.mark.parametrize("language", ["", "KO", "korean", "ko_KR", "zh-hans", "en-us", "en\n"])
def test_a_malformed_language_is_refused(language: str) -> None:
    with pytest.raises(UsageError):
        replace(ARTICLE, language=language)


@pytest.mark.parametrize(
    "slug", ["", "short", "../../../etc/passwd", "UPPERCASES", "with space1", "a" * 121, "-bcdfghjkmn", "bcdfghjkm\n"]
)
def test_a_malformed_slug_is_refused(slug: str) -> None:
    with pytest.raises(UsageError):
        replace(ARTICLE, slug=slug)


@pytest.mark.parametrize(
    "name", ["IMG_20240503_Hyesan.jpg", "../photo-1.jpg", "photo-0.jpg", "photo-1", "photo-1.jpg\n", "사진-1.jpg"]
)
def test_a_media_name_that_is_not_neutral_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        replace(PHOTO, name=name)


def test_two_attachments_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError):
        replace(ARTICLE, media=(PHOTO, replace(PHOTO, caption="another")))


def test_a_text_that_cannot_be_published_is_refused() -> None:
    for text in ("\ud800", "a\0b", "a\x0b", "\ufffe"):
        with pytest.raises(UsageError):
            replace(ARTICLE, title=text)
    with pytest.raises(LimitExceeded):
        replace(ARTICLE, title="x" * 301)


def test_lines_end_one_way_whatever_the_browser_sends() -> None:
    assert replace(ARTICLE, body="a\r\n\r\nb\rc").body == "a\n\nb\nc"
    assert replace(PHOTO, caption="a\r\nb").caption == "a\nb"


def test_a_fresh_address_is_random_and_says_nothing_unless_asked() -> None:
    assert new_slug() != new_slug()
    replace(ARTICLE, slug=new_slug())
    readable = new_slug("Across the River: Зима 2024! and much more than six words")
    assert readable.startswith("across-the-river-zima-2024-and-")
    replace(ARTICLE, slug=readable)
    of_translation = new_slug("a b c d e f g", language="uz-Cyrl-UZ")
    assert of_translation.startswith("uz-cyrl-uz-a-b-c-d-e-")
    replace(ARTICLE, slug=of_translation)
