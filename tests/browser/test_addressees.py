"""Chromium without scripts, narrow and wide, in four scripts: a source chooses who reads a report, and only she can."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from fieldreport import config, installation
from fieldreport.cli import demo_newsroom, zones
from fieldreport.mailbox import open_mailbox
from fieldreport.unseal import key_file
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import open_vault
from fieldreport.vault.cases import sort
from fieldreport.vault.cases.collect import collect
from fieldreport.vault.staff import roster_changes
from tests.browser.conftest import three_free_ports
from tests.browser.test_whole_path import Screen
from tests.cast import cases_in, cheap_keys

pytestmark = [pytest.mark.browser, pytest.mark.campaign]

type_of_starter = Callable[..., webdriver.Chrome]

LABEL = "Amira Haddad, 国境部"
SCREENS = [(width, language) for width in (320, 1024) for language in ("en", "ko", "zh-Hans", "ar")]


@pytest.fixture
def newsroom(made: Path, tmp_path: Path) -> Iterator[demo_newsroom.Demo]:
    """A demo newsroom in which amira may be addressed alone."""
    directory = shutil.copytree(made, tmp_path / "demo")
    settings_file = directory / installation.SETTINGS_NAME
    text = settings_file.read_text(encoding="utf-8")
    settings_file.write_text(f'{text}\n[intake.addressees]\namira = "{LABEL}"\n', encoding="utf-8")
    opened = demo_newsroom.open_demo(directory, port=three_free_ports())
    with cheap_keys():
        admin = unlock(opened, "lena")
        with installation.admin_at_work(opened.settings, admin) as (seat, mailbox):
            roster_changes.address(seat, "amira", ["amira"], mailbox)
    with zones.running(opened.settings):
        yield opened


def unlock(newsroom: demo_newsroom.Demo, handle: str) -> key_file.StaffKey:
    """Somebody's keys."""
    path = newsroom.settings.desk.keyfiles / f"{handle}.key"
    return key_file.unlock(path, newsroom.people[handle].passphrase)


def sorted_by(newsroom: demo_newsroom.Demo, settings: config.Settings, handle: str) -> int:
    """How many letters somebody can file."""
    with closing(open_vault(settings)) as vault, closing(open_mailbox(settings)) as mailbox:
        watch = RosterWatch.of(settings, vault)
        collect(vault, mailbox, watch)
        return sort.sort(Seat(vault, unlock(newsroom, handle), watch)).letters


def test_a_source_chooses_who_reads_and_nobody_else_can(
    newsroom: demo_newsroom.Demo, chromium: type_of_starter
) -> None:
    for width, language in SCREENS:
        screen = Screen(chromium(scripting=False, width=width, language=language), newsroom)
        screen.open("intake", f"/{language}/report")
        choice = Select(screen.driver.find_element(By.NAME, "addressee"))
        assert [option.text for option in choice.options][1:] == [LABEL]
        assert choice.first_selected_option.get_attribute("value") == "*"
        choice.select_by_value("amira")
        screen.fill({"report": f"from a screen of {width} pixels"})
        screen.send()
        assert LABEL in screen.driver.find_element(By.TAG_NAME, "main").text
    assert sorted_by(newsroom, newsroom.settings, "jonas") == 0
    assert sorted_by(newsroom, newsroom.settings, "amira") == len(SCREENS)
    with closing(open_vault(newsroom.settings)) as vault:
        rows = cases_in(vault, RosterWatch.of(newsroom.settings, vault))
        assert [row.readers for row in rows] == [("amira",)] * len(SCREENS)
