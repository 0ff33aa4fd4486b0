"""Names and clinical texts, joined in every way that people and programs join them."""

from __future__ import annotations

from itertools import cycle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastdeid.descriptors import Cleaner
from fastdeid.identity import Identity
from fastdeid.letters import fold
from tests.descriptors import cases

CLEANER = Cleaner()
FAMILIES = (
    *("Garcia", "Lee", "Hall", "King", "Young", "Hill", "Green", "Baker", "Cook", "Bell", "Reed"),
    *("Schröder", "Schwarz", "Lange", "Klein", "Wolf", "Voß", "Jäger", "Kühn", "Groß", "von Bülow"),
    *("O'Connor", "D'Souza", "McCarthy", "MacLeod", "al-Rashid", "van Dyke", "de Souza", "St.John"),
    *(
        "Ng",
        "Wu",
        "Xu",
        "Ma",
        "Yu",
        "Le",
        "Ba",
        "Kim",
        "Cho",
        "Roy",
        "May",
        "Ash",
        "Cox",
        "Øvregård",
    ),
    *("Петров", "Κωνσταντίνου", "Σταύρου", "מזרחי", "العلي", "Dvořáček", "Żółć", "Ñañez", "Łęski"),
)
GIVEN = (
    *("James", "Mary", "Anna", "Ben", "Ida", "Tim", "Jo", "Al", "Amy", "June", "Rose", "Jean-Luc"),
    *("Hans-Jürgen", "José", "Åsa", "Zoë", "Xi", "Wei", "Иван", "Ελένη", "רות", "عمر", "Grace"),
)
FORMS = (
    *(
        "{f} {t}",
        "{t} {f}",
        "{t} {f}, {g}",
        "{f}^{g} {t}",
        "{g} {f} {t}",
        "{t}_{f}_{g}",
        "{t} ({f})",
    ),
    *("{t} for {g} {f}", "{t} Dr. {f}", "{F} {t}", "{t}-{F},{G}", "{F}{G} {t}", "{f}{g}_{t}"),
    *("{g}.{f} {t}", "{t}: {l} {l}", "20240305_{f}{g}_{t}", "{t} pt {f}", "{f}/{g} {t}"),
)
PARTICLES = {"von", "van", "de", "al", "st"}
# Words of names that are clinical terms, too, are another test.
TEXTS = [text for text in cases.CLINICAL_TEXTS if not text.endswith(("+C", "W/O C"))]


def parts(name: str) -> list[str]:
    """Return the words of a name that must not stay."""
    words = "".join(letter if letter.isalnum() else " " for letter in fold(name)).split()
    return [word for word in words if len(word) > 2 and word not in PARTICLES]


@given(st.sampled_from(FAMILIES), st.sampled_from(GIVEN), st.sampled_from(FORMS), st.data())
def test_no_joint_hides_a_name_and_none_costs_a_clinical_word(
    family: str, given_name: str, form: str, data: st.DataObject
) -> None:
    known = {*parts(family), *parts(given_name)}
    text = data.draw(
        st.sampled_from([one for one in TEXTS if not any(word in fold(one) for word in known)])
    )
    whole = form.format(
        f=family, g=given_name, t=text, F=family.upper(), G=given_name.upper(), l=family.lower()
    )
    cleaned = CLEANER.clean(whole, Identity([("name", f"{family}^{given_name}")]))
    assert text in cleaned
    rest = fold(cleaned).replace(fold(text), "")
    assert [word for word in parts(family) if word in rest] == []


SCRIPTS = (
    ("王^小东", "胸部CT", ("{n}胸部CT", "胸部CT {n}", "{n}先生 胸部CT", "胸部CT【{n}】")),
    ("山田^太郎", "頭部MRI", ("{n}様 頭部MRI", "頭部MRI_{n}", "頭部MRI {n}さん")),
    ("홍^길동", "복부 CT", ("{n} 복부 CT", "복부 CT {n}님", "복부 CT/{n}")),
    (
        "Иванов^Пётр",
        "снимок головы",
        ("{n} снимок головы", "снимок головы ({n})", "снимок головы: {n}"),
    ),
    ("Παπαδάκης^Νίκος", "CT Θώρακος", ("{n} CT Θώρακος", "CT Θώρακος, {n}")),
    ("قباني^نزار", "CT الصدر", ("{n} CT الصدر", "CT الصدر - {n}")),
    ("כהן^דבורה", "CT חזה", ("{n} CT חזה", "CT חזה {n}")),
)


@pytest.mark.parametrize(("name", "clinical", "forms"), SCRIPTS)
def test_names_of_every_script_go_by_their_value(
    name: str, clinical: str, forms: tuple[str, ...]
) -> None:
    identity = Identity([("name", name)])
    for form, joint in zip(forms, cycle(("", " ")), strict=False):
        for written in (name.replace("^", joint), name, name.partition("^")[0]):
            if len(written) == 1 and (form.find("{n}胸") == 0 or "{n}先生" in form):
                continue  # one character of running text is anything
            spaced = written if joint or name[0] > "\u2e80" else written.replace("^", " ")
            text = form.format(n=spaced)
            assert CLEANER.clean(text, identity) == clinical, text


@pytest.mark.parametrize(
    ("name", "text", "remainder"),
    [
        ("Иванов^Пётр", "CT Иванова Петра", "CT Петра"),  # inflected, as far as it goes
        ("Müller^Jörg", "MU\u0308LLER CT", "CT"),  # decomposed
        ("Müller^Jörg", "M\u00fcllers CT", "CT"),
        ("Straße^Uwe", "STRASSE CT", "CT"),
        ("Ötker^Uwe", "Oetker CT", "CT"),
        ("Oetker^Uwe", "Ötker CT", "CT"),
        ("İnce^Ümit", "INCE UMIT CT", "CT"),
        ("山田^太郎=ﾔﾏﾀﾞ^ﾀﾛｳ", "ヤマダ タロウ CT", "CT"),  # half and full width
        ("Smith^John", "\uff33\uff4d\uff49\uff54\uff48 CT", "CT"),  # full width
        ("Smith^John", "CT\u00a0Smith", "CT"),
        ("Smith^John", "Smith1 CT 5mm", "1 CT 5mm"),
        ("Smith^John", "John2Smith CT", "2 CT"),
    ],
)
def test_letters_are_compared_as_people_vary_them(name: str, text: str, remainder: str) -> None:
    assert CLEANER.clean(text, Identity([("name", name)])) == remainder


@pytest.mark.parametrize(
    ("identifier", "text"),
    [
        ("0012345", "CT 12345"),
        ("0012345", "CT 0012345"),
        ("12345", "CT 0000012345"),
        ("12345", "CT12345"),
        ("MR-0012345", "CT mr0012345"),
        ("MR-0012345", "CT MR 0012345"),
        ("MR-0012345", "CT 0012345"),
        ("123 456 789", "CT 123-456-789"),
        ("123456789", "CT 123.456.789"),
        ("123456789", "CT 123 456 789"),
        ("ABC123", "CT (abc123)"),
        ("AB-1-X", "CT AB1X"),
        ("20240099", "CT_20240099"),
    ],
)
def test_identifiers_go_in_every_spelling(identifier: str, text: str) -> None:
    cleaned = CLEANER.clean(text, Identity([("patient", identifier)]))
    assert cleaned == "CT"


@given(st.integers(1000, 99999).map(str))
@example("1000")
def test_a_short_number_in_a_longer_one_is_not_it(number: str) -> None:
    text = f"FOV 9{number}0 mm 1.{number} mm"
    assert CLEANER.clean(text, Identity([("patient", number)])) == text
