"""Clean Graphics: words of presentation states are cleaned, geometry stays (PS3.15 E.3.3)."""

from __future__ import annotations

from fastdeid import graphics
from tests.content.finding import changes, read, rows_of, told
from tests.scenarios.studies import code, item


def state() -> list[str]:
    text = item(UnformattedTextValue="Mrs. Doe", AnchorPoint=[1.0, 1.0])
    kind = code("1", "DCM", "Ruler")
    ruler = item(
        CompoundGraphicType="RULER",
        MajorTicksSequence=[item(TickPosition=1.0, TickLabel="DOE")],
        GraphicGroupID=1,
    )
    shape = item(GraphicDimensions=2, GraphicData=[1.0, 1.0], GraphicType="POINT")
    annotation = item(
        GraphicLayer="NAMES",
        TextObjectSequence=[text],
        GraphicObjectSequence=[shape],
        CompoundGraphicSequence=[ruler],
        ReferencedImageSequence=[item(PurposeOfReferenceCodeSequence=kind)],
    )
    data_set = item(
        ContentLabel="STATE",
        GraphicAnnotationSequence=[annotation],
        GraphicLayerSequence=[item(GraphicLayer="NAMES", GraphicLayerDescription="of Mrs. Doe")],
        GraphicGroupSequence=[
            item(GraphicGroupLabel="DOE", GraphicGroupDescription="Doe", GraphicGroupID=1)
        ],
    )
    return list(told(changes(graphics.find, read(data_set))))


def test_words_are_cleaned_wherever_they_stand_in_the_graphics() -> None:
    at = "GraphicAnnotationSequence.1"
    assert state() == [
        f"{at}.TextObjectSequence.1.UnformattedTextValue: clean",
        f"{at}.CompoundGraphicSequence.1.MajorTicksSequence.1.TickLabel: clean",
        "GraphicLayerSequence.1.GraphicLayerDescription: clean",
        "GraphicGroupSequence.1.GraphicGroupLabel: clean",
        "GraphicGroupSequence.1.GraphicGroupDescription: clean",
    ]


def test_what_is_removed_already_stays_removed() -> None:
    text = item(TextObjectSequence=[item(UnformattedTextValue="Mrs. Doe")])
    reader = read(item(GraphicAnnotationSequence=[text]))
    reader.table[:, 8] = 1
    assert graphics.find(reader, rows_of(reader)) == []
