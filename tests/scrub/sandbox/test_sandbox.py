"""A file that has taken over its child meets the lock: each deed is contained and the service goes on."""

from __future__ import annotations

import errno
import io
import itertools
import os
import signal
import socket
import threading
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from fieldreport import limits
from fieldreport.errors import PlatformError, ScrubRefused
from fieldreport.scratch import Scratch
from fieldreport.scrub import Mode, Refusal
from fieldreport.scrub.sandbox import parent as warmparent
from fieldreport.scrub.sandbox.lockdown import SandboxStatus, sandbox_status
from fieldreport.scrub.sandbox.parent import WarmParent
from fieldreport.scrub.sandbox.service import Scrubber
from tests.eventually import eventually

ScratchOf = Callable[[bytes], Scratch]

HOSTILE = Path(__file__).parents[1] / "hostile.py"
TEXT = b"The bridge is guarded at night."


def code_of(scrubber: Scrubber, source: Scratch) -> str:
    with pytest.raises(ScrubRefused) as caught:
        scrubber.clean(source)
    return caught.value.code


def wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(8000)
        recording.writeframes(bytes(8000))
    return file.getvalue()


def is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return False


def spinning(parent: int) -> list[str]:
    """The children of a process that have used more than a second of processor time."""
    found = []
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        try:
            used = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11]
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += [child] * (int(used) > os.sysconf("SC_CLK_TCK"))
    return found


def assert_goes_on(scrubber: Scrubber, scratch: ScratchOf) -> None:
    scrubbed = scrubber.clean(scratch(TEXT))
    with scrubbed.output:
        assert scrubbed.output.read() == TEXT
    assert scrubbed.length == len(TEXT)


@pytest.mark.parametrize(
    ("deed", "refusal"),
    [
        ("open", Refusal.DAMAGED),  # an errno, as any missing file: the decoder goes on or gives up
        ("open-by-descriptor", Refusal.DAMAGED),
        ("list", Refusal.DAMAGED),
        ("create", Refusal.DAMAGED),
        ("fork", Refusal.DAMAGED),
        ("fork-bomb", Refusal.DAMAGED),
        ("executable", Refusal.DAMAGED),
        ("executable-later", Refusal.DAMAGED),
        ("raise-limits", Refusal.DAMAGED),
        ("import-late", Refusal.DAMAGED),
        ("secret-in-exception", Refusal.DAMAGED),
        ("socket", Refusal.CRASHED),
        ("execute", Refusal.CRASHED),
        ("kill-parent", Refusal.CRASHED),
        ("trace", Refusal.CRASHED),
        ("segfault", Refusal.CRASHED),
        ("write-around", Refusal.DAMAGED),  # the kernel ends the file's growth
        ("write-for-ever", Refusal.TOO_LARGE),
        ("allocate", Refusal.MEMORY),
        ("residue", Refusal.RESIDUE),
        ("answer-nonsense", Refusal.CRASHED),
        ("answer-elsewhere", Refusal.CRASHED),
    ],
)
def test_a_hostile_file_is_refused_and_the_next_one_is_cleaned(
    scrubber: Scrubber, scratch: ScratchOf, deed: str, refusal: Refusal
) -> None:
    assert code_of(scrubber, scratch(b"HOSTILE " + deed.encode())) == refusal
    assert_goes_on(scrubber, scratch)


def test_a_file_that_never_ends_is_given_up(
    scrubber: Scrubber, scratch: ScratchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as impatient:
        impatient.setattr(limits, "SCRUB_WALL_SECONDS", 2)
        assert code_of(scrubber, scratch(b"HOSTILE spin")) == Refusal.TIMEOUT
    assert_goes_on(scrubber, scratch)


def test_processor_time_counts_and_waiting_does_not(tmp_path: Path, scratch: ScratchOf) -> None:
    """Of a child that may use one second."""
    hasty = tmp_path / "hasty.py"
    hasty.write_text("from fieldreport import limits\nlimits.SCRUB_CPU_SECONDS = 1\n", "utf-8")
    arguments = (f"--also={HOSTILE}", f"--also={hasty}")
    with Scrubber(directory=tmp_path, require_sandbox=True, arguments=arguments) as own:
        assert code_of(own, scratch(b"HOSTILE spin")) == Refusal.TIMEOUT
        own.clean(scratch(b"HOSTILE sleep")).output.close()


def test_a_good_file_that_waits_a_minute_for_a_processor_is_not_refused(
    scrubber: Scrubber, scratch: ScratchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two looks at the clock a minute has passed."""
    source, clock = scratch(TEXT), itertools.count(step=61)
    monkeypatch.setattr(warmparent, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    scrubber.clean(source).output.close()


def test_threads_without_end_are_contained(scrubber: Scrubber, scratch: ScratchOf) -> None:
    code = code_of(scrubber, scratch(b"HOSTILE thread-bomb"))
    assert code in {Refusal.MEMORY, Refusal.TIMEOUT, Refusal.DAMAGED, Refusal.CRASHED}
    assert_goes_on(scrubber, scratch)


def test_an_exception_tells_neither_its_name_nor_its_message(scrubber: Scrubber, scratch: ScratchOf) -> None:
    with pytest.raises(ScrubRefused) as caught:
        scrubber.clean(scratch(b"HOSTILE secret-in-exception"))
    assert "Kim" not in str(caught.value)
    assert caught.value.detail == "scrub: damaged (other)"


def test_what_a_decoder_prints_goes_nowhere(
    scrubber: Scrubber, scratch: ScratchOf, capfd: pytest.CaptureFixture[str]
) -> None:
    scrubber.clean(scratch(b"HOSTILE chatter")).output.close()
    printed = capfd.readouterr()
    assert "Kim" not in printed.out + printed.err


def test_a_child_cannot_write_another_file_in_place_of_its_own(scrubber: Scrubber, scratch: ScratchOf) -> None:
    source = scratch(b"HOSTILE rewrite-the-source")
    scrubber.clean(source).output.close()
    with Scratch.adopt(replace(source.share(), fd=os.dup(source.share().fd))) as read_again:
        assert read_again.read() == b"HOSTILE rewrite-the-source"


def test_a_strong_file_sent_elsewhere_twice_has_made_its_child_crash(scrubber: Scrubber, scratch: ScratchOf) -> None:
    with pytest.raises(ScrubRefused) as caught:
        scrubber.clean(scratch(b"HOSTILE answer-elsewhere"), mode=Mode.STRONG)
    assert caught.value.code == Refusal.CRASHED


def test_a_child_that_sends_its_file_elsewhere_must_be_gone_before_it_is_believed(
    scrubber: Scrubber, scratch: ScratchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go on writing where the next one writes."""
    with monkeypatch.context() as impatient:
        impatient.setattr(limits, "SCRUB_WALL_SECONDS", 2)
        with pytest.raises(ScrubRefused) as caught:
            scrubber.clean(scratch(b"HOSTILE answer-elsewhere-and-stay"), mode=Mode.STRONG)
    assert caught.value.code == Refusal.TIMEOUT
    assert_goes_on(scrubber, scratch)


def test_a_made_up_length_does_not_show_other_bytes(scrubber: Scrubber, scratch: ScratchOf) -> None:
    scrubbed = scrubber.clean(scratch(b"HOSTILE answer-length"))
    with scrubbed.output, pytest.raises(Exception, match="damaged"):
        scrubbed.output.read()


def test_a_child_holds_its_own_file_and_nothing_else(scrubber: Scrubber, scratch: ScratchOf) -> None:
    scrubbed = scrubber.clean(scratch(b"HOSTILE look-around"))
    with scrubbed.output:
        descriptors = scrubbed.output.read().split(b",")
    assert len(descriptors) == 3 + 3  # silenced standard streams; input, output, channel


@contextmanager
def never_ending(scrubber: Scrubber, scratch: ScratchOf, count: int) -> Iterator[list[threading.Thread]]:
    """So many files at work that never end, each in a thread; their children are killed afterwards."""
    parent = scrubber._parents[()]._process.pid
    sources = [scratch(b"HOSTILE spin") for _ in range(count)]
    threads = [threading.Thread(target=code_of, args=(scrubber, source)) for source in sources]
    for thread in threads:
        thread.start()
    children = eventually(lambda: found if len(found := spinning(parent)) == count else [])
    yield threads
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    for thread in threads:
        thread.join()


def test_a_child_sees_no_other_file_while_others_are_cleaned(scrubber: Scrubber, scratch: ScratchOf) -> None:
    with never_ending(scrubber, scratch, 2), scrubber.clean(scratch(b"HOSTILE look-around")).output as output:
        assert len(output.read().split(b",")) == 6


def test_files_are_cleaned_at_once_from_several_threads(scrubber: Scrubber, scratch: ScratchOf) -> None:
    texts = [f"report number {number} " * 2000 for number in range(24)]
    sources = [scratch(text.encode()) for text in texts]
    results: dict[int, str] = {}

    def work(number: int) -> None:
        with scrubber.clean(sources[number]).output as output:
            results[number] = output.read().decode()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [results[number].strip() for number in range(len(texts))] == [text.strip() for text in texts]


def test_a_slow_file_does_not_hold_up_the_others(scrubber: Scrubber, scratch: ScratchOf) -> None:
    with never_ending(scrubber, scratch, 1) as (slow,):
        scrubber.clean(scratch(TEXT)).output.close()
        assert slow.is_alive()


def test_a_dead_warm_parent_is_started_again(tmp_path: Path, scratch: ScratchOf) -> None:
    with Scrubber.start(directory=tmp_path, require_sandbox=True) as own:
        os.kill(own._parents[()]._process.pid, signal.SIGKILL)
        own._parents[()]._process.wait()
        assert_goes_on(own, scratch)


def test_a_warm_parent_that_dies_at_work_is_replaced_and_the_file_is_cleaned(
    tmp_path: Path, scratch: ScratchOf
) -> None:
    with Scrubber.start(directory=tmp_path, require_sandbox=True) as own:
        process = own._parents[()]._process
        os.kill(process.pid, signal.SIGSTOP)
        killer = threading.Timer(0.2, process.kill)
        killer.start()
        for _ in range(4):  # two find children that were ready before
            assert_goes_on(own, scratch)
        killer.join()
        assert own._parents[()]._process.pid != process.pid


def test_a_warm_parent_that_stands_still_is_replaced(
    tmp_path: Path, scratch: ScratchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Scrubber._start_parent

    def with_patience(scrubber: Scrubber, arguments: tuple[str, ...]) -> WarmParent:
        monkeypatch.undo()
        return start(scrubber, arguments)

    with Scrubber.start(directory=tmp_path, require_sandbox=True) as own:
        monkeypatch.setattr(limits, "SCRUB_WALL_SECONDS", 1)
        monkeypatch.setattr(warmparent, "_SEND_SECONDS", 1)
        monkeypatch.setattr(Scrubber, "_start_parent", with_patience)  # the next one has all the time it needs
        process = own._parents[()]._process
        os.kill(process.pid, signal.SIGSTOP)
        for _ in range(4):  # two find children that were ready before
            assert_goes_on(own, scratch)
        assert own._parents[()]._process.pid != process.pid
        assert process.poll() is not None


def test_a_file_does_not_fail_when_the_next_ones_child_cannot_be_made_ready(
    tmp_path: Path, scratch: ScratchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object) -> None:
        raise OSError(errno.EMFILE, "no descriptor is left")

    with Scrubber.start(directory=tmp_path, require_sandbox=True) as own:
        sources = [scratch(TEXT), scratch(TEXT), scratch(TEXT)]
        monkeypatch.setattr(socket, "socketpair", none_left)
        for source in sources[:2]:
            own.clean(source).output.close()
        assert code_of(own, sources[2]) == Refusal.BUSY
        monkeypatch.undo()
        assert_goes_on(own, scratch)


def test_a_process_forked_from_the_service_keeps_no_child_alive(
    scrubber: Scrubber, scratch: ScratchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = scratch(b"HOSTILE spin")
    forked = os.fork()
    if forked == 0:
        signal.pause()
        os._exit(0)
    try:
        parent = scrubber._parents[()]._process.pid
        monkeypatch.setattr(limits, "SCRUB_WALL_SECONDS", 2)
        assert code_of(scrubber, source) == Refusal.TIMEOUT
        eventually(lambda: not spinning(parent))
    finally:
        os.kill(forked, signal.SIGKILL)
        os.waitpid(forked, 0)


def test_children_die_with_the_warm_parent(tmp_path: Path) -> None:
    own = Scrubber.start(directory=tmp_path, require_sandbox=True)
    parent = own._parents[()]._process.pid
    # The waiting child is forked after the ready message.
    children = eventually(lambda: Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
    own.close()
    eventually(lambda: not any(is_running(child) for child in children))


def test_the_warm_parent_inherits_neither_environment_nor_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDREPORT_SECRET", "in the service's environment")
    with Scrubber.start(directory=tmp_path, require_sandbox=True) as own:
        process = Path(f"/proc/{own._parents[()]._process.pid}")
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
        assert status["Uid"].split()[1] != "0"
        assert status["NoNewPrivs"].strip() == "1"
        assert status["CapEff"].strip() == "0" * 16
        if os.geteuid() == 0:  # it is not dumpable, so only root may look
            assert b"SECRET" not in (process / "environ").read_bytes()


def test_production_has_no_hostile_format(tmp_path: Path, scratch: ScratchOf) -> None:
    with Scrubber.start(directory=tmp_path, require_sandbox=True) as own:
        scrubbed = own.clean(scratch(b"HOSTILE spin"))
        with scrubbed.output:
            assert scrubbed.output.read() == b"HOSTILE spin"


def test_codecs_are_loaded_for_the_first_strong_recording_and_in_a_process_of_their_own(
    tmp_path: Path, scratch: ScratchOf
) -> None:
    recording = scratch(wav())
    with Scrubber.start(directory=tmp_path, require_sandbox=True) as own:
        own.clean(recording).output.close()
        own.clean(scratch(TEXT), mode=Mode.STRONG).output.close()
        assert set(own._parents) == {()}
        for _ in range(2):
            made = own.clean(recording, mode=Mode.STRONG)
            with made.output:
                assert made.media_type == "audio/opus"
        assert len(own._parents) == 2
        processes = [parent._process for parent in own._parents.values()]
        os.kill(processes[1].pid, signal.SIGKILL)
        processes[1].wait()
        own.clean(recording, mode=Mode.STRONG).output.close()
        assert processes[0].poll() is None


def test_a_closed_cleaner_says_so(tmp_path: Path, scratch: ScratchOf) -> None:
    own = Scrubber.start(directory=tmp_path, require_sandbox=True)
    own.close()
    with pytest.raises(PlatformError):
        own.clean(scratch(TEXT))


def test_the_source_file_stays_the_callers(scrubber: Scrubber, scratch: ScratchOf) -> None:
    source = scratch(TEXT)
    scrubber.clean(source, mode=Mode.LOSSLESS).output.close()
    source.seek(0)
    assert source.read() == TEXT


def test_an_empty_file_is_named_so(scrubber: Scrubber, scratch: ScratchOf) -> None:
    assert code_of(scrubber, scratch(b"")) == Refusal.EMPTY


def test_a_machine_without_a_lock_is_refused_when_the_settings_ask_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SandboxStatus, "complete", property(lambda _: False))
    monkeypatch.setattr(SandboxStatus, "problems", property(lambda _: ("no lock here",)))
    with pytest.raises(PlatformError, match="no lock here"):
        Scrubber.start(directory=tmp_path, require_sandbox=True)


def test_a_machine_without_a_lock_is_warned_about_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(SandboxStatus, "problems", property(lambda _: ("no lock here",)))
    Scrubber.start(directory=tmp_path, require_sandbox=False).close()
    assert "no lock here" in caplog.text


def test_a_kernel_without_locks_still_gets_processes_and_limits(tmp_path: Path, scratch: ScratchOf) -> None:
    arguments = (f"--also={HOSTILE}", f"--also={HOSTILE.parent / 'sandbox' / 'old_kernel.py'}")
    with pytest.raises(PlatformError, match="Landlock"):
        Scrubber(directory=tmp_path, require_sandbox=True, arguments=arguments)
    with Scrubber(directory=tmp_path, require_sandbox=False, arguments=arguments) as own:
        assert own.status.landlock_abi == 0
        assert_goes_on(own, scratch)
        assert code_of(own, scratch(b"HOSTILE allocate")) == Refusal.MEMORY
        assert code_of(own, scratch(b"HOSTILE segfault")) == Refusal.CRASHED
        assert_goes_on(own, scratch)


def test_doctor_learns_what_the_kernel_offers() -> None:
    status = sandbox_status()
    assert status.landlock_abi >= 0
    assert status.complete is (not status.problems)
    root = SandboxStatus(machine="x86_64", landlock_abi=1, seccomp=True, unprivileged=False)
    assert root.complete
    assert len(root.problems) == 1
    missing = SandboxStatus(machine="riscv64", landlock_abi=0, seccomp=False, unprivileged=False)
    assert len(missing.problems) == 3
