"""De-identification of DICOM archives at about the speed of a copy, PS3.15 Annex E."""

__version__ = "0.1.0"
