# SPDX-License-Identifier: MIT
"""As much of SVG as the charts need: elements that are strings, scales, ticks."""
import html
import math


def escape(text):
    return html.escape(str(text), quote=True)


def tag(name, *children, **attributes):
    """An element with markup as children; class_ is class, stroke_width is stroke-width."""
    words = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(number(value))}"'
                    for key, value in attributes.items() if value is not None)
    return f"<{name}{words}>{''.join(children)}</{name}>" if children else f"<{name}{words}/>"


def text(words, x, y, class_=None, **attributes):
    return tag("text", escape(words), x=x, y=y, class_=class_, **attributes)


def number(value):
    """Coordinates to a tenth of a pixel."""
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def document(width, height, *children, title):
    """The <svg>; @title is what is read aloud."""
    return tag("svg", tag("title", escape(title)), *children, xmlns="http://www.w3.org/2000/svg",
               viewBox=f"0 0 {width} {height}", width=width, height=height, role="img",
               class_="chart")


def path(points, **attributes):
    """A line through (x, y) points."""
    steps = " ".join(f"{'L' if i else 'M'}{number(float(x))},{number(float(y))}"
                     for i, (x, y) in enumerate(points))
    return tag("path", d=steps, **attributes)


class Linear:
    """A scale from [low, high] to [start, end]; what is beyond is brought to the nearer end."""

    def __init__(self, low, high, start, end):
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value):
        share = (self._place(min(max(value, self.low), self.high)) - self._place(self.low)) / (
            self._place(self.high) - self._place(self.low))
        return self.start + share * (self.end - self.start)

    @staticmethod
    def _place(value):
        return value

    def ticks(self, count=5):
        """Round values, about @count of them."""
        step = 10 ** math.floor(math.log10((self.high - self.low) / count))
        step *= next((m for m in (1, 2, 5) if (self.high - self.low) / (step * m) <= count), 10)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [n * step for n in range(first, last + 1)]


class Log(Linear):
    """The same by powers of ten, from the one below the least value to @room times the largest."""

    def __init__(self, values, start, end, room=1.0):
        values = [value for value in values if value > 0] or [1.0, 10.0]
        low = 10.0 ** math.floor(math.log10(min(values)))
        super().__init__(low, max(max(values) * room, low * 10), start, end)

    @staticmethod
    def _place(value):
        return math.log10(value)

    def ticks(self, count=None):
        first, last = math.log10(self.low), math.log10(self.high)
        return [10.0 ** n for n in range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1)]


def spread(wanted, gap, low, high):
    """Positions near the @wanted ones, at least @gap apart and within [low, high] if they fit."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed, at = [0.0] * len(wanted), low
    for i in order:
        placed[i] = at = max(wanted[i], at)
        at += gap
    at = high
    for i in reversed(order):
        placed[i] = at = min(placed[i], at)
        at -= gap
    return placed
