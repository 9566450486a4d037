"""Charts of the HTML page: Vega-Lite specs as plain dictionaries, drawn to SVG whose colours are the page's own."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from apigen_ray.records import Json

NOTE = 64
"""Pixels for what stands to the right of a bar."""

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SVG = "http://www.w3.org/2000/svg"
_KEPT = {"class", "d", "fill", "font-size", "font-weight", "height", "stroke", "stroke-dasharray", "stroke-width"}
_KEPT |= {"text-anchor", "transform", "viewBox", "width", "x", "x2", "y", "y2"}
_CONFIG: Json = {
    "background": None,
    "font": "Liberation Sans, Arial, sans-serif",  # what texts are measured with; the page sets its own
    "padding": 2,
    "view": {"stroke": None},
    "axis": {
        **{"labelColor": "var(--ink)", "labelFontSize": 13, "labelPadding": 8, "title": None},
        **{"domain": False, "ticks": False, "gridColor": "var(--rule)"},
    },
    "text": {"color": "var(--quiet)", "fontSize": 13},
}


def shares(groups: Mapping[str, Counter[str]], parts: Sequence[str], notes: Sequence[str]) -> "Chart":
    """A bar for each group, cut into the shares of its parts.

    Args:
        groups: counts by part, in the order of the bars.
        parts: in their order; ``fail_format`` is drawn in the colour ``var(--fail-format)``.
        notes: what stands to the right of each bar.
    """
    return _bars(groups, parts, notes, [sum(counts.values()) or 1 for counts in groups.values()])


def lengths(groups: Mapping[str, Counter[str]], parts: Sequence[str], notes: Sequence[str]) -> "Chart":
    """As `shares`, but that the bars are as long as their counts."""
    longest = max((sum(counts.values()) for counts in groups.values()), default=0) or 1
    return _bars(groups, parts, notes, [longest] * len(groups))


def columns(all_: Mapping[Any, float], some: Mapping[Any, float], labels: Mapping[Any, str]) -> "Chart":
    """A histogram of shares: a column for each number in ``some``, and a line where ``all_`` has it.

    Args:
        all_: shares by number.
        some: the same of a part.
        labels: of the numbers, in their order.
    """
    order = list(labels.values())
    values = [
        {"x": label, "some": some[key], "all": all_[key], "told": f"{label}: {some[key]:.1%} (line: {all_[key]:.1%})"}
        for key, label in labels.items()
    ]
    every = -(-sum(len(label) + 2 for label in order) // 50) or 1  # labels that there is room for
    x = {
        **{"field": "x", "type": "ordinal", "sort": order, "title": None},
        "axis": {"labelAngle": 0, "values": order[::every], "labelOverlap": False},
        "scale": {"paddingInner": 0.25, "paddingOuter": 0.2},
    }
    y = {"type": "quantitative", "axis": {"format": ".0%", "tickCount": 4}, "title": None}
    told = {"field": "told", "type": "nominal"}
    layers = [
        {
            "mark": {"type": "bar", "color": "var(--verified)"},
            "encoding": {"x": x, "y": {**y, "field": "some"}, "description": told},
        },
        {
            "mark": {"type": "tick", "color": "var(--ink)", "thickness": 2},
            "encoding": {"x": x, "y": {**y, "field": "all"}},
        },
    ]
    return Chart({"height": 180, "data": {"values": values}, "layer": layers})


def _bars(
    groups: Mapping[str, Counter[str]], parts: Sequence[str], notes: Sequence[str], wholes: Sequence[int]
) -> "Chart":
    values: list[Json] = []
    for (group, counts), note, whole in zip(groups.items(), notes, wholes, strict=True):
        ends = list(accumulate((counts[part] / whole for part in parts), initial=0.0))
        values += [
            {
                **{"group": group, "part": part, "from": start, "to": end, "note": note},
                "told": f"{counts[part]:,} {part.replace('fail_', 'failed ')}",
            }
            for part, start, end in zip(parts, ends, ends[1:], strict=False)
            if end > start or not start
        ]
    y = {
        **{"field": "group", "type": "nominal", "sort": list(groups), "title": None},
        "scale": {"paddingInner": 0.35, "paddingOuter": 0.1},
    }
    x = {"type": "quantitative", "axis": None, "scale": {"domain": [0, 1], "nice": False}}
    colour = {
        **{"field": "part", "type": "nominal", "legend": None},
        "scale": {"domain": list(parts), "range": [f"var(--{part.replace('_', '-')})" for part in parts]},
    }
    cut = {
        "mark": {"type": "bar", "stroke": "var(--paper)", "strokeWidth": 1},
        "encoding": {
            **{"y": y, "x": {**x, "field": "from"}, "x2": {"field": "to"}, "color": colour},
            "description": {"field": "told", "type": "nominal"},
        },
    }
    words = {
        "transform": [{"aggregate": [{"op": "min", "field": "note", "as": "note"}], "groupby": ["group"]}],
        "mark": {"type": "text", "align": "left", "dx": 8},
        "encoding": {"y": y, "x": {"value": "width"}, "text": {"field": "note", "type": "nominal"}},
    }
    return Chart({"height": {"step": 32}, "data": {"values": values}, "layer": [cut, words]}, NOTE)


def drawable(text: str) -> str:
    """The text without what no ``svg`` can hold (XML 1.0, section 2.2): what draws would end the process for it."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


class Chart:
    """A chart that can be drawn.

    Attributes:
        spec: its Vega-Lite spec, but for the width.
    """

    def __init__(self, spec: Json, right: int = 0) -> None:
        self.spec, self._right = spec, right

    def draw(self, name: str, width: int, css: str) -> str:
        """The chart as an ``svg`` element.

        Args:
            name: what a person who does not see it is told.
            width: pixels from the labels on the left to the notes on the right.
            css: its class.
        """
        import vl_convert

        config = {**_CONFIG, "axisY": {"labelLimit": width * 0.3}}
        fit = {"type": "fit-x", "contains": "padding"}
        spec = {**self.spec, "width": width - self._right, "autosize": fit, "config": config}
        drawn = vl_convert.vegalite_to_svg({"$schema": "https://vega.github.io/schema/vega-lite/v5.json", **spec})
        root = ET.fromstring(drawn)  # noqa: S314 - it is what we have just drawn
        _clean(root)
        root.attrib = {"viewBox": root.attrib["viewBox"], "class": css, "role": "img", "aria-label": name}
        ET.register_namespace("", _SVG)
        return ET.tostring(root, encoding="unicode").replace(f' xmlns="{_SVG}"', "", 1)


def _clean(node: ET.Element) -> None:
    """Takes out what shows nothing, and every attribute but those of `_KEPT`."""
    for child in list(node):
        if child.get("opacity") == "0" or child.get("class") in ("background", "foreground"):
            node.remove(child)
            continue
        if child.get("aria-roledescription") == "bar":  # the chart has one name for all; a mouse is told each number
            ET.SubElement(child, f"{{{_SVG}}}title").text = child.get("aria-label")
        _clean(child)
    node.attrib = {key: value for key, value in node.attrib.items() if key in _KEPT}
