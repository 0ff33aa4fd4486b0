"""Progress and summaries, as text."""

from __future__ import annotations

import io
import time

import pytest

from fastdeid import progress
from fastdeid.progress import Progress, duration, patience, quantity
from fastdeid.summary import Summary, closing_table, exit_code, place_of, summarise, tally


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class Closed(io.StringIO):
    """A stream whose reader is gone."""

    def write(self, text: str) -> int:
        """Fail."""
        raise BrokenPipeError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time in seconds, in a list of one to set."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_terminal_has_one_line_that_renews_itself(clock: list[float]) -> None:
    stream = Terminal()
    reporter = Progress(stream)
    reporter.begin(1000, 2_000_000_000)
    for step in range(1, 5):
        clock[0] = 100.0 + step
        reporter.update(100 * step, 200_000_000 * step)
    assert "\n" not in stream.getvalue()
    last = stream.getvalue().split("\r\x1b[K")[-1]
    assert last == "400/1,000 files  800.0 MB/2.0 GB  100 files/s  200.0 MB/s  ETA 0:00:06"
    reporter.end()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_a_log_has_a_line_every_30_seconds(clock: list[float]) -> None:
    stream = io.StringIO()
    reporter = Progress(stream)
    reporter.begin(10_000, 0)
    for second in range(95):
        clock[0] = 100.0 + second
        reporter.update(10 * second, 0)
    assert stream.getvalue().count("\n") == 3
    assert "\x1b" not in stream.getvalue()


def test_nothing_done_yet_has_no_estimate(clock: list[float]) -> None:
    stream = Terminal()
    reporter = Progress(stream)
    reporter.begin(10, 10)
    clock[0] = 101.0
    reporter.update(0, 0)
    assert stream.getvalue().endswith("ETA -")


def test_the_time_that_workers_take_to_start_does_not_count(clock: list[float]) -> None:
    stream = Terminal()
    reporter = Progress(stream)
    reporter.begin(1000, 1000)
    for seconds, files in ((30, 0), (40, 500)):
        clock[0] = 100.0 + seconds
        reporter.update(files, files)
    assert "50 files/s" in stream.getvalue()
    assert stream.getvalue().endswith("ETA 0:00:10")


def test_a_reader_that_is_gone_stops_no_run(clock: list[float]) -> None:
    reporter = Progress(Closed())
    reporter.begin(10, 10)
    clock[0] = 200.0
    reporter.update(1, 1)
    reporter.say("something")
    reporter.end()


def test_a_long_wait_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.01)
    stream = io.StringIO()
    with patience(Progress(stream), "still at it"):
        time.sleep(0.1)
    assert stream.getvalue() == "still at it\n"


def test_quantities_and_durations() -> None:
    assert [quantity(n) for n in (0, 999, 1500, 2.5e9, 3e15, 4e18)] == [
        *("0 B", "999 B", "1.5 kB", "2.5 GB", "3.0 PB", "4,000.0 PB"),
    ]
    assert [duration(s) for s in (0, 59.6, 3725, 360_000)] == [
        *("0:00:00", "0:01:00", "1:02:05", "100:00:00"),
    ]


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ({"ok": 5, "duplicate": 1, "not_dicom:not_dicom": 2}, 0),
        ({"ok": 5, "dicomdir": 1, "unreadable:symbolic_link": 2}, 0),
        ({"ok": 5, "quarantined:truncated": 1}, 3),
        ({"ok": 5, "collision:target_occupied": 1}, 3),
        ({"ok": 5, "quarantined:truncated": 1, "unreadable:EACCES": 1}, 5),
        ({"ok": 5, "unreadable:unreadable_folder": 1}, 5),
        ({"not_dicom:not_dicom": 1, "unreadable:fifo": 1}, 4),
        ({}, 4),
        ({"ok": 5, "quarantined:internal_error": 1, "unreadable:EACCES": 1}, 1),
    ],
)
def test_the_exit_code_names_the_worst(outcomes: dict[str, int], code: int) -> None:
    summary = summarise(outcomes, {}, bytes_read=0, bytes_written=0)
    assert summary.exit_code == exit_code(summary.verdicts, summary.reasons) == code


def test_outcomes_are_counted_by_verdict_and_reason() -> None:
    counted = tally(["ok", "ok", "quarantined"], [None, "", "truncated"])
    assert counted == {"ok": 2, "quarantined:truncated": 1}


def test_the_closing_table_says_everything() -> None:
    summary = summarise(
        {"ok": 12_345, "quarantined:truncated": 2, "not_dicom:not_dicom": 1},
        {"scan": 1.25, "write": 2.5},
        bytes_read=10**9,
        bytes_written=5,
        faults=["IndexError at rules.py:1"],
    )
    summary.wall_seconds = 2.0
    summary.files_per_second = 6174.0
    summary.target = "/out"
    text = "\n".join(closing_table(summary))
    for words in ("12,345", "truncated", "1,000,000,000", "6,174", "scan", "/out", "IndexError"):
        assert words in text
    assert text.count("not_dicom") == 1


def test_an_error_is_placed_without_its_message() -> None:
    with pytest.raises(ValueError, match="Doe") as raised:
        int("Doe^Jane")
    place = place_of(raised.value)
    assert place.startswith("ValueError at test_progress.py:")
    assert "Doe" not in place


def test_an_empty_summary_has_a_table() -> None:
    summary = Summary(files=0, bytes_read=0, bytes_written=0, verdicts={}, reasons={}, seconds={})
    assert list(closing_table(summary))
