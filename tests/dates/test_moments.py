"""Times of day that move with the dates, where a profile asks for it."""

from __future__ import annotations

import datetime as dt
import io
import itertools
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.deidentify import Deidentifier
from fastdeid.engines import local, verifying
from fastdeid.errors import ProfileError
from fastdeid.keys import write_key
from fastdeid.moments import shift_date_beside, shift_moment
from fastdeid.rules import Profile
from tests import builders as b
from tests.options.profiles import profile_of
from tests.runs import PSEUDONYMS, ct_image

SHIFTED = 'options = ["retain_longitudinal_modified_dates"]\nshift_times = true\n'


@pytest.mark.parametrize(
    ("vr", "raw", "moved"),
    [
        *(("TM", b"101530", b"121530"), ("TM", b"101530.123456", b"121530.123456")),
        *(("TM", b"2330", b"0130"), ("TM", b"22", b"00"), ("TM", b"23:59:60", b"01:59:60")),
        *(
            ("TM", b"1015 ", b"1215 "),
            ("TM", b"101530\\230000", b"121530\\010000"),
            ("TM", b"", b""),
        ),
        *(("DT", b"20240228101530", b"20240227121530"), ("DT", b"20240228", b"20240227")),
        *(("DT", b"20240228223000.5+0100", b"20240228003000.5+0100"), ("DT", b"2024", b"2024")),
        ("DA", b"20240228", b"20240227"),
    ],
)
def test_a_day_back_and_two_hours_on(vr: str, raw: bytes, moved: bytes) -> None:
    assert shift_moment(vr, raw, -1, 120) == moved


@pytest.mark.parametrize("raw", [b"2530", b"10:15:3", b"noon", b"101530-103000"])
def test_what_is_no_time_is_not_kept(raw: bytes) -> None:
    assert shift_moment("TM", raw, -1, 120) is None


def test_a_date_goes_on_with_the_time_beside_it() -> None:
    assert shift_date_beside(b"20240228", b"2230", -1, 120) == b"20240228"
    assert shift_date_beside(b"20240228", b"2130", -1, 120) == b"20240227"
    assert shift_date_beside(b"20240228\\20240301", b"2230\\0100", -1, 120) == b"20240228\\20240229"
    assert shift_date_beside(b"20240228", b"late", -1, 120) == b"20240227"
    assert shift_date_beside(b"today", b"2230", -1, 120) is None


MOMENTS = st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2040, 1, 1))  # noqa: DTZ001


@given(MOMENTS, MOMENTS, st.integers(-3650, -1), st.integers(1, 1439))
def test_intervals_between_moments_stay(
    one: dt.datetime, other: dt.datetime, days: int, minutes: int
) -> None:
    def moved(moment: dt.datetime) -> dt.datetime:
        date, time = moment.strftime("%Y%m%d").encode(), moment.strftime("%H%M%S.%f").encode()
        whole = shift_moment("DT", date + time, days, minutes)
        new_date = shift_date_beside(date, time, days, minutes)
        new_time = shift_moment("TM", time, days, minutes)
        assert new_date is not None
        assert new_time is not None
        assert whole == new_date + new_time
        return dt.datetime.strptime(whole.decode(), "%Y%m%d%H%M%S.%f")  # noqa: DTZ007

    assert moved(other) - moved(one) == other - one


def image(number: int) -> bytes:
    """Return an image of a moment in the study, every three hours."""
    hours = number * 3 % 24
    day = f"202402{28 + number * 3 // 24}"
    injected = b.text(0x00181078, "DT", "20240228083000")
    return ct_image(
        *(b.text(0x00080018, "UI", f"1.2.3.{number}"), b.text(0x00080020, "DA", "20240228")),
        *(b.text(0x00080022, "DA", day), b.text(0x0008002A, "DT", f"{day}{hours:02}1500")),
        *(b.text(0x00080030, "TM", "080000"), b.text(0x00080032, "TM", f"{hours:02}1500")),
        b.text(0x00100030, "DA", "19500101"),
        b.sequence(0x00540016, [b.item(injected)]),
    )


def taken(folder: Path, profile: Profile, number: int) -> pydicom.Dataset:
    source = folder / f"{number}.dcm"
    source.write_bytes(b.part10(image(number)))
    deidentifier = Deidentifier(profile, PSEUDONYMS, folder / "out")
    outcome = deidentifier.process(bytes(source), overwrite=True)
    deidentifier.close()
    return pydicom.dcmread(io.BytesIO((folder / "out" / outcome.path).read_bytes()))


def test_the_moments_of_a_patient_keep_their_intervals(tmp_path: Path) -> None:
    profile = profile_of(SHIFTED)
    moments, times = [], set()
    for number in range(10):
        found = taken(tmp_path, profile, number)
        pair = found.AcquisitionDate + found.AcquisitionTime
        assert pair == found.AcquisitionDateTime
        moments.append(dt.datetime.strptime(pair, "%Y%m%d%H%M%S"))  # noqa: DTZ007
        times.add(found.StudyDate + found.StudyTime)
        assert found.LongitudinalTemporalInformationModified == "MODIFIED"
    steps = {later - earlier for earlier, later in itertools.pairwise(moments)}
    assert steps == {dt.timedelta(hours=3)}
    assert len(times) == 1
    assert moments[0].strftime("%H%M") != "0015"


def test_without_the_key_times_stay(tmp_path: Path) -> None:
    profile = profile_of('options = ["retain_longitudinal_modified_dates"]\n')
    assert taken(tmp_path, profile, 1).AcquisitionTime == "031500"


def test_times_are_shifted_with_modified_dates_only() -> None:
    with pytest.raises(ProfileError, match="line 5: shift_times asks for retain_longitudinal"):
        profile_of("shift_times = true\n")


def test_a_release_with_shifted_times_is_proved(tmp_path: Path) -> None:
    source, target, key = tmp_path / "source", tmp_path / "target", tmp_path / "key"
    source.mkdir()
    write_key(key)
    (tmp_path / "site.toml").write_text(
        f'name = "site"\nversion = "1"\npurpose = "a test"\nextends = "basic"\n{SHIFTED}'
    )
    for number in range(8):
        (source / str(number)).write_bytes(b.part10(image(number)))
    site = str(tmp_path / "site.toml")
    local.run(source, target, key=key, profile=site, workers=0, pixels="off")
    done = verifying.verify(
        target,
        link_table=tmp_path / "target.link-table",
        key=key,
        source=source,
        workers=0,
        use_dciodvfy=False,
    )
    assert (done.findings, done.verified) == ([], 8)
