from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageColor

from kseg_video.core.cluster_selectors import BASIC_COLORS
from kseg_video.rendering.color_names import color_names


def name_of(color: str) -> str:
    return color_names(np.array([ImageColor.getrgb(color)[2::-1]], np.uint8))[0]


# CSS names by what people call them.
@pytest.mark.parametrize(
    ("name", "colors"),
    [
        ("red", "red darkred maroon firebrick crimson indianred tomato orangered"),
        ("orange", "orange darkorange coral sandybrown"),
        ("brown", "saddlebrown sienna chocolate peru tan burlywood rosybrown #4c441b #c8a080"),
        ("yellow", "yellow gold khaki darkkhaki goldenrod palegoldenrod"),
        (
            "green",
            "green lime darkgreen olive olivedrab seagreen palegreen darkseagreen chartreuse",
        ),
        ("cyan", "cyan teal darkcyan turquoise lightseagreen paleturquoise"),
        ("blue", "blue navy skyblue steelblue royalblue midnightblue lightsteelblue #bec6d7"),
        ("purple", "purple indigo rebeccapurple darkviolet slateblue plum"),
        ("magenta", "magenta orchid violet"),
        ("pink", "pink hotpink lightpink deeppink palevioletred"),
        ("black", "black #1c1c20 #201818"),
        ("gray", "gray dimgray silver #4f4f51 #6a6560"),
        ("white", "white snow ivory lavender whitesmoke #dcdcdc"),
    ],
)
def test_colors_have_the_names_that_people_give_them(name: str, colors: str) -> None:
    assert {color: name_of(color) for color in colors.split()} == dict.fromkeys(
        colors.split(), name
    )


def test_every_color_has_one_of_the_names() -> None:
    levels = np.arange(0, 256, 15)
    colors = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    assert set(color_names(colors.astype(np.uint8))) == BASIC_COLORS
