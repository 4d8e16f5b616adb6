"""The page that holds a cluster of our nodes against those of others: reports/peers.json, as
bench/peers/measure.py writes it."""

import json
import statistics
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot as plt  # noqa: E402

import page  # noqa: E402
from checked import check  # noqa: E402
from drawing import svg_text  # noqa: E402
from page import number_text, text  # noqa: E402
from theme import LIGHT, RC, themed_svg  # noqa: E402
from tracked import PROJECT  # noqa: E402

PEERS = PROJECT / "reports" / "peers.json"
NAMES = {
    "shoal": "Shoal",
    "libtorrent": "libtorrent",
    "opendht": "OpenDHT",
    "bare": "bare loop",
}
COLOURS = {"libtorrent": "c2", "opendht": "c4"}

_SCHEMA = {
    "type": "object",
    "required": [
        "commit",
        "measured_at",
        "machine",
        "nodes",
        "operations",
        "in_flight",
        "rounds",
        "rows",
    ],
    "properties": {
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["value_bytes", "metric", "unit", "tool", "values"],
                "properties": {
                    "tool": {"enum": list(NAMES)},
                    "values": {
                        "type": "array",
                        "items": {"type": "number"},
                        "minItems": 1,
                    },
                },
            },
        }
    },
}


class BadPeers(Exception):
    """reports/peers.json is not as bench/peers/measure.py writes it."""


def load(path: Path) -> dict | None:
    """None when nothing is recorded. Raises BadPeers."""
    if not path.exists():
        return None
    try:
        measured = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadPeers(f"{path}: no JSON: {error}") from error
    check(measured, _SCHEMA, str(path), BadPeers)
    return measured


def peers(navigation: str, css: str, path: Path | None = None) -> str:
    """The whole page. Raises BadPeers."""
    measured = load(path or PEERS)
    if measured is None:
        body = (
            "<h1>Beside others</h1>\n<p>Nothing is recorded yet; <code>bench/peers/measure.py --json "
            "reports/peers.json</code> measures our nodes and others in one run.</p>"
        )
        return page.document("Peers", navigation + body, css)
    commit = text(measured["commit"][:12])
    head = (
        "<h1>Beside others</h1>\n"
        f'<p class="muted">{measured["nodes"]} nodes of each on loopback, {measured["operations"]:,} puts, '
        f"{measured['in_flight']} at a time, and as many gets, one by one; medians of {measured['rounds']} "
        "rounds in turn, with the least and the greatest. "
        f"Commit <code>{commit}</code>, {text(measured['measured_at'])}, {text(measured['machine'])}.</p>\n"
    )
    figures = "".join(_figure(measured, size) for size in _sizes(measured))
    tables = "".join(_table(measured, size) for size in _sizes(measured))
    return page.document("Peers", f"{navigation}{head}{figures}{tables}", css)


def _sizes(measured: dict) -> list[int]:
    return sorted({row["value_bytes"] for row in measured["rows"]})


def _values(measured: dict, size: int) -> dict[str, dict[str, dict]]:
    """By metric and tool, in their order: the row."""
    found: dict[str, dict[str, dict]] = {}
    for row in measured["rows"]:
        if row["value_bytes"] == size:
            found.setdefault(row["metric"], {})[row["tool"]] = row
    return found


def _table(measured: dict, size: int) -> str:
    of_size = _values(measured, size)
    tools = [tool for tool in NAMES if any(tool in of for of in of_size.values())]
    rows = [
        [text(metric), *(_cell(of.get(tool)) for tool in tools)]
        for metric, of in of_size.items()
    ]
    header = ["", *(NAMES[tool] for tool in tools)]
    numbers = range(1, len(tools) + 1)
    return f"<h2>Values of {size:,} bytes</h2>\n" + page.table(
        header, rows, numbers=numbers
    )


def _cell(row: dict | None) -> str:
    if row is None:
        return ""
    values = row["values"]
    low, high = number_text(min(values)), number_text(max(values))
    spread = f'<br><span class="muted">{low} to {high}</span>' if low != high else ""
    return f"{number_text(statistics.median(values))} {text(row['unit'])}{spread}"


def _figure(measured: dict, size: int) -> str:
    """How many times as much the others take, where both numbers are above 0."""
    ratios: list[tuple[str, str, float, float, float]] = []
    for metric, of in _values(measured, size).items():
        ours = of.get("shoal", {"values": [0]})["values"]
        for tool in COLOURS:
            theirs = of.get(tool, {"values": [0]})["values"]
            if min(ours) <= 0 or min(theirs) <= 0:
                continue
            middle = statistics.median(theirs) / statistics.median(ours)
            ratios.append(
                (metric, tool, min(theirs) / max(ours), middle, max(theirs) / min(ours))
            )
    if not ratios:
        return ""
    drawings = "".join(
        f'<div class="{width}" role="img" aria-label="The others relative to Shoal">'
        f"{themed_svg(_draw(ratios, inches), f'{width}{size}')}</div>"
        for width, inches in (("wide", 9.6), ("narrow", 4.2))
    )
    return (
        f"<figure>\n<h3>Values of {size:,} bytes: the others, as multiples of Shoal</h3>\n{drawings}\n"
        "<figcaption>Right of the line the other takes more, left of it less. Dots are ratios of medians; "
        "bars reach from the least of theirs over the greatest of ours to the reverse.</figcaption>\n"
        "</figure>\n"
    )


def _draw(ratios: list, width_inches: float) -> str:
    metrics = list(dict.fromkeys(metric for metric, *_ in ratios))
    with plt.rc_context({**RC, "svg.hashsalt": "shoal", "axes.grid.axis": "x"}):
        figure, axes = plt.subplots(
            figsize=(width_inches, 0.7 + 0.34 * len(metrics)), layout="constrained"
        )
        for offset, tool in ((-0.14, "libtorrent"), (0.14, "opendht")):
            of_tool = [ratio for ratio in ratios if ratio[1] == tool]
            if not of_tool:
                continue
            places = [metrics.index(metric) + offset for metric, *_ in of_tool]
            colour = LIGHT[COLOURS[tool]]
            axes.hlines(
                places,
                [r[2] for r in of_tool],
                [r[4] for r in of_tool],
                color=colour,
                lw=1.2,
            )
            axes.plot(
                [r[3] for r in of_tool],
                places,
                "o",
                color=colour,
                ms=4.5,
                label=NAMES[tool],
            )
        axes.axvline(1, color=LIGHT["c1"], lw=1.2)
        axes.set_xscale("log")
        axes.set_xlim(
            min(0.5, 0.8 * min(r[2] for r in ratios)),
            max(2, 1.25 * max(r[4] for r in ratios)),
        )
        ticks = [
            t
            for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
            if _within(t, axes.get_xlim())
        ]
        axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
        axes.minorticks_off()
        axes.set_yticks(range(len(metrics)), metrics)
        axes.set_ylim(len(metrics) - 0.5, -0.5)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
        return svg_text(figure)


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
