"""Descriptions made from templates, languages, names and formats, each with its answer key."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Final, NamedTuple


class Case(NamedTuple):
    """One text: what the headers say, what must not stay, and what must, letter for letter."""

    headers: tuple[tuple[str, str], ...]
    text: str
    planted: tuple[str, ...]
    clinical: tuple[str, ...]


class Person(NamedTuple):
    """Family and given name as in a PN, and an ID."""

    family: str
    given: str
    identifier: str


PEOPLE: Final = (
    Person("Thompson", "Olivia", "4478210"),
    Person("Nguyen", "Minh", "0098123"),
    Person("Schröder", "Käthe", "H-55120"),
    Person("Weiß", "Jörg", "77001234"),
    Person("Lefèvre", "Émilie", "2201987"),
    Person("García Márquez", "José", "MX004512"),
    Person("da Conceição", "João", "330187"),
    Person("D'Amico", "Niccolò", "RM-0007781"),
    Person("van den Broek", "Sjoerd", "6612009"),
    Person("Kim", "Soo", "1200345"),
    Person("Wu", "Xiu", "8891234"),
    Person("Ng", "Amy", "5500871"),
    Person("Brown", "Rose", "3344556"),
    Person("Wałęsa", "Łucja", "9081726"),
    Person("Иванов", "Пётр", "6001002"),
    Person("Παπαδόπουλος", "Γιώργος", "6001003"),
    Person("王", "小东", "6001004"),
    Person("山田", "太郎", "6001005"),
    Person("홍", "길동", "6001006"),
    Person("قباني", "لنزار", "6001007"),
    Person("שרון", "דבורה", "6001008"),
    Person("Smith-Jones", "Jean-Luc", "6001009"),
    Person("McDonald", "Ronan", "6001010"),
)
# Clinical phrases and the words that introduce somebody, by language.
LANGUAGES: Final = (
    (("CT Head w/o contrast", "MRI Brain", "Chest PA and lateral"), ("for", "Patient:", "Mr.")),
    (("CT Schädel nativ", "MRT Knie links", "Thorax p.a."), ("für", "Patient:", "Herr")),
    (("TDM thorax sans injection", "IRM cérébrale", "Genou droit"), ("pour", "Nom:", "Mme")),
    (("TC de abdomen con contraste", "RM cerebral", "Tórax PA"), ("para", "Nombre:", "Sra.")),
    (("TC de tórax", "RM do joelho esquerdo", "Raio X"), ("para", "Nome:", "Dra.")),
    (("TC torace", "RM encefalo con mdc", "Ginocchio destro"), ("per", "Nome:", "Dott.")),
    (("CT thorax zonder contrast", "MRI hersenen", "Knie rechts"), ("voor", "Naam:", "Dhr.")),
)
DAYS: Final = (
    *("1958-11-23", "19581123", "23.11.1958", "11/23/1958", "23-NOV-1958", "Nov 23, 1958"),
    *("23. November 1958", "23 novembre 1958", "23 de noviembre de 1958", "23 november 1958"),
)
PHONES: Final = (
    *("(617) 555-0123", "617-555-0123", "+49 40 7410 53998", "040/7410-53998", "01 42 34 56 78"),
)


def _name_cases(person: Person, clinical: str, word: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    family, given = person.family, person.given
    both = (family, given)
    yield f"{family}-{clinical}", (family,)
    yield f"{clinical} {word} {family}^{given}", both
    yield f"{family.upper()}, {given.upper()} {clinical}", both
    yield f"{clinical} ({given} {family})", both
    yield f"{given}_{family}_{clinical}", both
    yield f"{clinical} / {family} {given[0]}.", (family,)
    yield f"{family.replace(' ', '')}{given} {clinical}", both
    yield f"{word} {given} {family} - {clinical}", both


def cases() -> Iterator[Case]:
    """Yield the corpus, the same every time."""
    languages, days, phones = cycle(LANGUAGES), cycle(DAYS), cycle(PHONES)
    for person in PEOPLE:
        headers = (
            ("name", f"{person.family}^{person.given}"),
            ("patient", person.identifier),
            ("date", "19581123"),
        )
        for number in range(3):
            phrases, words = next(languages)
            clinical, word = phrases[number], words[number]
            for text, planted in _name_cases(person, clinical, word):
                yield Case(headers, text, planted, (clinical,))
            day, phone = next(days), next(phones)
            known = (*headers, ("identifier", phone))
            number_of = person.identifier
            for text, planted in (
                (f"{clinical} {number_of}", (number_of,)),
                (f"{clinical} MRN {number_of} {day}", (number_of, day)),
                (f"{person.family} {day}: {clinical}, {phone}", (person.family, day, phone)),
                (f"{clinical}; ID=00{number_of.lstrip('0')}", (number_of.lstrip("0"),)),
            ):
                yield Case(known, text, planted, (clinical,))
