"""One tracked figure over the commits: where its level changed, and how it is drawn."""

import re
from dataclasses import dataclass

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: E402

import compare  # noqa: E402
import history  # noqa: E402
from change_points import change_points  # noqa: E402
from drawing import svg_text  # noqa: E402
from page import number_text  # noqa: E402
from theme import LIGHT, RC  # noqa: E402
from tracked import KINDS, Figure, Tracked  # noqa: E402

SMALL_INCHES = (3.3, 0.75)
WIDE_INCHES = (9.6, 3.4)
NARROW_INCHES = (3.7, 2.9)


@dataclass(frozen=True)
class Timeline:
    figure: Figure
    records: tuple[history.Record, ...]
    values: tuple[float, ...]
    changes: tuple[int, ...]  # where a new level begins, in order

    @property
    def slug(self) -> str:
        return re.sub(
            r"[^A-Za-z0-9]+", "-", f"{self.figure.kind}-{self.figure.name}"
        ).strip("-")

    @property
    def last_change(self) -> int | None:
        return self.changes[-1] if self.changes else None

    def before(self, change: int) -> float:
        """The level that the change ended; of times the median."""
        begin = max((c for c in self.changes if c < change), default=0)
        return self._level(begin, change)

    def after(self, change: int) -> float:
        end = min((c for c in self.changes if c > change), default=len(self.values))
        return self._level(change, end)

    def _level(self, begin: int, end: int) -> float:
        if self.figure.kind != "timed":
            return self.values[end - 1]
        ordered = sorted(self.values[begin:end])
        return ordered[len(ordered) // 2]

    def ratio(self, change: int) -> float:
        before = self.before(change)
        now = self.after(change) if self.figure.kind == "timed" else self.values[change]
        return now / before if before else float("inf")

    def percent(self, change: int) -> str:
        ratio = self.ratio(change)
        return "from 0" if ratio == float("inf") else f"{100 * (ratio - 1):+.2f} %"

    def is_worse_at(self, change: int) -> bool:
        return (self.ratio(change) > 1) == (self.figure.better == "lower")

    def why(self, index: int) -> str | None:
        if index not in self.changes:
            return None
        return self.records[index].acknowledged.get(self.figure.key)

    @property
    def is_worse_now(self) -> bool:
        """Did the last change make it worse, with nobody having said why?"""
        change = self.last_change
        return (
            change is not None and self.is_worse_at(change) and self.why(change) is None
        )

    @property
    def worsening(self) -> float:
        """For the order of the page: how much worse the last change made it."""
        change = self.last_change
        if change is None:
            return 0.0
        size = abs(self.ratio(change) - 1)
        return size if self.is_worse_at(change) else -size


def timelines(tracked: Tracked, records: list[history.Record]) -> list[Timeline]:
    """Of all figures that the last record has, the worst first."""
    found = []
    for kind in KINDS:
        for name in getattr(records[-1], kind) if records else ():
            of = history.series(records, kind, name)
            if kind == "timed":
                of = [(r, v) for r, v in of if r.machine == records[-1].machine]
            values = tuple(value for _, value in of)
            found.append(
                Timeline(
                    tracked.figure(kind, name),
                    tuple(record for record, _ in of),
                    values,
                    tuple(_changes(kind, values)),
                )
            )
    return sorted(
        found, key=lambda c: (not c.is_worse_now, -c.worsening, c.figure.title)
    )


def _changes(kind: str, values: tuple[float, ...]) -> list[int]:
    if kind == "timed":
        return change_points(list(values))
    changed = []
    level = values[0]
    for index, value in enumerate(values):
        # Against the level, not the value before: many small steps make a large one.
        if not compare.is_same(kind, level, value):
            changed.append(index)
            level = value
    return changed


def draw_small(one: Timeline) -> str:
    with plt.rc_context({**RC, "svg.hashsalt": "shoal"}):
        figure, axes = plt.subplots(figsize=SMALL_INCHES)
        figure.subplots_adjust(left=0.02, right=0.98, bottom=0.08, top=0.92)
        _plot(one, axes)
        _set_limits(axes, one.values)
        axes.set_axis_off()
        return svg_text(figure)


def draw_large(one: Timeline, narrow: bool) -> str:
    with plt.rc_context({**RC, "svg.hashsalt": "shoal"}):
        figure, axes = plt.subplots(
            figsize=NARROW_INCHES if narrow else WIDE_INCHES, layout="constrained"
        )
        _plot(one, axes)
        lows, highs = one.values, one.values
        if one.figure.kind == "timed":
            spread = [record.timed[one.figure.name] for record in one.records]
            lows, highs = [of["low"] for of in spread], [of["high"] for of in spread]
            axes.fill_between(
                range(len(spread)), lows, highs, color=LIGHT["warm"], alpha=0.25, lw=0
            )
        _set_limits(axes, [*lows, *highs])
        axes.set_ylabel(one.figure.unit)
        axes.yaxis.set_major_formatter(
            FuncFormatter(lambda value, _: number_text(value))
        )
        axes.xaxis.set_major_locator(MaxNLocator(4 if narrow else 9, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _commit(one, x)))
        return svg_text(figure)


def _commit(one: Timeline, x: float) -> str:
    index = round(x)
    return one.records[index].commit[:7] if 0 <= index < len(one.records) else ""


def _plot(one: Timeline, axes) -> None:
    xs = range(len(one.values))
    style = "default" if one.figure.kind == "timed" else "steps-mid"
    axes.plot(xs, one.values, "-", color=LIGHT["c1"], drawstyle=style)
    axes.plot(len(one.values) - 1, one.values[-1], "o", color=LIGHT["c1"], ms=4)
    for change in one.changes:
        colour = LIGHT["bad"] if one.is_worse_at(change) else LIGHT["good"]
        axes.axvline(change - 0.5, color=colour, lw=1, ls=(0, (3, 2)))
    axes.set_xlim(-0.6, len(one.values) - 0.4)


def _set_limits(axes, values) -> None:
    low, high = min(values), max(values)
    # Changes of a thousandth should not look like cliffs.
    middle, room = (low + high) / 2, max((high - low) * 0.65, abs(high) * 0.02, 1e-9)
    axes.set_ylim(middle - room, middle + room)
