"""Dates with the name of a month, in seven languages, folded as `letters.fold` does."""

from __future__ import annotations

import re
from typing import Final

# English, German, French, Spanish, Portuguese, Italian, Dutch.
_FULL: Final = """
    january february march april may june july august september october november december
    januar janner janer jaenner februar feber marz maerz mai juni juli oktober dezember
    janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre
    enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre
    diciembre
    janeiro fevereiro marco maio junho julho setembro outubro novembro dezembro
    gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
    januari februari maart mei augustus
""".split()
# These mean nothing else in a protocol; the others (MAR, OCT, MAG, MRT, SET) count only between a
# day and a year.
_SAFE: Final = "jan feb apr jun jul aug sep sept nov dec okt dez".split()
_SHORT: Final = [
    *_SAFE,
    *"mar oct mrz jnr janv fevr fev avr juil ene abr ago dic sett set out gen mag".split(),
    *"giu lug ott mrt".split(),
]
_JOINT: Final = r"[ \-./_,]{0,2}"
_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])(?:\.|st|nd|rd|th|er|o|a)?"
_OF: Final = r"(?:of |de |del |do |dell')?"
_YEAR: Final = r"(?:'\d\d|(?:1[89]|20)\d\d|\d\d)"
_LONG_YEAR: Final = r"(?:1[89]|20)\d\d"


def _any_of(words: list[str]) -> str:
    return "(?:" + "|".join(sorted(set(words), key=lambda word: (-len(word), word))) + ")"


_ALL: Final = _any_of([*_FULL, *_SHORT])
_ALONE: Final = _any_of([*_FULL, *_SAFE])


MONTHS: Final = frozenset([*_FULL, *_SHORT])
MONTH_DATES: Final = (
    # 12 Dec 2003, 12-DEC-03, 12MAR2003, 12 de marzo de 2003, 1er janvier 2020
    re.compile(rf"(?<![\d.]){_DAY}{_JOINT}{_OF}{_ALL}\.?{_JOINT}{_OF}{_YEAR}(?!\d)"),
    # Dec 12, 2003
    re.compile(rf"(?<![^\W_]){_ALL}\.?{_JOINT}{_DAY}[ \-./_,]{{1,2}}{_YEAR}(?!\d)"),
    # 2003-Dec-12
    re.compile(rf"(?<!\d){_LONG_YEAR}{_JOINT}{_ALL}\.?{_JOINT}{_DAY}(?!\d)"),
    # March 2024
    re.compile(rf"(?<![^\W_]){_ALONE}\.?{_JOINT}{_OF}{_LONG_YEAR}(?!\d)"),
    # 4. März, 4 de marzo, March 4
    re.compile(rf"(?<![\d.]){_DAY}{_JOINT}{_OF}{_ALONE}(?![^\W_])"),
    re.compile(rf"(?<![^\W_]){_ALONE}\.?{_JOINT}{_DAY}(?![^\W_]|[.,/:]\d)"),
)
