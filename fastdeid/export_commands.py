"""The commands that turn the tables of a run into other forms; only typer is imported here."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastdeid.link_commands import Crosswalk, SharedSubjects, project_pseudonyms, terminable

if TYPE_CHECKING:
    from fastdeid.linkage.reidentify import Originals
    from fastdeid.pseudonyms import Pseudonyms
    from fastdeid.risk import Remedy, Risk

_Manifest = Annotated[
    Path, typer.Argument(help="TARGET of a finished run, or its manifest.parquet.")
]
_Out = Annotated[Path, typer.Option(help="The new file.", metavar="FILE")]
_Folder = Annotated[Path, typer.Option("--out", help="Folder for the new files.", metavar="DIR")]
_LinkTable = Annotated[Path, typer.Option(help="The link table's folder.", metavar="DIR")]
_Key = Annotated[Path | None, typer.Option(help="The project key.", metavar="PROJECT.key")]
_Persons = Annotated[
    Path,
    typer.Option(
        help="CSV or Parquet: person_id, and patient (pseudonym) or original_id and issuer "
        "(these need --key).",
        metavar="FILE",
    ),
]
_Modalities = Annotated[
    Path | None,
    typer.Option(help="Concepts of modalities: code, concept_id.", metavar="FILE"),
]
_BodyParts = Annotated[
    Path | None,
    typer.Option(help="Concepts of body parts examined: code, concept_id.", metavar="FILE"),
]
_Procedures = Annotated[
    Path | None,
    typer.Option(
        help="accession_number (of the outputs), procedure_occurrence_id, visit_occurrence_id.",
        metavar="FILE",
    ),
]
_WadoRoot = Annotated[str, typer.Option(help="DICOMweb root for wadors_uri.", metavar="URL")]
_MissingDate = Annotated[
    str,
    typer.Option(
        help="Date of studies whose date is gone; without it they have no row.",
        metavar="YYYY-MM-DD",
    ),
]
_AuditLog = Annotated[
    Path | None,
    typer.Option(help="Audit log. Default: reidentify.log in the link table's folder."),
]
_OptionalLinkTable = Annotated[
    Path | None, typer.Option("--link-table", help="The link table's folder.", metavar="DIR")
]
_Release = Annotated[
    Path | None,
    typer.Option(
        help="Without link table: a release whose profile is reversible.", metavar="TARGET"
    ),
]
_TableOut = Annotated[
    Path | None,
    typer.Option(help="The new Parquet file (PHI) for a TABLE.", metavar="OUT.parquet"),
]
_Target = Annotated[
    str, typer.Argument(metavar="ID|UID|FILE|TABLE", help="A pseudonym, or a file that holds them.")
]
_K = Annotated[int, typer.Option(min=1, help="Patients that a class should have at least.")]
_By = Annotated[
    str, typer.Option(help="sex, age_band, body_part, or columns of manifest and table.")
]
_Beside = Annotated[
    Path | None,
    typer.Option("--table", help="A table with the column patient, see link.", metavar="FILE"),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer, manifest_app: typer.Typer) -> None:
    """Add the commands."""
    export_app = typer.Typer(
        help="Manifests and link table in the forms of other systems.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in (omop, fhir, kos, pairs):
        export_app.command()(command)
    app.add_typer(export_app, name="export")
    app.command()(reidentify)
    manifest_app.command()(risk)


def omop(  # noqa: PLR0917 - typer calls it by name
    manifest: _Manifest,
    persons: _Persons,
    out: _Out,
    key: _Key = None,
    modalities: _Modalities = None,
    body_parts: _BodyParts = None,
    procedures: _Procedures = None,
    wado_root: _WadoRoot = "",
    missing_date: _MissingDate = "",
    crosswalk: Crosswalk = None,
    shared_subjects: SharedSubjects = False,
) -> None:
    """OMOP Medical Imaging extension: a row of image_occurrence per series.

    Parquet, or CSV when the name ends in .csv. Exit code 3 when series have no row.
    """
    from fastdeid.exports.omop import export_omop, read_concepts, read_persons

    named = None
    if key is not None:
        named = project_pseudonyms(key, crosswalk, shared_subjects=shared_subjects)
    done = export_omop(
        manifest,
        out,
        persons=read_persons(persons, named),
        concepts=read_concepts(modalities, body_parts, procedures),
        wado_root=wado_root,
        missing_date=_date(missing_date),
    )
    typer.echo(f"{'rows':<44}{done.rows:>14,}")
    typer.echo(f"{'series left out, patient without person':<44}{done.without_person:>14,}")
    typer.echo(f"{'series left out, study without date':<44}{done.without_date:>14,}")
    raise typer.Exit(done.exit_code)


def fhir(manifest: _Manifest, out: _Out) -> None:
    """HL7 FHIR R4: an ImagingStudy per study, NDJSON."""
    from fastdeid.exports.fhir import export_fhir

    typer.echo(f"{'studies':<44}{export_fhir(manifest, out):>14,}")


def kos(manifest: _Manifest, out: _Folder) -> None:
    """Key Object Selection manifests as of IHE XDS-I.b: a DICOM file per study."""
    from fastdeid.exports.kos import export_kos

    typer.echo(f"{'studies':<44}{export_kos(manifest, out):>14,}")


def pairs(link_table: _LinkTable, out: _Folder, key: _Key = None) -> None:
    """CSV pairs of id_old,id_new (PHI, mode 0600): patients.csv and uids.csv."""
    from fastdeid.exports.pairs import export_pairs
    from fastdeid.link_table import open_link_table

    _need(key)
    with terminable():
        written = export_pairs(open_link_table(link_table, key or ""), out)
    for name, number in written.items():
        typer.echo(f"{name:<44}{number:>14,}")


def reidentify(  # noqa: PLR0917 - typer calls it by name
    target: _Target,
    link_table: _OptionalLinkTable = None,
    key: _Key = None,
    release: _Release = None,
    out: _TableOut = None,
    audit_log: _AuditLog = None,
) -> None:
    """Turn pseudonyms back into originals, for whoever holds the key (PHI).

    Takes a patient code, accession number or UID, a de-identified DICOM file, or a table with
    columns named as in the manifest. Looks them up in the link table; or, of outputs whose profile
    is reversible, decrypts what they enclose: the file itself, or those that --release names. Each
    use is appended to the audit log; when it cannot be written, nothing is told.
    """
    from fastdeid.audit import LOG_FILE, record
    from fastdeid.keys import read_key
    from fastdeid.linkage.reidentify import find_file, find_one, find_table
    from fastdeid.pseudonyms import Pseudonyms

    secret = read_key(_need(key))
    pseudonyms = Pseudonyms(secret)
    audit_log = audit_log or (link_table and link_table / LOG_FILE)
    if audit_log is None:
        from fastdeid.errors import UsageError

        raise UsageError("without --link-table, say where the audit log is: --audit-log FILE")
    written: Path = audit_log

    def log(kind: str, asked: int, found: int) -> None:
        record(written, key_id=pseudonyms.key_id, kind=kind, asked=asked, found=found)

    path = Path(target)
    is_table = path.is_dir() or (path.is_file() and not _is_dicom(path))
    table = _originals(target, link_table, release, secret, is_table=is_table)
    if is_table:
        with terminable():
            rows, found = find_table(table, path, _needed(out), log)
        typer.echo(f"{'rows':<44}{rows:>14,}\n{'rows with an original':<44}{found:>14,}")
        return
    answers = find_file(table, path, log) if path.is_file() else find_one(table, target, log)
    typer.echo(json_module.dumps(answers, indent=2, ensure_ascii=False))
    raise typer.Exit(0 if answers else 4)


def _originals(
    asked: str, link_table: Path | None, release: Path | None, secret: bytes, *, is_table: bool
) -> Originals:
    """Return what leads back: the link table, or what outputs enclose."""
    from fastdeid.errors import UsageError
    from fastdeid.link_table import open_link_table
    from fastdeid.linkage.disclosed import disclose_file, disclose_release, everywhere
    from fastdeid.linkage.reidentify import pseudonyms_in
    from fastdeid.pseudonyms import Pseudonyms

    path = Path(asked)
    if link_table is not None:
        if release is not None:
            raise UsageError("--link-table and --release exclude each other")
        return open_link_table(link_table, secret)
    if path.is_file() and not is_table:
        return disclose_file(path, Pseudonyms(secret))
    if release is not None:
        wanted = pseudonyms_in(asked) if is_table else everywhere(asked)
        return disclose_release(release, Pseudonyms(secret), wanted)
    raise UsageError("--link-table leads back, or --release TARGET of a reversible profile")


def risk(
    manifest: _Manifest,
    k: _K = 11,
    by: _By = "sex,age_band,site,modality,body_part",
    table: _Beside = None,
    json: _Json = False,
) -> None:
    """Count classes of patients alike with fewer than k of them, and say what would lift them."""
    from fastdeid.risk import assess

    found = assess(manifest, [name for name in by.split(",") if name], k=k, table=table)
    if json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    typer.echo("\n".join(_risk_lines(found)))


def _risk_lines(found: Risk) -> list[str]:
    lines = [
        f"{'patients':<44}{found.patients:>14,}",
        f"{'classes by ' + ', '.join(found.by):<44}{found.classes:>14,}",
        f"{f'classes under {found.k}':<44}{found.small_classes:>14,}",
        f"{'patients in them':<44}{found.small_patients:>14,}",
    ]
    lines += [f"{name} is in no table: taken as one for all" for name in found.one_value]
    for small in found.small[:20]:
        named = ", ".join(f"{name}={value or 'none'}" for name, value in small.values.items())
        lines.append(f"  {named:<42}{small.patients:>14,}")
    if len(found.small) > 20:
        lines.append("  ... --json lists more")
    if found.small_classes:
        lines += ["one step, and the classes that stay under k", *map(_remedy, found.single)]
        lines += [
            "fewest steps that lift all",
            *(map(_remedy, found.remedies) if found.remedies else ["  none"]),
        ]
    return lines


def _remedy(remedy: Remedy) -> str:
    return f"  {' + '.join(remedy.steps):<42}{remedy.small_classes:>14,}"


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _need(key: Path | None) -> Path:
    from fastdeid.errors import KeyFileError

    if key is None:
        raise KeyFileError("the project key is needed, --key PROJECT.key")
    return key


def _needed(out: Path | None) -> Path:
    from fastdeid.errors import UsageError

    if out is None:
        raise UsageError("a table is answered with a table: name it with --out")
    return out


def _pseudonyms(key: Path | None) -> Pseudonyms:
    from fastdeid.keys import read_key
    from fastdeid.pseudonyms import Pseudonyms

    return Pseudonyms(read_key(_need(key)))


def _date(text: str) -> Any:
    import datetime as dt

    from fastdeid.errors import UsageError

    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError("--missing-date is a date such as 1900-01-01") from None
