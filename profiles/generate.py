"""Generate the tables of the standard that this folder holds. Development-time only.

Reads Tables E.1-1, E.3.4-1 and E.3.10-1 of PS3.15 and the private tag knowledge base of TCIA as CSV
files of one folder, pydicom's dictionaries (PS3.6, PS3.16) and the module tables of highdicom
(PS3.3), and writes one compact text file each, plus `sources.toml` with editions and digests:

    python -m fastdeid.profiles.generate ../shared/standard/ profiles/
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
from importlib import metadata, resources
from pathlib import Path
from typing import Any, Final

from fastdeid.profiles import generate_private as private
from fastdeid.profiles.report_words import report_text
from fastdeid.profiles.vocabulary import words_text

EDITION: Final = "2025e"

# Attributes of Table E.1-1 that are younger than pydicom's dictionary: VR and VM from PS3.6 2025e.
# The two montage labels and (0010,0047) are rows with code X, where the VR decides nothing.
YOUNGER: Final = {
    0x00081301: ("SQ", "1", "PrincipalDiagnosisCodeSequence"),
    0x00081302: ("SQ", "1", "PrimaryDiagnosisCodeSequence"),
    0x00081303: ("SQ", "1", "SecondaryDiagnosesCodeSequence"),
    0x00081304: ("SQ", "1", "HistologicalDiagnosesCodeSequence"),
    0x00100011: ("SQ", "1", "PersonNamesToUseSequence"),
    0x00100012: ("LT", "1", "NameToUse"),
    0x00100013: ("UT", "1", "NameToUseComment"),
    0x00100014: ("SQ", "1", "ThirdPersonPronounsSequence"),
    0x00100015: ("SQ", "1", "PronounCodeSequence"),
    0x00100016: ("UT", "1", "PronounComment"),
    0x00100041: ("SQ", "1", "GenderIdentitySequence"),
    0x00100042: ("UT", "1", "SexParametersForClinicalUseCategoryComment"),
    0x00100043: ("SQ", "1", "SexParametersForClinicalUseCategorySequence"),
    0x00100044: ("SQ", "1", "GenderIdentityCodeSequence"),
    0x00100045: ("UT", "1", "GenderIdentityComment"),
    0x00100046: ("SQ", "1", "SexParametersForClinicalUseCategoryCodeSequence"),
    0x00100047: ("UR", "1-n", "SexParametersForClinicalUseCategoryReference"),
    0x00102162: ("UC", "1-n", "EthnicGroups"),
    0x0040A034: ("DT", "1", "EffectiveStartDateTime"),
    0x0040A035: ("DT", "1", "EffectiveStopDateTime"),
    0x0040B034: ("DT", "1", "AnnotationDateTime"),
    0x0040B036: ("DT", "1", "SegmentDefinitionDateTime"),
    0x0040B03B: ("LO", "1", "MontageName"),
    0x0040B03F: ("LO", "1", "MontageChannelLabel"),
    # In PS3.6, retired or for repeating groups, and absent from pydicom's tables:
    0x60003000: ("OW", "1", "OverlayData"),
    0x60004000: ("LT", "1", "OverlayComments"),
    0x60001500: ("LO", "1", "OverlayLabel"),
}
REPEATING: Final = re.compile(r"^(50|60)xx")


def _csv_text(header: list[str], rows: list[list[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def dictionary_rows() -> dict[int, tuple[str, str, str]]:
    """Return tag -> VR, VM, keyword; repeating groups 50xx and 60xx under 5000 and 6000.

    (0020,31xx), (0028,04x0) and (0028,08x0) are expanded. The retired groups (1000,xxxN),
    (1010,xxxx) and (7Fxx,00NN) are left out: attributes absent from the dictionary are removed.
    """
    from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary

    rows = {tag: (entry[0], entry[1], entry[4]) for tag, entry in DicomDictionary.items()}
    for pattern, entry in RepeatersDictionary.items():
        if REPEATING.match(pattern):
            rows[int(pattern.replace("x", "0"), 16)] = (entry[0], entry[1], entry[4])
        elif pattern.startswith(("0020", "0028")):
            for number in range(16 ** pattern.count("x")):
                digits = f"{number:0{pattern.count('x')}X}"
                tag = int(re.sub("x+", digits, pattern), 16)
                rows.setdefault(tag, (entry[0], entry[1], entry[4]))
    for tag, row in YOUNGER.items():
        rows.setdefault(tag, row)
    return dict(sorted(rows.items()))


def dictionary_text() -> str:
    """Return the data dictionary of PS3.6 as CSV: tag, vr, vm, keyword."""
    rows = [[f"{tag:08X}", *row] for tag, row in dictionary_rows().items()]
    return _csv_text(["tag", "vr", "vm", "keyword"], rows)


def table_text(source: Path) -> str:
    """Return Table E.1-1 as CSV, every row and column, with the VR of each attribute added."""
    dictionary = dictionary_rows()
    with source.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader)
        rows = []
        for row in reader:
            # Two rows name whole groups and have no VR: curve data and private attributes.
            single = re.fullmatch(r"\(([0-9A-F]{2}[0-9A-Fx]{2}),([0-9A-F]{4})\)", row[1])
            tag = int((single[1] + single[2]).replace("x", "0"), 16) if single else 0
            vr = dictionary[tag][0] if single else ""
            rows.append([row[1], vr, row[0], *row[2:]])
    return _csv_text(["tag", "vr", "name", *header[2:]], rows)


def content_text(source: Path) -> str:
    """Return Table E.3.4-1 as CSV, every row and column, with the retired code of each concept.

    srt: the code of the same SNOMED concept in PS3.16's former scheme SRT (also SNM3 and 99SDM).
    """
    from pydicom.sr._snomed_dict import mapping

    retired = mapping["SCT"]
    with source.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    out = []
    for meaning, value, scheme, value_type, *rest in rows:
        srt = retired.get(value, "") if scheme == "SCT" else ""
        out.append([scheme, value, srt, value_type, meaning, *rest])
    names = ["coding_scheme", "code_value", "srt_code", "value_type", "code_meaning", *header[4:]]
    return _csv_text(names, out)


# Of PS3.16 Table 8-1, beside those of pydicom's context groups: languages, countries, diseases,
# procedures, anatomy, genes, and the former designators of SNOMED.
SCHEMES: Final = """
    99SDM SNM3 SRT RFC3066 RFC5646 ISO639_1 ISO639_2 ISO639_3 ISO3166_1 ISO3166_2 C4 C5 CD2
    HCPCS I10P I11 I9 I9C ICDO3 RADELEMENT UBERON NDFRT DCMUID HGNC HPC ACR JC8 JJ1017 CTCAE
    PATHLEX MGI MDNS
""".split()


def scheme_text() -> str:
    """Return the designators of the standard's coding schemes (PS3.16 section 8), one on a line."""
    from pydicom.sr._concepts_dict import concepts

    return "\n".join(sorted({*concepts, *SCHEMES})) + "\n"


def uid_text() -> str:
    """Return the UID registry of PS3.6 Annex A as CSV: uid, type, keyword, name, retired."""
    from pydicom._uid_dict import UID_dictionary

    rows = [
        [uid, entry[1], entry[4], entry[0], "Y" if entry[3] else "N"]
        for uid, entry in UID_dictionary.items()
    ]
    return _csv_text(["uid", "type", "keyword", "name", "retired"], rows)


def methods_text() -> str:
    """Return CID 7050 De-identification Method of PS3.16 as CSV: code value, code meaning."""
    from pydicom.sr._cid_dict import cid_concepts
    from pydicom.sr._concepts_dict import concepts

    rows = []
    for scheme, names in cid_concepts[7050].items():
        codes: Any = concepts[scheme]
        for name in names:
            rows += [[value, scheme, code[0]] for value, code in codes[name].items()]
    return _csv_text(["value", "scheme", "meaning"], sorted(rows))


class _Nodes:
    """Attribute trees with equal content stored once."""

    def __init__(self) -> None:
        self.rows: list[list[list[Any]]] = []
        self._index: dict[tuple[tuple[int, str, int], ...], int] = {}

    def add(self, tree: dict[int, list[Any]]) -> int:
        """Store `tree` (tag -> [type, subtree]) and return its number."""
        key = tuple(
            (tag, entry[0], self.add(entry[1]) if entry[1] else -1)
            for tag, entry in sorted(tree.items())
        )
        if key not in self._index:
            self._index[key] = len(self.rows)
            self.rows.append([list(row) for row in key])
        return self._index[key]


def _module_tree(attributes: list[dict[str, Any]], tags: dict[str, int]) -> dict[int, list[Any]]:
    root: dict[int, list[Any]] = {}
    for attribute in attributes:
        node = root
        for keyword in attribute["path"]:
            node = node.setdefault(tags[keyword], ["3", {}])[1]
        node.setdefault(tags[attribute["keyword"]], ["3", {}])[0] = attribute["type"]
    return root


def types_text() -> str:
    """Return the Type of every attribute of every module of every IOD, PS3.3, as JSON.

    nodes: per node the rows [tag, type, node of the items or -1]. modules: name -> node.
    iods: name -> [[module, usage], ...]. sop_classes: SOP Class UID -> IOD.
    """
    folder = resources.files("highdicom") / "_standard"
    modules, iods, sop_classes = (
        json.loads((folder / f"{name}.json").read_text())
        for name in ("module_attribute_map", "iod_module_map", "sop_class_iod_map")
    )
    tags = {row[2]: tag for tag, row in reversed(list(dictionary_rows().items()))}
    nodes = _Nodes()
    used = sorted({module["key"] for iod in iods.values() for module in iod})
    body = {
        "sop_classes": sop_classes,
        "iods": {k: [[m["key"], m["usage"]] for m in v] for k, v in sorted(iods.items())},
        "modules": {k: nodes.add(_module_tree(modules[k], tags)) for k in used if k in modules},
    }
    lines = [f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in body.items()]
    rows = ",\n".join(json.dumps(node, separators=(",", ":")) for node in nodes.rows)
    return "{" + ",\n".join(lines) + ',\n"nodes": [\n' + rows + "\n]}\n"


# Modalities, and defined terms of Image Type and of orientation; body parts come from PS3.16. Terms
# that are also common names (WHITE, LONG, MARK) are left out: a name that is not found costs more.
TERMS: Final = """
    ADDITION ANTERIOR AXIAL BODY CARDIAC COLOR CORONAL DERIVED DIGITAL DYNAMIC ECG ENERGY FRAME
    IMAGE LATERAL LEFT LOCALIZER MONOCHROME NONE NORMAL ORIGINAL OTHER PALETTE PATIENT PHANTOM
    POSTERIOR PRIMARY PRONE RGB RIGHT SAGITTAL SECONDARY STATIC SUPINE UNKNOWN VOLUME YES ANN
    ASMT AUDIO BDUS BMD CFM CTPROTOCOL DMS DOC ECG EEG EMG EOG EPS ESU FID HC HD IOL IVOCT IVUS
    KER KO LEN LS M3D MG NM OAM OCT OPM OPT OPTBSV OPTENF OPV OSS PLAN POS PR PX RF RTDOSE
    RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF STAIN
    TEXTUREMAP XAPROTOCOL ATTENUATION AUTOMATIC AVERAGE BINARY CONSTANT CONTAINER CONTAINS CONTEXT
    CONTRAST DENSITY DIFFUSION ELLIPSE FILTERED FLUOROSCOPY FRACTIONAL HELICAL IDENTITY INTERPOLATED
    INVERSE LABELMAP LINEAR MANUAL MASKED MATRIX MAXIMUM MEDIAN MINIMUM MOTION PARTIAL PERFUSION
    PIXEL POLYGON POLYLINE PRESENTATION PROBABILITY PROCESSING PROJECTION PROTON RECTANGLE REFERENCE
    REFORMATTED RESAMPLED RESEARCH SEMIAUTOMATIC SPARSE SPIRAL STANDARD SUBTRACTION TEMPORAL TILED
    VELOCITY WAVEFORM
"""


def terms_text() -> str:
    """Return the words that kept elements hold by the standard, one on a line."""
    regions = resources.files("highdicom") / "_standard" / "anatomic_regions.json"
    return "\n".join(sorted({*TERMS.split(), *json.loads(regions.read_text())})) + "\n"


def main(source: Path, target: Path) -> None:
    """Write every table and `sources.toml` into `target`."""
    table, content = (source / f"ps3_15_table_{name}.csv" for name in ("e1_1", "e3_4_1"))
    safe, tcia = source / private.SAFE_SOURCE, source / private.TCIA_SOURCE
    words = words_text((row[2] for row in dictionary_rows().values()), terms_text().split())
    texts = {
        table.name: (table_text(table), f"PS3.15 {EDITION} Table E.1-1", table),
        content.name: (content_text(content), f"PS3.15 {EDITION} Table E.3.4-1", content),
        "ps3_16_schemes.csv": (scheme_text(), _release("pydicom", "sr._concepts_dict"), None),
        safe.name: (
            _csv_text([*private.HEADER], private.safe_rows(safe)),
            f"PS3.15 {EDITION} Table E.3.10-1",
            safe,
        ),
        "tcia_private.csv": (
            _csv_text([*private.HEADER], private.tcia_rows(tcia)),
            private.TCIA_ORIGIN,
            tcia,
        ),
        "unix_times.csv": (
            _csv_text([*private.HEADER], private.unix_rows()),
            _release("pydicom", "_private_dict"),
            None,
        ),
        "ps3_06_dictionary.csv": (dictionary_text(), _release("pydicom", "_dicom_dict"), None),
        "ps3_06_uids.csv": (uid_text(), _release("pydicom", "_uid_dict"), None),
        "ps3_16_cid_7050.csv": (methods_text(), _release("pydicom", "sr._concepts_dict"), None),
        "defined_terms.csv": (terms_text(), _release("highdicom", "anatomic_regions"), None),
        "clinical_words.txt": (
            words,
            _release("pydicom", "_concepts_dict and protocol_words.txt"),
            None,
        ),
        "report_words.txt": (report_text(), "the lists in words/, written by hand", None),
        "ps3_03_types.json": (types_text(), _release("highdicom", "_standard"), None),
    }
    out = ["# Written by generate.py: where each table comes from, and its SHA-256.\n"]
    for name, (text, origin, file) in texts.items():
        (target / name).write_text(text, encoding="utf-8")
        out.append(f'\n["{name}"]\norigin = "{origin}"\n')
        if EDITION in origin:
            out.append(f'edition = "{EDITION}"\n')
        if file is not None:
            out.append(f'source = "{_digest(file.read_bytes())}"\n')
        out.append(f'digest = "{_digest(text.encode())}"\n')
    (target / "sources.toml").write_text("".join(out), encoding="utf-8")


def _release(package: str, part: str) -> str:
    return f"{package} {metadata.version(package)}, {part}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
