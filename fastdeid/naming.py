"""Output paths: made of pseudonyms only, never of an original name."""

from __future__ import annotations

from collections.abc import Callable
from string import Formatter
from typing import Final

from fastdeid.errors import UsageError

DEFAULT_TEMPLATE: Final = "{patient}/{study}/{series}/{instance}.dcm"

# Stands for a level that an instance does not have: a colour palette has no patient and no study.
_NOTHING: Final = "none"


Naming = Callable[[str, str, str, str], str]


def naming(template: str) -> Naming:
    """Return what makes an output path of patient, study, series and instance pseudonyms.

    Raises UsageError for a template that does not give each instance a safe path of its own.
    """
    check_template(template)
    if template == DEFAULT_TEMPLATE:
        return _default_path
    return lambda patient, study, series, instance: template.format(
        patient=patient, study=study or _NOTHING, series=series or _NOTHING, instance=instance
    )


def _default_path(patient: str, study: str, series: str, instance: str) -> str:
    return f"{patient}/{study or _NOTHING}/{series or _NOTHING}/{instance}.dcm"


def check_template(template: str) -> None:
    """Raise UsageError unless a template gives each instance a safe path of its own."""
    try:
        fields = {(name, spec, how) for _, name, spec, how in Formatter().parse(template)}
    except ValueError:
        raise UsageError("the template's braces do not match") from None
    if not fields <= _FIELDS:
        raise UsageError("the template may hold {patient}, {study}, {series}, {instance}")
    if _INSTANCE not in fields:
        raise UsageError("the template must hold {instance}")
    path = template.format(patient="A", study="A", series="A", instance="A")
    if any(part in {"", ".", ".."} for part in path.split("/")):
        raise UsageError("the template must give a path below the target")


# As `string.Formatter` parses them: name, format specification and conversion.
_INSTANCE: Final = ("instance", "", None)
_FIELDS: Final = frozenset(
    {_INSTANCE, (None, None, None), *((name, "", None) for name in ("patient", "study", "series"))}
)
