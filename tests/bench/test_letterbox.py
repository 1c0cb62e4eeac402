"""What the parts of the bench that run a letterbox rest on. Nothing here is timed."""

from __future__ import annotations

import random

from fieldreport.bench.codename_clock import sign_z
from fieldreport.bench.letterbox import Client, form_body, near_boundary, report_form, running_letterbox, unique_memory
from fieldreport.mailbox import open_mailbox
from fieldreport.seal import open_rosters
from tests.cast import cheap_keys


def test_the_letterbox_is_a_real_one_and_goes_away() -> None:
    with cheap_keys(), running_letterbox(workers=2, editors=("amira",)) as letterbox:
        with Client(letterbox.port) as client:
            form = report_form(client.get("/en/report"))
            client.post("/en/report", form_body({**form, "report": "Trucks."}))
        assert len(letterbox.workers) == 2
        assert unique_memory(letterbox.workers) > 0
        assert len(open_rosters(letterbox.settings).newest(at_least=0).recipients()) >= 2
        mailbox = open_mailbox(letterbox.settings)
        assert mailbox.totals().letters == 1
        mailbox.close()
    assert not letterbox.settings.path.exists()


def test_hostile_content_is_nearly_a_boundary_all_over() -> None:
    content = near_boundary(1000)
    boundary = form_body({}).rstrip(b"\r\n").removesuffix(b"--")
    assert len(content) == 1000
    assert content.count(boundary[:-1]) > 30
    assert boundary not in content


def test_a_difference_smaller_than_the_noise_is_seen_in_two_thousand_tries() -> None:
    noise = random.Random(1)
    slower = [(noise.gauss(21, 3), noise.gauss(20, 3)) for _ in range(1000)]
    assert sign_z(slower) > 3.3
    assert sign_z([(other, one) for one, other in slower]) < -3.3


def test_no_difference_is_not_seen() -> None:
    noise = random.Random(2)
    assert abs(sign_z([(noise.gauss(20, 3), noise.gauss(20, 3)) for _ in range(1000)])) < 3.3
    assert sign_z([(1.0, 1.0)]) == 0
