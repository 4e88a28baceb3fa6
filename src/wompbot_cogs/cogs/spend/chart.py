"""A month's spending as a picture. The only file that knows matplotlib, which the extra ``charts`` brings."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any

from wompcore.costs import Forecast
from wompcore.money import ZERO, Usd, show_usd
from wompcore.text import bound, clean_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 8
"""Bars that a picture holds at most; so it is never taller than it is wide."""

# Discord draws a picture on light and on dark alike, so it brings its own ground. On it each text has a
# contrast of 7 to 1 or more (WCAG 2.2, 1.4.6); the blue is Okabe and Ito's, safe for the colour-blind.
_CARD, _EDGE, _GRID = "#202225", "#4e5058", "#3b3d44"
_TEXT, _MUTED, _BAR = "#f2f3f5", "#b5bac1", "#56b4e9"
_FONT = "DejaVu Sans"  # comes with matplotlib
_DPI = 150
# In inches.
_WIDTH, _PAD, _HEADER, _DAYS, _TITLE, _ROW = 8.0, 0.4, 1.05, 2.3, 0.65, 0.42
_NAMES, _CHAR = 2.6, 0.11  # a digit of 12 points
_SHORT_TOTAL = 10
_LEAST = Decimal("1e-12")  # what cost nothing can be compared with it


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn.

    Args:
        title: Above the total: the month, and what it covers.
        total: What was spent.
        title_of_rows: What the rows are.
        rows: Names and amounts, the largest first; those beyond the first eight are left out.
        today: The last day that anything is known of.
        days: What each day of the month cost; empty to draw none.
        forecast: What the month will come to.
    """

    title: str
    total: Usd
    title_of_rows: str
    rows: tuple[tuple[str, Usd], ...]
    today: date
    days: Mapping[date, Usd] = field(default_factory=dict)
    forecast: Forecast | None = None


def can_draw() -> bool:
    """Return whether the extra is installed."""
    return find_spec("matplotlib") is not None


def draw(picture: Picture) -> bytes:
    """Return a picture as PNG, 1,200 pixels wide. Slow, so call it in a thread."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = picture.rows[:MOST_ROWS]
    below = _TITLE + _ROW * len(rows) - _ROW / 2 if rows else 0.0
    height = 2 * _PAD + _HEADER + (_DAYS if picture.days else 0.0) + below
    canvas = FigureCanvasAgg(Figure(figsize=(_WIDTH, height), dpi=_DPI))
    # One surface measured in inches from the lower left corner.
    axes = canvas.figure.add_axes((0, 0, 1, 1), xlim=(0, _WIDTH), ylim=(0, height))
    axes.set_axis_off()
    _Drawing(axes).everything(picture, rows, height)
    file = BytesIO()
    canvas.figure.savefig(file, format="png", transparent=True)
    return file.getvalue()


class _Drawing:
    def __init__(self, axes: Axes) -> None:
        from matplotlib.font_manager import findfont, get_font

        self._axes = axes
        self._glyphs = get_font(findfont(_FONT)).get_charmap()

    def everything(self, picture: Picture, rows: tuple[tuple[str, Usd], ...], height: float) -> None:
        self._card(height)
        top = height - _PAD
        self._header(picture, top)
        top -= _HEADER
        if picture.days:
            self._days(picture, top)
            top -= _DAYS
        if rows:
            self._text(_PAD, top - 0.2, picture.title_of_rows, 13, _MUTED)
            self._rows(rows, top - _TITLE)

    def _card(self, height: float) -> None:
        from matplotlib.patches import FancyBboxPatch

        edge = 0.02
        shape = "round,pad=0,rounding_size=0.18"
        size = (_WIDTH - 2 * edge, height - 2 * edge)
        self._axes.add_patch(FancyBboxPatch((edge, edge), *size, boxstyle=shape, fc=_CARD, ec=_EDGE, lw=1))

    def _header(self, picture: Picture, top: float) -> None:
        self._text(_PAD, top - 0.12, picture.title, 13, _MUTED, wide=_WIDTH - 2 * _PAD)
        total = show_usd(picture.total)
        size = 30 if len(total) <= _SHORT_TOTAL else 18  # beside it stands the forecast
        self._text(_PAD, top - 0.6, total, size, _TEXT, weight="bold")
        if picture.forecast is not None:
            seen, right = picture.forecast, _WIDTH - _PAD
            expected = f"forecast for the month: {show_usd(seen.expected)}"
            between = f"8 times in 10: {show_usd(seen.low)} to {show_usd(seen.high)}"
            self._text(right, top - 0.46, expected, 13, _TEXT, ha="right")
            self._text(right, top - 0.76, between, 12, _MUTED, ha="right")

    def _days(self, picture: Picture, top: float) -> None:
        today = picture.today
        last = monthrange(today.year, today.month)[1]
        costs = [picture.days.get(today.replace(day=day), ZERO) for day in range(1, today.day + 1)]
        highest = max(*costs, _LEAST)
        floor, room = top - _DAYS + 0.55, _DAYS - 0.85
        step = (_WIDTH - 2 * _PAD) / last
        rule = partial(self._axes.plot, solid_capstyle="butt", zorder=1)
        for part in (0, 1):
            rule([_PAD, _WIDTH - _PAD], [floor + part * room] * 2, color=_GRID, lw=1)
        self._text(_PAD, floor + room + 0.14, f"{show_usd(max(costs))} on the dearest day", 11, _MUTED)
        if picture.forecast:
            costs += [picture.forecast.a_day] * (last - today.day)  # no more than the dearest day
        for day, cost in enumerate(costs, start=1):
            tall = room * float(cost / highest)
            self._bar(_PAD + (day - 0.9) * step, floor, step * 0.8, tall, known=day <= today.day)
        for day in range(1, last + 1, 7):
            self._text(_PAD + (day - 0.5) * step, floor - 0.18, f"{day}", 11, _MUTED, ha="center")

    def _rows(self, rows: tuple[tuple[str, Usd], ...], top: float) -> None:
        values = _CHAR * max(len(show_usd(cost)) for _, cost in rows)
        left, room = _PAD + _NAMES, _WIDTH - 2 * _PAD - _NAMES - values
        highest = max(*(cost for _, cost in rows), _LEAST)
        for number, (name, cost) in enumerate(rows):
            middle = top - _ROW * number
            long = room * float(cost / highest)
            self._text(_PAD, middle, name, 13, _TEXT, wide=_NAMES - 0.15)
            self._bar(left, middle - 0.12, long, 0.24, known=True)
            self._text(left + long + 0.1, middle, show_usd(cost), 12, _MUTED)

    def _bar(self, left: float, bottom: float, wide: float, tall: float, *, known: bool) -> None:
        from matplotlib.patches import Rectangle

        bar = Rectangle((left, bottom), wide, tall, zorder=2, fc=_BAR if known else "none", lw=0)
        if not known:
            bar.set(ec=_BAR, lw=1.1, ls=(0, (2, 2)))
        self._axes.add_patch(bar)

    def _text(
        self, x: float, y: float, text: str, size: int, color: str, *, wide: float = _WIDTH, **style: Any
    ) -> None:
        # One line of what the font has; a box stands for the rest.
        text = "".join(char if ord(char) in self._glyphs else "□" for char in clean_name(text))
        style = {"family": _FONT, "size": size, "color": color, "va": "center", **style}
        shown = self._axes.text(x, y, text, parse_math=False, **style)
        while shown.get_window_extent().width > wide * _DPI and len(text) > 1:
            text = bound(text, len(text) - 1)
            shown.set_text(text)
