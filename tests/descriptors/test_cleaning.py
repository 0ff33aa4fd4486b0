"""What identifies people goes from descriptions, and the clinical rest stays letter for letter."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.descriptors import MODES, STRICT, Cleaner
from fastdeid.identity import Identity
from fastdeid.letters import fold
from tests.descriptors import cases, corpus, second_corpus

NOBODY = Identity(())
SOMEBODY = Identity(cases.HEADERS)
CLEANER = Cleaner()


@pytest.mark.parametrize(("text", "remainder"), cases.KNOWN)
def test_what_the_headers_know_goes(text: str, remainder: str) -> None:
    assert CLEANER.clean(text, SOMEBODY) == remainder


@pytest.mark.parametrize("identity", [NOBODY, SOMEBODY], ids=["nobody", "somebody"])
@pytest.mark.parametrize(("text", "remainder"), cases.PATTERNS)
def test_what_looks_identifying_goes_whoever_it_is(
    text: str, remainder: str, identity: Identity
) -> None:
    assert CLEANER.clean(text, identity) == remainder


@pytest.mark.parametrize("identity", [NOBODY, SOMEBODY], ids=["nobody", "somebody"])
@pytest.mark.parametrize("text", [*cases.CLINICAL_TEXTS, *cases.REPORTS])
def test_clinical_text_stays_byte_for_byte(text: str, identity: Identity) -> None:
    assert CLEANER.clean(text, identity) == text
    assert CLEANER.explain(text, identity) == []


def test_the_corpus_loses_every_identifier_and_no_clinical_phrase() -> None:
    n_cases, leaks, losses = 0, [], []
    for case in corpus.cases():
        cleaned = CLEANER.clean(case.text, Identity(case.headers))
        n_cases += 1
        leaks += [case.text for one in case.planted if fold(one) in fold(cleaned)]
        losses += [case.text for phrase in case.clinical if phrase not in cleaned]
    assert n_cases > 800
    assert (leaks, losses) == ([], [])


def test_cleaning_again_changes_nothing() -> None:
    for text, _ in (*cases.KNOWN, *cases.PATTERNS):
        once = CLEANER.clean(text, SOMEBODY)
        assert CLEANER.clean(once, SOMEBODY) == once


@pytest.mark.parametrize(
    ("name", "text", "remainder"),
    [
        # A term of the standard stays, unless the rest of the name or a title stands beside it.
        ("Head^Mary", "CT HEAD W/O", "CT HEAD W/O"),
        ("Head^Mary", "CT HEAD MARY", "CT"),
        ("Head^Mary", "Head, M. CT Hip", "CT Hip"),
        ("Head^Mary", "Mrs. Head CT Hip", "CT Hip"),
        ("Pelvis^Peter", "MRI PELVIS", "MRI PELVIS"),
        # Other words go, unless they make a clinical phrase with their neighbour.
        ("White^Ann", "white matter lesion", "white matter lesion"),
        ("White^Ann", "MRI brain White", "MRI brain"),
        ("Long^Ann", "CINE LONG AXIS", "CINE LONG AXIS"),
        ("Long^Ann", "CINE LONG", "CINE"),
        ("Brown^Ann", "brown fat PET", "brown fat PET"),
        ("Brown^Ann", "Brown PET", "PET"),
        ("Rose^Ann", "Rose bengal", "Rose bengal"),
        ("Wall^Ann", "MRI of Wall", "MRI"),
        ("Stern^Ann", "STERNUM 2 VIEWS", "STERNUM 2 VIEWS"),
        ("Colon^Ann", "CT colonography", "CT colonography"),
        # Two letters: abbreviations in capitals stay.
        ("Li^Wei", "KNIE LI SEITLICH", "KNIE LI SEITLICH"),
        ("Li^Wei", "Knie Li", "Knie"),
        ("Ma^Jun", "MA CT HEAD", "CT HEAD"),
        ("Ma^Jun", "CT HEAD 100 mA", "CT HEAD 100 mA"),
        ("Hu^Jun", "lesion HU 12", "lesion HU 12"),
        ("Smith^Lucy", "Smith L Knee", "L Knee"),
        ("Smith^Lucy", "Smith, L. Knee", "Knee"),
        ("Smith^Thomas", "Smith T2 AX", "T2 AX"),
        # Particles stay where they are not part of the name.
        ("de la Cruz^Ana", "TC de la columna", "TC de la columna"),
        ("de la Cruz^Ana", "TC de la columna, Ana de la Cruz", "TC de la columna"),
        ("von der Heide^Eva", "MRT von der LWS", "MRT von der LWS"),
        ("Patient^Test", "Patient test phantom", "Patient test phantom"),
    ],
)
def test_names_that_are_words_go_by_what_stands_beside_them(
    name: str, text: str, remainder: str
) -> None:
    assert CLEANER.clean(text, Identity([("name", name)])) == remainder


@pytest.mark.parametrize("department", ["Radiology", "Scanner", "Mammography"])
def test_a_department_of_one_clinical_word_takes_no_clinical_word(department: str) -> None:
    text = f"{department} of the sinus"
    assert CLEANER.clean(text, Identity([("phrase", department)])) == text


@pytest.mark.parametrize(
    ("text", "remainder"),
    [
        ("Kowalczyk CT Head w/o contrast 5mm", "CT Head w/o contrast 5mm"),
        ("T1 FSE AX frobnicated 120 kV", "T1 FSE AX 120 kV"),
        ("AX T2 FLAIR C5/C6 b1000", "AX T2 FLAIR C5/C6 b1000"),
        ("Schädel nativ", "Schädel nativ"),
        ("chest 4711", "chest"),
        ("Kowalczyk", ""),
    ],
)
def test_strict_keeps_only_clinical_words_and_their_numbers(text: str, remainder: str) -> None:
    assert Cleaner(STRICT).clean(text, NOBODY) == remainder


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="no mode 'gentle'"):
        Cleaner("gentle")


def test_what_goes_is_explained_in_order() -> None:
    text = "MRI BRAIN for DOE^JANE 1962-03-04, MRN 8675309, call 555-010-9999"
    removed = CLEANER.explain(text, SOMEBODY)
    assert [(text[start:end], rule) for start, end, rule in removed] == [
        ("for", "connecting word"),
        ("DOE", "name"),
        ("^JANE", "name"),
        ("1962-03-04", "known date"),
        ("MRN", "connecting word"),
        ("8675309", "identifier"),
        ("call", "connecting word"),
        ("555-010-9999", "identifier"),
    ]


@pytest.mark.parametrize("mode", MODES)
@given(text=st.text(max_size=80))
def test_any_text_is_cleaned_and_explained(mode: str, text: str) -> None:
    cleaner = Cleaner(mode)
    cleaned = cleaner.clean(text, SOMEBODY)
    removed = cleaner.explain(text, SOMEBODY)
    assert (cleaned == text) == (removed == [] or cleaned == text)
    assert all(0 <= one.start < one.end <= len(text) for one in removed)
    assert all(a.end <= b.start for a, b in pairwise(removed))
    # Nothing is invented but a joint.
    assert set(cleaned) <= set(text) | {" "}


WORDS = st.sampled_from(
    [
        *"CT Head Smith JOHN Müller 1962-03-04 DOE^JANE MRN 8675309 T1 5mm".split(),
        *("(", ")", "/", ",", "-", ".", "Dr.", "van der Berg"),
    ]
)


@given(st.lists(WORDS, max_size=8).map(" ".join))
def test_no_mixture_of_known_words_keeps_a_name(text: str) -> None:
    cleaned = fold(CLEANER.clean(text, SOMEBODY))
    for name in ("smith", "john", "muller", "1962-03-04", "doe", "jane", "8675309", "berg"):
        assert name not in cleaned
    assert text.count("Head") == CLEANER.clean(text, SOMEBODY).count("Head")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "unit",
    [
        *("a", "1", "1 ", "1-", "0 ", "1.", "a.", "a@", "^", "a^", "1:", "(", "+1 ", "Dr. ", "a1"),
        *("12 mar ", "smith", "sm ith", "#1", "12 rue ", "http://", "\n", "é", "str. 1", "12/12/"),
    ],
)
def test_hostile_repetitions_end(mode: str, unit: str) -> None:
    text = (unit * 4000)[:4000]
    assert len(Cleaner(mode).clean(text, SOMEBODY)) <= len(text)


def test_the_second_corpus_loses_every_identifier_and_no_clinical_phrase() -> None:
    n_cases, leaks, losses = 0, [], []
    for case in second_corpus.cases():
        cleaned = CLEANER.clean(case.text, Identity(case.headers))
        n_cases += 1
        leaks += [case.text for one in case.planted if fold(one) in fold(cleaned)]
        losses += [case.text for phrase in case.clinical if phrase not in cleaned]
    assert n_cases > 100
    assert (leaks, losses) == ([], [])


@pytest.mark.parametrize(
    "written",
    [
        *("12 Mar 62", "12-Mar-62", "12MAR62", "Mar 12 '62", "Mar-12-62", "12th of March 62"),
        *("12 März 62", "12.Mrz.62", "12. Okt. 62", "12 mars 62", "1er mars 62", "12 déc. 62"),
        *("12 de marzo de 62", "12 ene 62", "12 fevereiro 62", "12 gen 62", "12 mrt 62"),
    ],
)
def test_a_month_by_name_and_a_year_of_two_digits_are_a_date(written: str) -> None:
    assert CLEANER.clean(f"CT {written} Thorax", NOBODY) == "CT Thorax"


@pytest.mark.parametrize("text", ["T2 3 Mar series", "Mar 12 slices"])
def test_abbreviations_that_also_mean_a_month_stay_without_a_year(text: str) -> None:
    assert CLEANER.clean(text, NOBODY) == text


@pytest.mark.parametrize(
    ("text", "remainder"),
    [
        ("JDoe CT Head", "CT Head"),
        ("CT Head DOEJ", "CT Head"),
        ("CT D.O.E Head", "CT Head"),
        ("D_o_e, CT Head", "CT Head"),
        ("CT D O E", "CT"),
        ("C.T. Head", "C.T. Head"),
    ],
)
def test_a_short_name_is_found_with_an_initial_joined_and_letter_by_letter(
    text: str, remainder: str
) -> None:
    assert CLEANER.clean(text, Identity([("name", "Doe^Jane")])) == remainder


def test_a_clinical_word_is_no_initial_with_a_short_name() -> None:
    kin = Identity([("name", "Kin^Sue")])
    assert CLEANER.clean("skin lesion, S.K. flap", kin) == "skin lesion, S.K. flap"
    tee = Identity([("name", "Tee^Sue")])
    assert CLEANER.clean("T E E normal", tee) == "T E E normal"


def test_a_signed_number_of_few_digits_is_no_phone() -> None:
    text = "range -2048 to +2047, signed"
    assert CLEANER.clean(text, NOBODY) == text
    assert CLEANER.clean("CT, call +49 30 1234567", NOBODY) == "CT"
    assert CLEANER.clean("CT, 0049-30-12345", NOBODY) == "CT"
