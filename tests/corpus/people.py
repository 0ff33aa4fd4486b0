"""Who is in the corpus: invented patients, their hospitals, the spellings of their data."""

from __future__ import annotations

import datetime as dt
import random
import unicodedata
from dataclasses import dataclass, field

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro "
    "dezembro",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
    "dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}
_LONG_DATES = {
    "en": "{month} {day}, {year}",
    "de": "{day}. {month} {year}",
    "es": "{day} de {month} de {year}",
    "pt": "{day} de {month} de {year}",
}
_SHORT_DATES = {"en": "%m/%d/%Y", "de": "%d.%m.%Y", "nl": "%d-%m-%Y"}
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


@dataclass(frozen=True)
class Hospital:
    """Where a patient was examined, as the headers and as people call it."""

    name: str
    short: str
    department: str
    address: str
    phone: str
    station: str
    referring: str
    titled: str  # the referring physician as written in running text
    reading: str
    performing: str
    operator: str
    stranger: str  # a titled name that no header holds


@dataclass(frozen=True)
class Person:
    """A patient; `name` is the alphabetic group, `groups` the ideographic and the phonetic one."""

    key: str
    language: str
    charset: tuple[str, ...]
    name: str
    sex: str
    birth: dt.date
    patient_id: str
    other_id: str
    phone: str
    mail: str
    address: str
    hospital: Hospital
    groups: tuple[str, ...] = ()
    issuer: str = "HOSP"
    ambiguous: tuple[str, ...] = ()  # components that are clinical words too
    weight: int = 70

    @property
    def full_name(self) -> str:
        """Return the value of Patient's Name with all its groups."""
        return "=".join((self.name, *self.groups))

    @property
    def components(self) -> list[str]:
        """Return family and given names as they are searched one by one."""
        parts = [self.name.split("^")[:3]]
        parts += [group.split("^") for group in self.groups]
        return [part for group in parts for part in group if part and part not in self.ambiguous]


@dataclass(frozen=True)
class Visit:
    """One study of a patient."""

    person: Person
    number: int
    day: dt.date
    time: str
    accession: str
    study_id: str
    study_uid: str
    order: str
    admission: str
    random: random.Random = field(compare=False)

    @property
    def date(self) -> str:
        """Return the study's day as DA."""
        return self.day.strftime("%Y%m%d")


def plain(text: str) -> str:
    """Return a text without accents."""
    parts = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(char for char in parts if not unicodedata.combining(char))


def long_date(day: dt.date, language: str) -> str:
    """Return a date with the name of its month."""
    month = _MONTHS[language].split()[day.month - 1]
    pattern = _LONG_DATES.get(language, "{day} {month} {year}")
    return pattern.format(day=day.day, month=month, year=day.year)


def short_date(day: dt.date, language: str) -> str:
    """Return a date in the digits of a language."""
    return day.strftime(_SHORT_DATES.get(language, "%d/%m/%Y"))


def placeholders(visit: Visit) -> dict[str, str]:
    """Return what each placeholder of a text template stands for in a visit."""
    person = visit.person
    hospital = person.hospital
    family, given, *_ = [*person.name.split("^"), ""]
    first = given.split(maxsplit=1)[0] if given else ""
    names = {
        "caret": f"{family}^{given}",
        "natural": f"{given} {family}",
        "comma": f"{family}, {given}",
        "upper": f"{family}, {given}".upper(),
        "initial": f"{given[:1]}. {family}",
        "last_initial": f"{family} {given[:1]}.",
        "flat": plain(f"{given} {family}"),
        "joined": f"{family}_{given}".replace(" ", "_"),
        "dotted": f"{given}.{family}".lower().replace(" ", ""),
        "slashed": f"{family}/{given}",
        "translit": plain(family.translate(_UMLAUTS)),
        "family": family,
        "given": first,
        "ideographic": person.groups[0] if person.groups else family,
        "phonetic": person.groups[-1] if person.groups else family,
    }
    birth, day, language = person.birth, visit.day, person.language
    dates = {
        "birth": birth.isoformat(),
        "birth_short": short_date(birth, language),
        "birth_long": long_date(birth, language),
        "birth_digits": birth.strftime("%Y%m%d"),
        "day": day.isoformat(),
        "day_short": short_date(day, language),
        "day_long": long_date(day, language),
        "day_digits": visit.date,
    }
    return {
        **names,
        **dates,
        "id": person.patient_id,
        "id_bare": person.patient_id.lstrip("0"),
        "other_id": person.other_id,
        "accession": visit.accession,
        "phone": person.phone,
        "mail": person.mail,
        "address": person.address,
        "hospital": hospital.name,
        "short": hospital.short,
        "department": f"{hospital.short} {hospital.department}",
        "hospital_phone": hospital.phone,
        "station": hospital.station,
        "titled": hospital.titled,
        "referring": hospital.referring.split("^")[0],
        "operator": hospital.operator.split("^")[0],
        "stranger": hospital.stranger,
        "order": visit.order,
        "admission": visit.admission,
        "ip": f"10.{visit.number + 3}.17.204",
        "url": f"https://pacs.{visit.number}.clinic.example/view/{visit.order}",
    }
