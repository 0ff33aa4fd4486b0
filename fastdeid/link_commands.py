"""The commands that join images with structured data; only typer is imported here."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from fastdeid.linkage.link import Linked
    from fastdeid.pseudonyms import Pseudonyms

_Key = Annotated[
    Path | None, typer.Option(help="The project key, see fastdeid keygen.", metavar="PROJECT.key")
]

_Table = Annotated[Path, typer.Argument(help="CSV or Parquet, a file or a folder of files.")]
_PatientId = Annotated[str, typer.Option(help="Column of patient IDs.", metavar="COLUMN")]
_Out = Annotated[Path, typer.Option(help="The new Parquet file.", metavar="OUT.parquet")]
_Issuer = Annotated[str, typer.Option(help="Issuer of Patient ID of all rows.", metavar="TEXT")]
_IssuerColumn = Annotated[
    str, typer.Option(help="Column of issuers of Patient ID.", metavar="COLUMN")
]
_Accession = Annotated[str, typer.Option(help="Column of accession numbers.", metavar="COLUMN")]
_Dates = Annotated[
    list[str] | None,
    typer.Option(help="Columns of dates and time stamps, to be shifted.", metavar="A,B,..."),
]
_Uids = Annotated[
    list[str] | None,
    typer.Option(help="Columns of DICOM UIDs, to be mapped.", metavar="A,B,..."),
]
_Keep = Annotated[
    list[str] | None,
    typer.Option(help="Columns to pass on as they are; others are dropped.", metavar="A,B,..."),
]
_DateFormat = Annotated[
    list[str] | None,
    typer.Option(
        help="How dates in text are written, such as %d/%m/%Y; COLUMN=FORMAT for one column. "
        "Year-first dates need none.",
        metavar="FORMAT",
    ),
]
_ShiftTimes = Annotated[
    bool,
    typer.Option(
        "--shift-times", help="Times of day move, too, as under a profile with shift_times."
    ),
]
_PadIds = Annotated[
    int,
    typer.Option(
        min=0,
        max=64,
        help="Give patient IDs of digits their leading zeros back, up to N characters.",
        metavar="N",
    ),
]
_WholeNumbers = Annotated[
    bool, typer.Option("--whole-numbers", help="Read patient IDs such as 123.0 as 123.")
]
_Null = Annotated[
    list[str] | None,
    typer.Option(help="Text of a CSV file that stands for no value.", metavar="TEXT"),
]
_Encoding = Annotated[str, typer.Option(help="Character encoding of a CSV file.")]
Crosswalk = Annotated[
    Path | None,
    typer.Option(
        help="The site's own pseudonyms, CSV or Parquet: original_id, subject_id and, if "
        "wanted, issuer and date_offset.",
        metavar="FILE",
    ),
]
SharedSubjects = Annotated[
    bool,
    typer.Option("--shared-subjects", help="Several original IDs may be one subject."),
]
_LinkTable = Annotated[
    Path | None,
    typer.Option(help="Link table of the images, to report unmatched rows.", metavar="DIR"),
]
_Unmatched = Annotated[
    Path | None,
    typer.Option(help="New CSV file (PHI) that lists unmatched rows.", metavar="FILE"),
]
_Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]

_LINK_EPILOG = """
Identifiers: white space and NUL around them do not count; leading zeros, letter case and the issuer
do, in tables as in DICOM. Exit codes: 0 done; 2 wrong usage; 3 rows were left out, their patients
are not in the crosswalk; 5 the table cannot be read; 6 the output cannot be written; 8 the key is
missing, too open, or not that of the link table.
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=_LINK_EPILOG)(link)


def link(  # noqa: PLR0917 - typer calls it by name
    table: _Table,
    patient_id: _PatientId,
    out: _Out,
    key: _Key = None,
    issuer: _Issuer = "",
    issuer_column: _IssuerColumn = "",
    accession: _Accession = "",
    dates: _Dates = None,
    uids: _Uids = None,
    keep: _Keep = None,
    date_format: _DateFormat = None,
    shift_times: _ShiftTimes = False,
    pad_ids: _PadIds = 0,
    whole_numbers: _WholeNumbers = False,
    null: _Null = None,
    encoding: _Encoding = "utf-8",
    crosswalk: Crosswalk = None,
    shared_subjects: SharedSubjects = False,
    link_table: _LinkTable = None,
    unmatched: _Unmatched = None,
    json: _Json = False,
) -> None:
    """Give a table the pseudonyms and date offsets of the images, so that both join.

    Dates keep their intervals; what is no date becomes null. Rows are grouped by patient.
    """
    from fastdeid.linkage.codes import Spelling
    from fastdeid.linkage.known import open_known
    from fastdeid.linkage.link import Columns
    from fastdeid.linkage.link import link as library

    columns = Columns(
        patient_id=patient_id,
        issuer=issuer,
        issuer_column=issuer_column,
        accession=accession,
        uids=_split(uids),
        dates=_split(dates),
        keep=_split(keep),
        shift_times=shift_times,
    )
    pseudonyms = project_pseudonyms(key, crosswalk, shared_subjects=shared_subjects)
    with terminable():
        linked = library(
            table,
            out,
            pseudonyms=pseudonyms,
            columns=columns,
            forms=_forms(date_format or [], columns.dates),
            spelling=Spelling(pad_ids, whole_numbers),
            known=None if link_table is None else open_known(link_table, pseudonyms),
            listing=unmatched,
            null=null or [],
            encoding=encoding,
        )
    typer.echo(_as_json(linked) if json else "\n".join(_lines(linked)))
    raise typer.Exit(linked.exit_code)


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, with everything cleaned up."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _split(names: list[str] | None) -> tuple[str, ...]:
    return tuple(name for text in names or [] for name in text.split(",") if name)


def project_pseudonyms(
    key: Path | None, crosswalk: Path | None, *, shared_subjects: bool
) -> Pseudonyms:
    """Return the pseudonyms of the key and crosswalk that a command was given."""
    from fastdeid.errors import KeyFileError
    from fastdeid.keys import read_key
    from fastdeid.project import site_names
    from fastdeid.pseudonyms import Pseudonyms

    if key is None:
        raise KeyFileError("the project key of the images is needed, --key PROJECT.key")
    secret = read_key(key)
    names = site_names(crosswalk, shared_subjects=shared_subjects)
    return Pseudonyms(secret) if names is None else names.read(secret)[0]


def _forms(texts: list[str], dates: tuple[str, ...]) -> dict[str, Any]:
    """Return date forms by column; "" for the one of all columns without their own."""
    from fastdeid.linkage.forms import read_form

    forms = {}
    for text in texts:
        column, equals, form = text.partition("=")
        named = equals and column in dates
        forms[column if named else ""] = read_form(form if named else text)
    return forms


def _as_json(result: Any) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(result)).decode()


def _lines(linked: Linked) -> list[str]:
    rows: list[tuple[str, int | None]] = [
        ("rows", linked.rows),
        ("rows written", linked.rows_written),
        ("  left out: patient not in the crosswalk", linked.left_out or None),
        ("  without a patient ID", linked.without_patient),
        ("  patient without images", linked.unmatched_patients),
        ("  accession number without images", linked.unmatched_accessions),
        ("patients with images, without rows", linked.patients_without_rows),
    ]
    if linked.unmatched is not None and linked.unmatched.looked_at:
        why = linked.unmatched
        rows += [
            ("patients without images looked at", why.looked_at),
            ("  with images under another issuer", why.other_issuer),
            ("  with images but for leading zeros", why.leading_zeros),
            ("  with images but for letter case", why.letter_case),
            ("  with images but for a fraction .0", why.fraction),
        ]
    for name, dates in linked.dates.items():
        rows += [
            (f"dates shifted, {name}", dates.shifted),
            ("  not dates, now null", dates.unreadable),
            ("  without a patient, now null", dates.without_patient),
        ]
    for name, kept in linked.kept.items():
        if kept.identifiers or kept.dates:
            rows.append((f"own identifiers removed, {name}", kept.identifiers))
            rows.append((f"dates removed, {name}", kept.dates))
    return [f"{label:<44}{number:>14,}" for label, number in rows if number is not None]
