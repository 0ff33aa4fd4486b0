"""Which codec a transfer syntax needs, PS3.6 table A-1."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final, NamedTuple

from fastdeid.codecs.codec import Codec
from fastdeid.codecs.jpeg_2000 import HighThroughputCodec, Jpeg2000Codec
from fastdeid.codecs.jpeg_dct import DctCodec
from fastdeid.codecs.jpeg_lossless import LosslessCodec
from fastdeid.codecs.jpeg_ls import JpegLsCodec
from fastdeid.codecs.runs import DeflatedCodec, NativeCodec, RunLengthCodec
from fastdeid.errors import CodecMissingError, DicomError
from fastdeid.pixels.masks import Layout


class _Syntax(NamedTuple):
    """A codec, and the package that it needs, "" for none."""

    codec: type[Codec]
    package: str = ""


_SYNTAXES: Final = {
    "1.2.840.10008.1.2.1.98": _Syntax(NativeCodec),
    "1.2.840.10008.1.2.4.50": _Syntax(DctCodec),
    "1.2.840.10008.1.2.4.51": _Syntax(DctCodec),
    "1.2.840.10008.1.2.4.57": _Syntax(LosslessCodec),
    "1.2.840.10008.1.2.4.70": _Syntax(LosslessCodec),
    "1.2.840.10008.1.2.4.80": _Syntax(JpegLsCodec, "jpeg_ls"),
    "1.2.840.10008.1.2.4.81": _Syntax(JpegLsCodec, "jpeg_ls"),
    "1.2.840.10008.1.2.4.90": _Syntax(Jpeg2000Codec, "imagecodecs"),
    "1.2.840.10008.1.2.4.91": _Syntax(Jpeg2000Codec, "imagecodecs"),
    "1.2.840.10008.1.2.4.201": _Syntax(HighThroughputCodec, "imagecodecs"),
    "1.2.840.10008.1.2.4.202": _Syntax(HighThroughputCodec, "imagecodecs"),
    "1.2.840.10008.1.2.4.203": _Syntax(HighThroughputCodec, "imagecodecs"),
    "1.2.840.10008.1.2.5": _Syntax(RunLengthCodec),
    "1.2.840.10008.1.2.8.1": _Syntax(DeflatedCodec),
}


def is_coded(transfer_syntax_uid: str) -> bool:
    """Tell whether frames of a transfer syntax are coded one by one in a way that is known."""
    return transfer_syntax_uid in _SYNTAXES


def codec_for(transfer_syntax_uid: str, layout: Layout) -> Codec:
    """Return the codec of an instance's frames.

    layout: the Image Pixel attributes as they stand in the data set. Raises CodecMissingError when
    a package is not installed, DicomError for a transfer syntax without a codec here (native,
    video, by reference) or a layout that coded frames do not have.
    """
    syntax = _SYNTAXES.get(transfer_syntax_uid)
    if syntax is None:
        raise DicomError("unsupported_transfer_syntax")
    if syntax.package and find_spec(syntax.package) is None:
        raise CodecMissingError
    return syntax.codec(layout)
