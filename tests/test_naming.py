"""Output paths are made of pseudonyms, and of nothing else."""

from __future__ import annotations

import pytest

from fastdeid.errors import UsageError
from fastdeid.naming import DEFAULT_TEMPLATE, naming

PSEUDONYMS = ("P1", "2.25.1", "2.25.2", "2.25.3")


def test_the_default_is_a_folder_for_each_level() -> None:
    assert naming(DEFAULT_TEMPLATE)(*PSEUDONYMS) == "P1/2.25.1/2.25.2/2.25.3.dcm"


def test_a_template_puts_the_levels_where_it_says() -> None:
    assert naming("{study}/{instance}")(*PSEUDONYMS) == "2.25.1/2.25.3"


@pytest.mark.parametrize("template", [DEFAULT_TEMPLATE, "{patient}/{study}/{series}/{instance}"])
def test_a_level_that_an_instance_lacks_is_called_none(template: str) -> None:
    path = naming(template)("P1", "", "", "2.25.3")
    assert path.startswith("P1/none/none/2.25.3")


@pytest.mark.parametrize(
    "template",
    [
        "",
        "{patient}.dcm",  # instances would share a path
        "/{instance}",
        "../{instance}",
        "{patient}//{instance}",
        "{instance}/",
        "{patient_name}/{instance}",
        "{0}/{instance}",
        "{instance.__class__}/{instance}",
        "{instance",
    ],
)
def test_a_template_that_gives_no_safe_path_of_its_own_is_refused(template: str) -> None:
    with pytest.raises(UsageError):
        naming(template)
