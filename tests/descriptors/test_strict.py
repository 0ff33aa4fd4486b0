"""Mode strict: clinical words in seven languages stay whole, and names do not, whoever they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.descriptors import STRICT, Cleaner
from fastdeid.identity import Identity
from fastdeid.profiles.tables import read_report_words
from fastdeid.report_words import is_grade, read_words
from fastdeid.vocabulary import read_vocabulary

CLEANER = Cleaner(STRICT)
NOBODY = Identity([])

CLINICAL = (
    "A small left apical pneumothorax",
    "Bilateral pleural effusions, right greater than left",
    "s/p L THA, evaluate for loosening",
    "Hepatitis B, T wave inversion, E/A 1,2",
    "Heparin-induced thrombocytopenia, r/o DVT",
    "Thyroidectomy bed unremarkable",
    "Kein Nachweis einer Lungenarterienembolie, geringe Belüftungsstörungen basal beidseits.",
    "Kontrastmittelanreicherung der Nebenniere, V.a. Metastase",
    "Z.n. Schilddrüsenoperation, Verlaufskontrolle",
    "Absence d'épanchement pleural, discrète atélectasie de l'apex gauche",
    "Fractura de la extremidad distal del radio, sin desplazamiento",
    "Derrame pleural à direita, sem pneumotórax",
    "Ispessimento parietale dell'ansa, senza versamento",
    "Geen aanwijzingen voor longembolie, geringe atelectase links",
    "肝臓CT 単純 造影",
    "双肺CT平扫",
    "КТ органов брюшной полости",  # noqa: RUF001
    "Garden III fracture, Bosniak IIF cyst, Wells score 4",
    "maladie de Hodgkin, Morbus Bechterew, enfermedad de Paget",
)
PEOPLE = (
    "Kowalczyk",
    "Powell",
    "Petit",
    "Marie Lefebvre",
    "Michael Schneider",
    "José Núñez Herrera",
    "van der Meulen",
    "Grahamson",
    "Lichtenberger",
    "Bianchi Giulia",
    "山田太郎",
    "王小明",
    "김철수",
    "Иванова",
)


@pytest.mark.parametrize("text", CLINICAL)
def test_a_report_stays_letter_for_letter(text: str) -> None:
    assert CLEANER.clean(text, NOBODY) == text


@pytest.mark.parametrize("name", PEOPLE)
def test_a_name_that_no_header_knows_goes(name: str) -> None:
    assert CLEANER.clean(f"CT Thorax, {name}", NOBODY) == "CT Thorax"
    left = CLEANER.clean(name, NOBODY)
    assert set(left.split()) <= {"van", "der"}


@pytest.mark.parametrize("text", ["CT Head J Smith", "CT Head J. Smith", "CT Head Smith J."])
def test_an_initial_goes_with_an_unknown_name(text: str) -> None:
    assert CLEANER.clean(text, NOBODY) == "CT Head"


@pytest.mark.parametrize(
    ("name", "text", "remainder"),
    [
        ("Bosniak^Maria", "Bosniak IIF cyst", "IIF cyst"),
        ("Licht^Eva", "Licht Thorax pa", "Thorax pa"),
        ("Hodgkin^Anna", "Anna Hodgkin, CT Thorax", "CT Thorax"),
    ],
)
def test_a_clinical_word_goes_where_the_headers_know_it_as_a_name(
    name: str, text: str, remainder: str
) -> None:
    assert CLEANER.clean(text, Identity([("name", name)])) == remainder


@pytest.mark.parametrize("text", ["Crohn", "Graves 47", "seen by Wilson"])
def test_the_name_of_a_disease_is_clinical_only_where_a_disease_is_meant(text: str) -> None:
    left = CLEANER.clean(text, NOBODY).casefold()
    assert not {"crohn", "graves", "wilson"} & set(left.split())


def test_no_name_is_a_word_and_no_compound_is_made_of_one() -> None:
    report, vocabulary = read_words(), read_vocabulary()
    assert len(report.names) > 1200
    assert not report.names & report.words
    assert not any(
        report.knows(name, vocabulary) for name in report.names if not vocabulary.knows(name)
    )


def test_every_line_of_the_list_has_a_kind() -> None:
    kinds = {line.split(" ")[0] for line in read_report_words()}
    assert kinds == {"word", "unit", "eponym", "score", "noun", "ending", "name", "lower", "pair"}


@pytest.mark.parametrize("grade", ["ii", "iib", "iv", "c"])
def test_grades_are_roman_numbers_and_letters(grade: str) -> None:
    assert is_grade(grade)
    assert not is_grade(grade + "h")


@given(st.text("abcdefghijklmnoprstu'胸部ä ", max_size=60))
def test_words_of_any_letters_are_judged(text: str) -> None:
    assert len(CLEANER.clean(text, NOBODY)) <= len(text)
