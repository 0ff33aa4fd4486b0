"""Private elements as vendors write them, invented values: physics among names and serial numbers.

What Table E.3.10-1 lists is physics that research needs; around it stand names and identifiers. The
CSA header is a synthetic one, made by its public description: "SV10", tags of 84 bytes, items.
"""

from __future__ import annotations

import struct

from pydicom.dataset import Dataset

from tests.corpus.answers import Planted
from tests.corpus.records import Scribe, item


def siemens(scribe: Scribe, data_set: Dataset, answers: list[Planted]) -> None:
    """Add a Siemens MR header: b values that are safe, and a CSA header that names the patient."""
    values = scribe.values
    block = data_set.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x08, "CS", "IMAGE NUM 4")
    block.add_new(0x0C, "IS", "1000")
    block.add_new(0x0D, "CS", "DIRECTIONAL")
    block.add_new(0x0E, "FD", [0.7071, -0.7071, 0.0])
    block.add_new(0x27, "FD", [1.5, 0.25, 0.125, 2.5, 0.5, 3.0])
    csa = data_set.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    csa.add_new(0x08, "CS", "IMAGE NUM 4")
    csa.add_new(0x09, "LO", scribe.visit.date)
    image = {"B_value": "1000", "PatientName": values["caret"], "MosaicRefAcqTimes": "1250.0"}
    csa.add_new(0x10, "OB", csa_header(image))
    series = {"PatientID": values["id"], "MrPhoenixProtocol": f"tPatientName = {values['natural']}"}
    csa.add_new(0x20, "OB", csa_header(series))
    path = "(0029,SIEMENS CSA HEADER,{})"
    answers.append(Planted(path.format("10"), values["caret"], "caret"))
    answers.append(Planted(path.format("20"), values["id"], "id"))
    answers.append(Planted(path.format("20"), values["natural"], "natural"))
    study = data_set.private_block(0x0051, "SIEMENS MR HEADER", create=True)
    study.add_new(0x0E, "SH", scribe.say("[S>C] {family}"))


def csa_header(tags: dict[str, str]) -> bytes:
    """Return a CSA header of version SV10 whose tags have one item each."""
    out = b"SV10\4\3\2\1" + struct.pack("<2I", len(tags), 77)
    for name, value in tags.items():
        raw = value.encode("latin-1", "replace") + b"\0"
        out += struct.pack("<64si4siii", name.encode(), 1, b"LO\0\0", 19, 1, 77)
        out += struct.pack("<4i", len(raw), len(raw), 77, len(raw)) + raw + b"\0" * (-len(raw) % 4)
    return out + b"\0" * (len(out) % 2)


def general_electric(scribe: Scribe, data_set: Dataset, answers: list[Planted]) -> None:
    """Add GE blocks: b value and sequence name, the patient's name, Unix times."""
    identity = data_set.private_block(0x0009, "GEMS_IDEN_01", create=True)
    identity.add_new(0x01, "LO", "GE_GENESIS_FF")
    identity.add_new(0x27, "SL", 1_498_212_672)
    identity.add_new(0x30, "SH", scribe.values["id"][:16])
    identity.add_new(0xE3, "UI", f"{scribe.visit.study_uid}.9.9")
    # The block stands elsewhere than usual, and its name is padded.
    data_set.add_new(0x00190011, "LO", "GEMS_ACQU_01 ")
    data_set.add_new(0x0019119E, "LO", "EPI2")
    data_set.add_new(0x00191124, "DS", "3.75")
    data_set.add_new(0x001911A4, "LO", scribe.say("{comma}"))
    parameters = data_set.private_block(0x0043, "GEMS_PARM_01", create=True)
    parameters.add_new(0x39, "IS", ["1000", "0", "0", "0"])
    parameters.add_new(0x6F, "DS", ["0", "1", "0"])
    parameters.add_new(0x98, "UI", f"{scribe.visit.study_uid}.9.8")
    orphan = scribe.values["natural"]
    data_set.add_new(0x00251010, "LO", orphan)
    answers.append(Planted("(0025,,10)", orphan, "natural"))


def philips(scribe: Scribe, data_set: Dataset, answers: list[Planted]) -> None:
    """Add Philips blocks: diffusion and a stack sequence, names beside and inside it."""
    block = data_set.private_block(0x2001, "Philips Imaging DD 001", create=True)
    block.add_new(0x03, "FL", 1000.0)
    block.add_new(0x04, "CS", "AP")
    block.add_new(0x0B, "CS", "TRANSVERSAL")
    block.add_new(0x18, "SL", 24)
    stack = item()
    inner = stack.private_block(0x2001, "Philips Imaging DD 001", create=True)
    inner.add_new(0x2D, "SS", 24)
    inner.add_new(0x36, "CS", "PARALLEL")
    other = stack.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
    other.add_new(0x71, "LO", scribe.say("{flat}"))
    block.add_new(0x5F, "SQ", [stack])
    # A text that the table lists as safe, and that is not.
    block.add_new(0x8B, "SH", scribe.say("{joined}")[:16])
    answers.append(Planted("(2001,Philips Imaging DD 001,8B)", scribe.values["family"], "family"))
    more = data_set.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    more.add_new(0x5E, "LO", scribe.say("{initial} {birth}"))


def philips_pet(scribe: Scribe, data_set: Dataset, answers: list[Planted]) -> None:
    """Add the factors that SUVs of Philips scanners are computed with."""
    block = data_set.private_block(0x7053, "Philips PET Private Group", create=True)
    block.add_new(0x00, "DS", "0.000412")
    block.add_new(0x09, "DS", "0.512")
    block.add_new(0xF5, "LO", scribe.say("{natural}"))


def declared_safe(scribe: Scribe, data_set: Dataset, answers: list[Planted]) -> None:
    """Add a block that the file declares safe, PS3.3 C.12.1.1.7, and one that it does not."""
    block = data_set.private_block(0x0021, "ACME RECON 1.0", create=True)
    block.add_new(0x01, "DS", "0.85")
    block.add_new(0x02, "CS", "ITERATIVE")
    other = data_set.private_block(0x0021, "ACME LOG", create=True)
    other.add_new(0x01, "LT", scribe.text("comment"))
    data_set.PrivateDataElementCharacteristicsSequence = [
        item(
            PrivateGroupReference=0x0021,
            PrivateCreatorReference="ACME RECON 1.0",
            BlockIdentifyingInformationStatus="SAFE",
        )
    ]


def hidden(scribe: Scribe, data_set: Dataset, answers: list[Planted]) -> None:
    """Hide values where readers seldom look: UN, a sequence in UN, an item's own private block."""
    values = scribe.values
    secret = values["flat"].encode("ascii", "replace")
    data_set.add_new(0x00331010, "UN", secret + b" " * (len(secret) % 2))
    data_set.add_new(0x00330010, "LO", "ACME HIDDEN")
    answers.append(Planted("(0033,ACME HIDDEN,10)", secret.decode(), "flat"))
    name = values["caret"].encode("ascii", "replace")
    name += b" " * (len(name) % 2)
    nested = struct.pack("<HHI", 0x0010, 0x0010, len(name)) + name
    nested += struct.pack("<HHI", 0x0008, 0x0104, 4) + b"Chst"
    item_bytes = struct.pack("<HHI", 0xFFFE, 0xE000, len(nested)) + nested
    data_set.add_new(0x00331011, "UN", item_bytes)
    answers.append(Planted("(0033,ACME HIDDEN,11)", name.decode().strip(), "caret"))
