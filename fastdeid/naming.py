"""Output paths: made of pseudonyms only, never of an original name."""

from __future__ import annotations

from typing import Final

from fastdeid.errors import UsageError

DEFAULT_TEMPLATE: Final = "{patient}/{study}/{series}/{instance}.dcm"

# Stands for a level that an instance does not have: a colour palette has no patient and no study.
_NOTHING: Final = "none"


def output_path(template: str, patient: str, study: str, series: str, instance: str) -> str:
    """Return the path of an instance below the target, from its pseudonyms."""
    return template.format(
        patient=patient, study=study or _NOTHING, series=series or _NOTHING, instance=instance
    )


def check_template(template: str) -> str:
    """Return the template; raise UsageError unless each instance gets a safe path of its own."""
    fields = dict.fromkeys(("patient", "study", "series", "instance"), "A")
    try:
        path = template.format(**fields)
    except (KeyError, IndexError, ValueError, AttributeError):
        raise UsageError("the template may hold {patient}, {study}, {series}, {instance}") from None
    if "{instance}" not in template:
        raise UsageError("the template must hold {instance}")
    if any(part in {"", ".", ".."} for part in path.split("/")):
        raise UsageError("the template must give a path below the target")
    return template
