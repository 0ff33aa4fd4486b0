"""The attributes of the data set itself that deciding, naming and the manifest need."""

from __future__ import annotations

from typing import Final

import numpy as np

from fastdeid import tags

_TAGS: Final = {
    "specific_character_set": tags.SPECIFIC_CHARACTER_SET,
    "image_type": tags.IMAGE_TYPE,
    "sop_class_uid": tags.SOP_CLASS_UID,
    "sop_instance_uid": tags.SOP_INSTANCE_UID,
    "accession_number": tags.ACCESSION_NUMBER,
    "modality": tags.MODALITY,
    "referenced_series_sequence": tags.REFERENCED_SERIES_SEQUENCE,
    "other_studies_sequence": tags.STUDIES_CONTAINING_OTHER_REFERENCED_INSTANCES_SEQUENCE,
    "manufacturer": tags.MANUFACTURER,
    "manufacturer_model_name": tags.MANUFACTURER_MODEL_NAME,
    "patient_name": tags.PATIENT_NAME,
    "patient_id": tags.PATIENT_ID,
    "issuer_of_patient_id": tags.ISSUER_OF_PATIENT_ID,
    "patient_birth_date": tags.PATIENT_BIRTH_DATE,
    "patient_sex": tags.PATIENT_SEX,
    "patient_age": tags.PATIENT_AGE,
    "study_date": tags.STUDY_DATE,
    "body_part_examined": tags.BODY_PART_EXAMINED,
    "slice_thickness": tags.SLICE_THICKNESS,
    "study_instance_uid": tags.STUDY_INSTANCE_UID,
    "series_instance_uid": tags.SERIES_INSTANCE_UID,
    "series_number": tags.SERIES_NUMBER,
    "instance_number": tags.INSTANCE_NUMBER,
    "frame_of_reference_uid": tags.FRAME_OF_REFERENCE_UID,
    "samples_per_pixel": tags.SAMPLES_PER_PIXEL,
    "photometric_interpretation": tags.PHOTOMETRIC_INTERPRETATION,
    "number_of_frames": tags.NUMBER_OF_FRAMES,
    "rows": tags.ROWS,
    "columns": tags.COLUMNS,
    "pixel_spacing": tags.PIXEL_SPACING,
    "bits_allocated": tags.BITS_ALLOCATED,
    "bits_stored": tags.BITS_STORED,
    "mime_type_of_encapsulated_document": tags.MIME_TYPE_OF_ENCAPSULATED_DOCUMENT,
    "float_pixel_data": tags.FLOAT_PIXEL_DATA,
    "double_float_pixel_data": tags.DOUBLE_FLOAT_PIXEL_DATA,
    "pixel_data": tags.PIXEL_DATA,
}
_ASCENDING: Final = dict(sorted(_TAGS.items(), key=lambda pair: pair[1]))

# Ascending, for `find_rows`; the last three are the kinds of pixel data.
WANTED: Final = np.array(list(_ASCENDING.values()), np.int64)
WANTED.setflags(write=False)
N_PIXEL_DATA: Final = 3

# Position of each attribute in WANTED.
PLACE: Final = {name: place for place, name in enumerate(_ASCENDING)}

# The two that are new in every instance, and those that are the same all over a series.
OWN: Final = ("sop_instance_uid", "instance_number")
COMMON: Final = tuple(name for name in list(PLACE)[:-N_PIXEL_DATA] if name not in OWN)
COMMON_PLACES: Final = np.array([PLACE[name] for name in COMMON], np.int64)
COMMON_PLACES.setflags(write=False)
