"""The settings decide where the mailbox lies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fieldreport import config
from fieldreport.mailbox import open_mailbox


def settings(directory: Path) -> config.Settings:
    document = {
        "instance": {"id": "0" * 32},
        "keys": {"directory": "keys", "admin_fingerprint": "0" * 64},
        "intake": {"data": "intake"},
        "desk": {"data": "desk", "keyfiles": "desk/keyfiles"},
        "press": {"site": "site"},
    }
    return config.parse(document, path=directory / "fieldreport.toml", environment={})


def test_it_is_created_where_nothing_was_and_found_again(tmp_path: Path) -> None:
    (tmp_path / "intake").mkdir()
    first = open_mailbox(settings(tmp_path))
    first.saw_epoch(3)
    first.close()
    second = open_mailbox(settings(tmp_path))
    assert second.highest_epoch() == 3
    second.close()
    assert (tmp_path / "intake" / "mailbox.db").exists()
    assert (tmp_path / "intake" / "blobs").is_dir()


def test_several_that_open_a_new_one_at_once_make_it_once(tmp_path: Path) -> None:
    """The letterbox and the link start together on the first day."""
    for number in range(5):
        there = tmp_path / str(number)
        (there / "intake").mkdir(parents=True)
        with ThreadPoolExecutor(4) as pool:
            for opened in [pool.submit(open_mailbox, settings(there)) for _ in range(4)]:
                opened.result().close()
