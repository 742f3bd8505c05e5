# SPDX-License-Identifier: MIT
"""The three charts. Each takes what it shows as plain values and returns an <svg>."""
from dataclasses import dataclass, field

from report import svg
from report.results import QUANTILES, duration, per_s
from report.style import ALONE, color_of, dash_of

WIDTH = 920
LABELS = 288           # width of the servers' names beside bars
ROW = 46               # height of a server's bars
BESIDE = 268           # room for names at the right end of lines
HEIGHT = 330           # of a chart with lines
NAME_GAP = 15          # between two such names
SHARE_TOP = 1.25       # of a server's own maximum, the top of the goodput's axis


@dataclass
class Row:
    """A server's rates beside each other; None where one was not measured."""
    key: str
    title: str
    durability: str
    durable: bool
    rates: list = field(default_factory=list)  # as Results.rate gives them


@dataclass
class Line:
    """One server's line; @note stands behind its name."""
    key: str
    title: str
    note: str
    points: list


def _color(key):
    return f"--c:var({color_of(key)})"


# Rates


def rates(rows, headings, title, alone=False):
    """A row per server, a panel of logarithmic bars per heading. @alone: for a file of its own."""
    top, bottom = 48, 34
    height = top + ROW * len(rows) + bottom
    gap = 26
    width = (WIDTH - LABELS - gap * len(headings)) / len(headings)
    parts = [svg.tag("style", ALONE), svg.tag("rect", x=0.5, y=0.5, width=WIDTH - 1,
                                              height=height - 1, rx=8, class_="ground")] \
        if alone else []
    parts.append(svg.tag("defs", _hatching()))
    parts += [_names(row, top + ROW * i) for i, row in enumerate(rows)]
    for i, heading in enumerate(headings):
        left = LABELS + gap + (width + gap) * i
        column = [(row, row.rates[i]) for row in rows]
        parts.append(_panel(column, heading, left, width - gap, top, height - bottom))
    parts.append(svg.text("logarithmic; hatched: not durable when acknowledged", LABELS + gap,
                          height - 4, "note") if not alone else
                 svg.text("Transactions per second, logarithmic. Hatched: the ACK is given before "
                          "the lease is on disk.", 14, height - 8, "note"))
    return svg.document(WIDTH, height, *parts, title=title)


def _hatching():
    return svg.tag("pattern", svg.tag("path", d="M0,8 8,0", class_="hatch"), id="hatch", width=8,
                   height=8, patternUnits="userSpaceOnUse")


def _names(row, y):
    return (svg.text(row.title, 14, y + 19, "name") +
            svg.text(row.durability, 14, y + 34, "note"))


def _panel(column, heading, left, width, top, bottom):
    medians = [rate["median"] for _, rate in column if rate]
    scale = svg.Log(medians, left, left + width, room=6)
    parts = [svg.text(heading, left, 20, "head")]
    for tick in scale.ticks():
        x = scale(tick)
        parts += [svg.tag("line", x1=x, x2=x, y1=top - 6, y2=bottom, class_="grid"),
                  svg.text(_power(tick), x, top - 11, "tick", text_anchor="middle")]
    for i, (row, rate) in enumerate(column):
        parts.append(_bar(row, rate, scale, top + ROW * i + 9))
    return "".join(parts)


def _bar(row, rate, scale, y):
    height = ROW - 22
    if not rate:
        return svg.text("not measured", scale.start + 6, y + height / 2 + 4, "note")
    end = max(scale(rate["median"]), scale.start + 2)
    box = {"x": scale.start, "y": y, "width": end - scale.start, "height": height, "rx": 2}
    parts = [svg.tag("rect", class_="bar", **box)]
    if not row.durable:
        parts += [svg.tag("rect", fill="url(#hatch)", **box),
                  svg.tag("rect", class_="outline", **box)]
    low, high = scale(rate["low"]), scale(rate["high"])
    middle = y + height / 2
    parts.append(svg.tag("line", x1=low, x2=high, y1=middle, y2=middle, class_="range"))
    parts.append(svg.text(per_s(rate["median"]), max(end, high) + 6, middle + 4, "value"))
    return svg.tag("g", *parts, style=_color(row.key))


def _power(value):
    """1, 10, 100, 1 k, 10 k, 100 k, 1 M."""
    for limit, unit in ((1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:g}{unit}"
    return f"{value:g}"


# Lines


def latencies(lines, title):
    """Percentile curves: each line has a latency in microseconds for every one of QUANTILES."""
    left, top, bottom = 64, 16, HEIGHT - 40
    right = WIDTH - BESIDE
    lines = [line for line in lines if line.points]
    y = svg.Log([value for line in lines for value in line.points], bottom, top, room=1.4)
    step = (right - left) / (len(QUANTILES) - 1)
    parts = []
    for tick in y.ticks():
        parts += _level(y(tick), left, right, duration(tick))
    for i, quantile in enumerate(QUANTILES):
        x = left + step * i
        label = "maximum" if quantile == "max" else f"{quantile[1:]} %"
        parts += [svg.tag("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"),
                  svg.text(label, x, bottom + 18, "tick", text_anchor="middle")]
    parts.append(svg.text("of the transactions took no longer", (left + right) / 2, bottom + 34,
                          "note", text_anchor="middle"))
    drawn = [(line, [(left + step * i, y(value)) for i, value in enumerate(line.points)])
             for line in lines]
    return svg.document(WIDTH, HEIGHT, *parts, *_lines(drawn, right, top, bottom, dots=True),
                        title=title)


def goodput(lines, title):
    """Shares of each server's own maximum over time: points are (seconds, share)."""
    left, top, bottom = 64, 16, HEIGHT - 40
    right = WIDTH - BESIDE
    lines = [line for line in lines if line.points]
    seconds = max((line.points[-1][0] for line in lines), default=1.0)
    x, y = svg.Linear(0, seconds, left, right), svg.Linear(0, SHARE_TOP, bottom, top)
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1, 1.25):
        parts += _level(y(tick), left, right, f"{tick:.0%}", "rule" if tick == 1 else "grid")
    for tick in x.ticks(10):
        parts.append(svg.text(f"{tick:g} s", x(tick), bottom + 18, "tick", text_anchor="middle"))
    parts.append(svg.text("since the overload began", (left + right) / 2, bottom + 34, "note",
                          text_anchor="middle"))
    drawn = [(line, [(x(at), y(share)) for at, share in line.points]) for line in lines]
    return svg.document(WIDTH, HEIGHT, *parts, *_lines(drawn, right, top, bottom), title=title)


def _level(y, left, right, label, class_="grid"):
    return [svg.tag("line", x1=left, x2=right, y1=y, y2=y, class_=class_),
            svg.text(label, left - 8, y + 4, "tick", text_anchor="end")]


def _lines(drawn, right, top, bottom, dots=False):
    """The lines, and each one's name where it ends, moved apart where names would overlap."""
    places = svg.spread([points[-1][1] for _, points in drawn], NAME_GAP, top + 4, bottom)
    for (line, points), at in zip(drawn, places):
        end_x, end_y = points[-1]
        parts = [svg.path(points, class_="line", stroke_dasharray=dash_of(line.key))]
        if dots:
            parts += [svg.tag("circle", cx=px, cy=py, r=3, class_="dot") for px, py in points]
        parts += [svg.path([(end_x + 5, end_y), (right + 14, at)], class_="lead"),
                  _end_label(line, right + 18, at + 4)]
        yield svg.tag("g", *parts, style=_color(line.key))


def _end_label(line, x, y):
    note = svg.tag("tspan", svg.escape(line.note), class_="note", dx=6)
    return svg.tag("text", svg.escape(line.title), note, x=x, y=y,
                   style=f"fill:var({color_of(line.key)})")
