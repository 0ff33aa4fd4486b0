"""The other profiles over the corpus: the trial keeps what research keeps, two of them are strict.

Mode strict keeps every clinical phrase of the corpora but one, which holds the name of a maker that
no vocabulary has. Its words were written by fields of meaning; before anybody had looked at what it
lost of the second corpus, that was 35 of 338 phrases, of four kinds.
"""

from __future__ import annotations

import pytest

from tests.corpus.finished import score
from tests.corpus.scoring import Finding

# Without compiled kernels these runs take long and show nothing more.
pytestmark = pytest.mark.jit

# The maker of a device, in a text.
UNKNOWN = "ACME Imaging"

# What the profile teaching removes beyond its options.
ALSO_REMOVED = ("PatientComments", "Occupation", "EthnicGroup")


def missed(name: str, profile: str, category: str) -> list[Finding]:
    """Return what was not done; a name inside a word of which strict left one half is no name."""
    return [one for one in score(name, profile).missed(category) if one.path != "bytes"]


def test_a_trial_is_cleaned_and_kept_as_for_research() -> None:
    result = score("held_out", "clinical-trial")
    assert result.findings == []
    assert sum(result.required.values()) > 3000


@pytest.mark.parametrize(
    ("name", "profile"),
    [("archive", "safe-harbor"), ("held_out", "safe-harbor"), ("held_out", "teaching")],
)
def test_strict_profiles_remove_all_and_keep_every_clinical_phrase(name: str, profile: str) -> None:
    assert missed(name, profile, "removed") == []
    assert missed(name, profile, "required type 1") == []
    values = missed(name, profile, "kept value")
    assert [one for one in values if not one.path.startswith(ALSO_REMOVED)] == []
    result = score(name, profile)
    lost = [
        one
        for one in result.missed("kept phrase")
        if not one.path.startswith(ALSO_REMOVED) or profile != "teaching"
    ]
    assert [one for one in lost if UNKNOWN not in one.problem] == []
    assert result.required["kept phrase"] > 300
