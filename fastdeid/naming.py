"""Output paths: made of pseudonyms only, never of an original name."""

from __future__ import annotations

from collections.abc import Callable
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
    fields = dict.fromkeys(("patient", "study", "series", "instance"), "A")
    try:
        path = template.format(**fields)
    except (KeyError, IndexError, ValueError, AttributeError):
        raise UsageError("the template may hold {patient}, {study}, {series}, {instance}") from None
    if "{instance}" not in template:
        raise UsageError("the template must hold {instance}")
    if any(part in {"", ".", ".."} for part in path.split("/")):
        raise UsageError("the template must give a path below the target")
