"""The figures of a run. Each is a function that draws on an Axes and says how to read it.

Every figure is drawn twice: wide, and narrow for a phone, with type of the same size.
"""

from collections.abc import Callable
from dataclasses import dataclass

import matplotlib

matplotlib.use("svg")

import numpy as np  # noqa: E402
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.ticker import (  # noqa: E402
    FuncFormatter,
    MaxNLocator,
    PercentFormatter,
    StrMethodFormatter,
)
from matplotlib.transforms import ScaledTranslation  # noqa: E402

from drawing import svg_text  # noqa: E402
from run_data import BadRun, Run, Series  # noqa: E402
from theme import CATEGORIES, LIGHT, RC  # noqa: E402

WIDE_INCHES = (7.6, 3.1)
NARROW_INCHES = (3.7, 2.9)


@dataclass(frozen=True)
class Figure:
    name: str
    title: str
    how_to_read: str
    wide_svg: str
    narrow_svg: str


class NothingToDraw(Exception):
    """The run has no data for a figure."""


def draw_all(run: Run) -> list[Figure]:
    """The figures this run has data for, in the order of the page: its main one first."""
    figures = []
    for name, title, how_to_read, draw in FIGURES:
        try:
            figures.append(
                Figure(
                    name,
                    title,
                    how_to_read,
                    _svg(run, draw, WIDE_INCHES),
                    _svg(run, draw, NARROW_INCHES),
                )
            )
        except NothingToDraw:
            continue
    main = main_figure(run)
    return sorted(figures, key=lambda figure: figure.name != main)


def main_figure(run: Run) -> str:
    return str(run.facts.get("figure", "success"))


def draw_main(run: Run, inches: tuple) -> str | None:
    """The SVG of the figure that the scenario calls its main one; None without its data."""
    wanted = main_figure(run)
    for name, _, _, draw in FIGURES:
        if name == wanted:
            try:
                return _svg(run, draw, inches)
            except NothingToDraw:
                return None
    raise BadRun(f"{run.directory}: there is no figure '{wanted}'")


def _svg(run: Run, draw: Callable[[Run, Axes], None], inches: tuple) -> str:
    with plt.rc_context({**RC, "svg.hashsalt": "shoal"}):
        figure, axes = plt.subplots(figsize=inches, layout="constrained")
        try:
            draw(run, axes)
            return svg_text(figure)
        finally:
            plt.close(figure)


# --- axes


def _narrow(axes: Axes) -> bool:
    return axes.figure.get_figwidth() < 5


def _time_unit(duration_s: float) -> tuple[float, str]:
    if duration_s < 300:
        return 1, "s"
    if duration_s < 4 * 3600:
        return 60, "min"
    return 3600, "h"


def _time_axis(run: Run, axes: Axes) -> float:
    """Labels the time axis, shades the warm-up, marks faults; gives its unit in s."""
    unit_s, unit = _time_unit(run.duration_s)
    axes.set_xlim(0, run.duration_s / unit_s)
    axes.set_xlabel(f"simulated time ({unit})")
    axes.xaxis.set_major_locator(
        MaxNLocator(6 if _narrow(axes) else 10, steps=[1, 2, 5, 10])
    )
    above = axes.get_xaxis_transform()
    if run.warm_up_s > 0:
        axes.axvspan(
            0, run.warm_up_s / unit_s, color=LIGHT["warm"], alpha=0.13, lw=0, zorder=0
        )
        axes.text(
            0.006 * run.duration_s / unit_s,
            1.02,
            "warm-up",
            transform=above,
            color=LIGHT["muted"],
            fontsize=8,
            va="bottom",
        )
    for fault in run.faults:
        begin, end = fault.begin_s / unit_s, fault.end_s / unit_s
        if fault.end_s > fault.begin_s:
            axes.axvspan(begin, end, color=LIGHT["fault"], alpha=0.12, lw=0, zorder=0)
        axes.axvline(begin, color=LIGHT["fault"], lw=1, ls=(0, (4, 2)), zorder=3)
    _label_faults(run, axes, unit_s)
    return unit_s


def _label_faults(run: Run, axes: Axes, unit_s: float) -> None:
    """Names faults above the axes, leaving out a name that would run into another."""
    width_s = run.duration_s or 1
    per_letter = width_s * (0.034 if _narrow(axes) else 0.0135)
    free_from_s = 8 * per_letter if run.warm_up_s > 0 else 0.0
    for fault in run.faults:
        extent_s = len(fault.kind) * per_letter
        begin_s = min(fault.begin_s, width_s - extent_s)
        if begin_s < free_from_s:
            continue
        axes.text(
            begin_s / unit_s,
            1.02,
            fault.kind,
            transform=axes.get_xaxis_transform(),
            color=LIGHT["fault"],
            fontsize=8,
            va="bottom",
        )
        free_from_s = begin_s + extent_s + per_letter


def _needed(run: Run, metric: str) -> Series:
    series = run.series.get(metric)
    if series is None or len(series.t_s) < 2:
        raise NothingToDraw(metric)
    return series


def _from_zero(axes: Axes, highest: float) -> None:
    axes.set_ylim(0, highest * 1.08 if highest > 0 else 1)


def _legend(axes: Axes, entries: int, columns: int = 0) -> None:
    """Below the axis label, where it can hide nothing."""
    below_points = 36
    columns = columns or (2 if _narrow(axes) else 5)
    rows = -(-entries // columns)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=axes.transAxes
        + ScaledTranslation(0, -below_points / 72, axes.figure.dpi_scale_trans),
        borderaxespad=0,
        ncols=-(-entries // rows),
        handlelength=1.3,
        columnspacing=1.2,
    )


# --- the figures


def draw_online(run: Run, axes: Axes) -> None:
    online = _needed(run, "online")
    unit_s = _time_axis(run, axes)
    axes.fill_between(
        online.t_s / unit_s, online.value, color=LIGHT["c1"], alpha=0.10, lw=0
    )
    axes.plot(online.t_s / unit_s, online.value, color=LIGHT["c1"])
    axes.set_ylabel("nodes online")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    _from_zero(axes, float(online.value.max()))


def draw_success(run: Run, axes: Axes) -> None:
    drawn = [
        (run.series[metric], label, colour)
        for metric, label, colour in [
            ("lookups.success_ratio", "lookups", "c1"),
            ("gets.success_ratio", "gets of items", "c2"),
        ]
        if metric in run.series and len(run.series[metric].t_s) >= 2
    ]
    if not drawn:
        raise NothingToDraw("lookups.success_ratio, gets.success_ratio")
    unit_s = _time_axis(run, axes)
    lowest = 1.0
    for series, label, colour in drawn:
        few = len(series.t_s) <= 100
        axes.plot(
            series.t_s / unit_s,
            series.value,
            color=LIGHT[colour],
            label=label,
            marker="o" if few else None,
            ms=2.5,
            lw=1.2,
        )
        settled = series.value[series.t_s > run.warm_up_s]
        lowest = min(lowest, float(settled.min()) if len(settled) else 1.0)
    # What happens in the warm-up may leave the frame; what counts never does.
    floor = next(f for f in (0.98, 0.96, 0.92, 0.8, 0.6, 0.4, 0.0) if lowest >= f)
    axes.set_ylim(floor, 1 + (1 - floor) * 0.04)
    axes.set_yticks(np.linspace(floor, 1, 5))
    axes.yaxis.set_major_formatter(
        PercentFormatter(1, decimals=1 if floor >= 0.98 else 0)
    )
    axes.set_ylabel("succeeded")
    _legend(axes, len(drawn))


def draw_latency(run: Run, axes: Axes) -> None:
    curves = [
        ("lookup.latency_ms", "lookup: closest host answers", "c1"),
        ("lookup.duration_ms", "lookup: ends", "c5"),
        ("item.get_latency_ms", "get of an item", "c2"),
    ]
    present = [c for c in curves if c[0] in run.histograms]
    if not present:
        raise NothingToDraw("latency")
    for name, label, colour in present:
        bins = run.histograms[name]
        share = np.cumsum(bins.count) / bins.count.sum()
        axes.plot(
            np.concatenate([bins.low[:1], bins.high]),
            np.concatenate([[0], share]),
            color=LIGHT[colour],
            label=label,
        )
    axes.set_xscale("log")
    axes.grid(True, axis="x")
    axes.xaxis.set_major_formatter(FuncFormatter(_milliseconds))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    axes.set_xlabel("time since the start of the operation")
    axes.set_ylim(0, 1.13)
    axes.set_yticks(np.linspace(0, 1, 5))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("done within that time")
    for p in (50, 99):
        value = run.summary.get(f"lookup.latency_ms.p{p}")
        if not isinstance(value, (int, float)) or value <= 0:
            continue
        axes.plot([value], [p / 100], "o", ms=4.5, color=LIGHT["c1"])
        axes.annotate(
            f"p{p}: {_milliseconds(value)}",
            (value, p / 100),
            xytext=(-7, 1) if p == 50 else (0, 6),
            textcoords="offset points",
            ha="right" if p == 50 else "center",
            fontsize=8.5,
        )
    _legend(axes, len(present), columns=1 if _narrow(axes) else 5)


def _milliseconds(value: float, _position: int = 0) -> str:
    return f"{value / 1000:.3g} s" if value >= 1000 else f"{value:.3g} ms"


def draw_hops(run: Run, axes: Axes) -> None:
    bins = run.histograms.get("lookup.hops")
    if bins is None:
        raise NothingToDraw("hops")
    share = bins.count / bins.count.sum()
    axes.bar(bins.low, share, width=0.72, color=LIGHT["c1"])
    for hops, part in zip(bins.low, share):
        if part >= 0.0005:
            axes.annotate(
                f"{part:.1%}" if part < 0.1 else f"{part:.0%}",
                (hops, part),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=LIGHT["muted"],
            )
    axes.set_xticks(np.arange(min(bins.low), max(bins.low) + 1))
    axes.set_xlim(min(bins.low) - 0.8, max(bins.low) + 0.8)
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("hops to the closest host")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("of successful lookups")
    _from_zero(axes, float(share.max()) * 1.05)


def draw_traffic(run: Run, axes: Axes) -> None:
    online = _needed(run, "online")
    prefix = "traffic.bytes_per_s."
    kinds = {
        metric.removeprefix(prefix): series
        for metric, series in run.series.items()
        if metric.startswith(prefix) and series.value.any()
    }
    if not kinds:
        raise NothingToDraw("traffic")
    unit_s = _time_axis(run, axes)
    t_s = next(iter(kinds.values())).t_s
    nodes = np.maximum(np.interp(t_s, online.t_s, online.value), 1)
    largest_first = sorted(kinds, key=lambda kind: -kinds[kind].value.sum())
    stack = [
        np.interp(t_s, kinds[k].t_s, kinds[k].value) / nodes for k in largest_first
    ]
    axes.stackplot(
        t_s / unit_s,
        stack,
        colors=[LIGHT[c] for c in CATEGORIES],
        labels=largest_first,
        lw=0,
        alpha=0.85,
    )
    axes.set_ylabel("bytes per node per s")
    axes.yaxis.set_major_locator(MaxNLocator(5))
    # The first minutes may be dominated by everybody joining at once.
    total = np.sum(stack, axis=0)
    counted = total[t_s > run.warm_up_s]
    _from_zero(axes, float(counted.max() if len(counted) else total.max()) * 1.25)
    _legend(axes, len(largest_first))


def draw_tables(run: Run, axes: Axes) -> None:
    contacts = _needed(run, "table.contacts")
    live_ratio = _needed(run, "table.live_contact_ratio")
    unit_s = _time_axis(run, axes)
    live = live_ratio.value * np.interp(live_ratio.t_s, contacts.t_s, contacts.value)
    axes.plot(
        contacts.t_s / unit_s,
        contacts.value,
        color=LIGHT["c8"],
        label="contacts in a table",
    )
    axes.fill_between(
        live_ratio.t_s / unit_s, live, color=LIGHT["c3"], alpha=0.15, lw=0
    )
    axes.plot(
        live_ratio.t_s / unit_s, live, color=LIGHT["c3"], label="of these, online"
    )
    clients = run.series.get("table.client_ratio")
    if clients is not None and clients.value.any():
        count = clients.value * np.interp(clients.t_s, contacts.t_s, contacts.value)
        axes.plot(
            clients.t_s / unit_s, count, color=LIGHT["c2"], label="of these, clients"
        )
    axes.set_ylabel("contacts per node")
    axes.yaxis.set_major_locator(MaxNLocator(5))
    _from_zero(axes, float(contacts.value.max()))
    _legend(axes, 3)


def draw_groups(run: Run, axes: Axes) -> None:
    sessions = _needed(run, "group.session_ratio")
    unit_s = _time_axis(run, axes)
    drawn = [(sessions, "c1", "pairs with a session")]
    if primaries := run.series.get("group.primaries"):
        drawn.append((primaries, "c2", "primaries per part"))
    for series, colour, label in drawn:
        axes.plot(
            series.t_s / unit_s, series.value, color=LIGHT[colour], lw=1.2, label=label
        )
    highest = max(1.0, *(float(series.value.max()) for series, *_ in drawn))
    axes.set_ylabel("share, number")
    axes.yaxis.set_major_locator(MaxNLocator(5))
    _from_zero(axes, highest)
    _legend(axes, len(drawn))


FIGURES: list[tuple[str, str, str, Callable[[Run, Axes], None]]] = [
    (
        "online",
        "Nodes online",
        "The line is the number of nodes running at each moment; churn makes it waver, "
        "a fault that kills nodes makes it drop.",
        draw_online,
    ),
    (
        "success",
        "Success over time",
        "Each point is the share of operations started in one sampling interval that "
        "succeeded; the axis does not start at zero unless it must.",
        draw_success,
    ),
    (
        "latency",
        "Latency",
        "At each time on the axis the curve shows the share of successful operations "
        "that were done by then: further left is faster, and failures are not in it.",
        draw_latency,
    ),
    (
        "hops",
        "Hops",
        "Each bar is the share of successful lookups whose shortest chain of referrals "
        "to the closest host had that many steps; 1 means it stood in the origin's own "
        "table.",
        draw_hops,
    ),
    (
        "traffic",
        "Traffic by message kind",
        "The height of a band is what an average node sends of that kind of message, "
        "requests and responses together; the joining rush of the warm-up may leave the "
        "frame.",
        draw_traffic,
    ),
    (
        "tables",
        "Contacts in routing tables",
        "The gap between the two upper lines is the dead weight: contacts that tables still "
        "hold although their nodes are gone. Clients, whom strangers cannot reach, should "
        "be in none.",
        draw_tables,
    ),
    (
        "groups",
        "Groups",
        "Of the pairs of group members that are online and could meet, the share that "
        "holds a session; and how many members take themselves for the primary of a part "
        "of a group whose members sessions join, which should be one.",
        draw_groups,
    ),
]
