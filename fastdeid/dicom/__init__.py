"""DICOM bytes: PS3.5 and PS3.10."""
