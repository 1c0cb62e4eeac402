"""``fieldreport article push`` to the real WordPress of the distribution."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.cli.conftest import House, refused
from tests.cli.test_article_push import publish, push
from tests.cli.throwaway_wordpress import NEEDED, PROGRAM, wordpress

_MISSING = [name for name in NEEDED if shutil.which(name, path="/usr/bin:/usr/sbin:/bin") is None]

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.outside,
    pytest.mark.skipif(bool(_MISSING) or not PROGRAM.is_dir(), reason="needs WordPress, PHP and MariaDB"),
]


def test_it_is_one_draft_in_a_real_one_with_its_picture_and_the_time_of_the_slot(house: House, tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.effect_noise((64, 48), 40).save(picture, "JPEG")
    publish(house, picture=picture.getvalue())
    with wordpress(tmp_path) as there:
        user, _, password = there.credentials.partition(":")
        with httpx.Client(auth=(user, password), timeout=120) as client:

            def all_of(kind: str) -> list[dict[str, Any]]:
                more = {"status": "any", "context": "edit"} if kind == "posts" else {}
                found = client.get(there.address, params={"rest_route": f"/wp/v2/{kind}", **more}).json()
                return [each for each in found if each["slug"] != "hello-world"]

            assert push(house, "wordpress", there.address, f"{user}:wrong").exit_code == 77
            assert all_of("posts") == []
            first = push(house, "wordpress", there.address, there.credentials)
            assert first.exit_code == 0, first.stderr
            assert "a new draft" in first.stdout
            publish(house, "Corrected 국경.\n\n![x](photo-1.jpg)", picture=picture.getvalue())
            assert "the same draft" in push(house, "wordpress", there.address, there.credentials).stdout
            (post,), (media,) = all_of("posts"), all_of("media")
            assert (post["slug"], post["status"], post["title"]["raw"]) == ("bcdfghjk22", "draft", "Leaving")
            assert "Corrected 국경." in post["content"]["raw"]
            assert media["source_url"] in post["content"]["raw"]
            assert "The &lt;hills&gt;" in post["content"]["raw"]
            assert post["date_gmt"] == "2026-11-20T06:00:00"
            assert httpx.get(media["source_url"], timeout=120).content == picture.getvalue()
            route = {"rest_route": f"/wp/v2/posts/{post['id']}"}
            online = client.post(there.address, params=route, json={"status": "publish"}).json()
            assert online["status"] == "publish"
            assert "no draft any more" in refused(push(house, "wordpress", there.address, there.credentials), 75)
