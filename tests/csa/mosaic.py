"""A diffusion series of Siemens as mosaics, as far as a converter looks at it."""

from __future__ import annotations

import math
import struct

from tests import builders as b
from tests.csa.building import PHYSICS, Tag, csa, integers, reals

MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
TILE, N_TILES = 16, 2
TIMES = (0.0, 500.0, 1000.0, 1500.0)

PROTOCOL = (
    '<XProtocol>\n{\n  <ParamString."PatientName"> { "DOE^JANE" }\n}\n'
    "### ASCCONV BEGIN object=MrProtDataImpl@MrProtocolData version=41310008 ###\n"
    "ulVersion                                = 0x14b44b6\n"
    'tSequenceFileName                        = ""%SiemensSeq%\\\\ep2d_diff""\n'
    'tProtocolName                            = ""DOE JANE DTI""\n'
    "sPat.lAccelFactPE                        = 2\n"
    "sPat.ucRefScanMode                       = 0x4\n"
    "sKSpace.lPhaseEncodingLines              = 128\n"
    "sSliceArray.lSize                        = 4\n"
    "sSliceArray.ucMode                       = 0x4\n"
    "sPatient.lBirthYear                      = 1962\n"
    "alTR[0]                                  = 6600000\n"
    "### ASCCONV END ###\n"
)


def image_header(b_value: int, number: int = 0) -> bytes:
    """Return the CSA image header of one volume, with a name in it."""
    angle = 0.4 * number
    direction = (math.cos(angle), math.sin(angle), 0.0)
    diffusion = {
        "B_value": integers(b_value),
        "DiffusionGradientDirection": reals(*direction) if b_value else [],
        "B_matrix": reals(250, -250, 353.5, 250, -353.5, 500) if b_value else [],
        "DiffusionDirectionality": [b"DIRECTIONAL\0" if b_value else b"NONE\0"],
        "MosaicRefAcqTimes": reals(*TIMES),
    }
    tags = [
        tag._replace(values=diffusion.get(tag.name, tag.values), garbage=b"DOE") for tag in PHYSICS
    ]
    return csa([*tags, Tag("PatientComment", "LT", [b"DOE^JANE 1962"])])


def series_header(protocol: str = PROTOCOL) -> bytes:
    """Return the CSA series header with a protocol."""
    return csa(
        [
            Tag("UsedPatientWeight", "DS", reals(81.5)),
            Tag("MrProtocolVersion", "IS", integers(41310008)),
            Tag("MrPhoenixProtocol", "UN", [protocol.encode() + b"\0"]),
        ]
    )


def mosaic(number: int, b_value: int, image: bytes | None, series: bytes | None) -> bytes:
    """Return the file of one volume; `image` and `series` are CSA headers, None for none."""
    side = TILE * N_TILES
    pixels = struct.pack(f"<{side * side}H", *(index % 997 for index in range(side * side)))

    def private(tag: int, value: bytes | None) -> bytes:
        return b"" if value is None else b.element(tag, "OB", value + bytes(len(value) % 2))

    return b.part10(
        b.text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\M\\ND\\NORM\\MOSAIC")
        + b.text(0x00080016, "UI", MR_IMAGE_STORAGE)
        + b.text(0x00080018, "UI", f"1.2.826.0.1.3680043.10.7.{number}")
        + b.text(0x00080020, "DA", "20200131")
        + b.text(0x00080031, "TM", "101010")
        + b.text(0x00080032, "TM", f"1010{10 + number}.000000")
        + b.text(0x00080060, "CS", "MR")
        + b.text(0x00080070, "LO", "SIEMENS")
        + b.text(0x0008103E, "LO", "ep2d_diff")
        + b.text(0x00081090, "LO", "TrioTim")
        + b.text(0x00100010, "PN", "DOE^JANE")
        + b.text(0x00100020, "LO", "8675309")
        + b.text(0x00180020, "CS", "EP")
        + b.text(0x00180021, "CS", "SK\\SP")
        + b.text(0x00180023, "CS", "2D")
        + b.text(0x00180024, "SH", "*ep_b0")
        + b.text(0x00180050, "DS", "2.5")
        + b.text(0x00180080, "DS", "6600")
        + b.text(0x00180081, "DS", "93")
        + b.text(0x00180087, "DS", "3")
        + b.text(0x00180088, "DS", "3")
        + b.text(0x00181020, "LO", "syngo MR B17")
        + b.number(0x00181310, "US", 0, TILE, TILE, 0)
        + b.text(0x00181312, "CS", "COL")
        + b.text(0x0020000D, "UI", "1.2.826.0.1.3680043.10.7.100")
        + b.text(0x0020000E, "UI", "1.2.826.0.1.3680043.10.7.101")
        + b.text(0x00200011, "IS", "5")
        + b.text(0x00200012, "IS", str(number))
        + b.text(0x00200013, "IS", str(number))
        + b.text(0x00200032, "DS", "-100\\-100\\-50")
        + b.text(0x00200037, "DS", "1\\0\\0\\0\\1\\0")
        + b.text(0x00200052, "UI", "1.2.826.0.1.3680043.10.7.102")
        + b.number(0x00280002, "US", 1)
        + b.text(0x00280004, "CS", "MONOCHROME2")
        + b.number(0x00280010, "US", side)
        + b.number(0x00280011, "US", side)
        + b.text(0x00280030, "DS", "2\\2")
        + b.number(0x00280100, "US", 16)
        + b.number(0x00280101, "US", 12)
        + b.number(0x00280102, "US", 11)
        + b.number(0x00280103, "US", 0)
        + b.text(0x00290010, "LO", "SIEMENS CSA HEADER")
        + private(0x00291010, image)
        + private(0x00291020, series)
        + b.element(0x7FE00010, "OW", pixels)
    )
