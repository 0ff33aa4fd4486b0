"""Profiles on any data set, byte for byte: what the rules say is what stands in the output.

The kernel decides by arrays, `Rules.decide` element by element; here both go over the same data
sets, also inside a sequence that the profile's rules name by path.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid.deidentify import Deidentifier
from fastdeid.dicom.writer import file_meta
from fastdeid.markers import make_markers
from fastdeid.rules import Profile
from fastdeid.verdicts import Verdict
from tests.builders import (
    BIG,
    CT_IMAGE_STORAGE,
    EXPLICIT,
    IMPLICIT,
    Element,
    Node,
    Sequence,
    encode,
    part10,
)
from tests.kernels.scanning import coding_of
from tests.options.profiles import profile_of
from tests.roundtrip.test_basic_profile import SR, UNKNOWN_IOD, Oracle, files, rename
from tests.runs import PSEUDONYMS
from tests.strategies import data_sets, values

REQUESTS, STEPS = 0x00400275, 0x00081111


def rule(attribute: str, action: str) -> str:
    return f'[[rule]]\nattribute = "{attribute}"\naction = "{action}"\nreason = "a test says so"\n'


PATHS = (
    rule("RequestAttributesSequence", "K")
    + rule("RequestAttributesSequence/ReferencedPerformedProcedureStepSequence", "K")
    + rule("RequestAttributesSequence/StudyDescription", "D")
    + rule("RequestAttributesSequence/StudyDate", "X")
    + rule("RequestAttributesSequence/ReferencedPerformedProcedureStepSequence/StudyDate", "K")
)
PROFILES = {
    "full": 'options = ["retain_longitudinal_full_dates", "retain_institution_identity"]\n',
    "modified": 'options = ["retain_longitudinal_modified_dates"]\n',
    "paths": 'options = ["retain_longitudinal_modified_dates"]\n' + PATHS,
}


@pytest.fixture(scope="module", params=PROFILES)
def profile(request: pytest.FixtureRequest) -> Profile:
    return profile_of(PROFILES[request.param])


@pytest.fixture(scope="module")
def deidentifier(profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("target")
    one = Deidentifier(profile, PSEUDONYMS, folder)
    yield one, folder
    one.close()


Desk = tuple[Deidentifier, Path]


@st.composite
def requests(draw: st.DrawFn) -> Node:
    """Draw a Request Attributes Sequence with the attributes that rules name by path."""
    step = _item(draw, ())
    return Sequence(
        REQUESTS,
        ((_item(draw, (Sequence(STEPS, ((step, False),), False),)), draw(st.booleans())),),
        draw(st.booleans()),
    )


def _item(draw: st.DrawFn, own: tuple[Node, ...]) -> tuple[Node, ...]:
    named = (
        Element(0x00080020, "DA", draw(values("DA"))),
        Element(0x00081030, "LO", draw(values("LO"))),
        *own,
    )
    nodes = {node.tag: node for node in (*rename(draw(data_sets(max_depth=1))), *named)}
    return tuple(nodes[tag] for tag in sorted(nodes))


@settings(max_examples=settings().max_examples // 5)
@given(data=st.data())
def test_the_output_is_what_the_rules_say_byte_for_byte(
    profile: Profile, deidentifier: Desk, data: st.DataObject
) -> None:
    encoding = data.draw(st.sampled_from([EXPLICIT, IMPLICIT, BIG]))
    sop_class = data.draw(st.sampled_from([CT_IMAGE_STORAGE, SR, UNKNOWN_IOD]))
    nodes = {node.tag: node for node in data.draw(files(sop_class))}
    nodes[REQUESTS] = data.draw(requests())
    drawn = tuple(nodes[tag] for tag in sorted(nodes))
    one, folder = deidentifier
    with tempfile.NamedTemporaryFile() as source:
        source.write(part10(encode(drawn, encoding), encoding))
        source.flush()
        outcome = one.process(source.name.encode(), overwrite=True)
    assert (outcome.verdict, outcome.reason) == (Verdict.OK, "")
    if outcome.n_cleaned:
        return
    rules = profile.rules(sop_class)
    oracle = Oracle(rules, outcome.pseudonyms[0], sop_class, outcome.shared.date_offset)
    written = oracle.write(drawn, encoding)
    markers = make_markers(
        profile.method, rules.claims, coding_of(encoding), temporal=rules.temporal
    )
    marks = markers.data.tobytes()
    written += [(tag, marks[at : at + size]) for tag, at, size in markers.places.tolist()]
    meta = file_meta(sop_class, outcome.instance, encoding.transfer_syntax)
    expected = meta + b"".join(one for _, one in sorted(written))
    assert (folder / outcome.path).read_bytes() == expected
