"""Coded frames of Pixel Data: decoded, and masked in their own syntax, PS3.5 annex A.4."""

from fastdeid.codecs.codec import Codec
from fastdeid.codecs.syntaxes import codec_for, is_coded

__all__ = ["Codec", "codec_for", "is_coded"]
