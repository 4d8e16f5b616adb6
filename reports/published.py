"""What others have published beside what our runs of their setting gave.

Only figures that the papers state in words or tables stand here: curves of theirs that would
have to be read off a plot do not.
"""

import math
import re
from dataclasses import dataclass

import numpy as np
import yaml
from matplotlib import pyplot as plt

from drawing import svg_text
from page import number_text, text
from run_data import Run
from theme import LIGHT, RC, themed_svg

_UNITS_S = {"ms": 1e-3, "s": 1, "min": 60, "h": 3600}


@dataclass(frozen=True)
class Point:
    """One setting of ours: what a paper varied, and what a run measured there."""

    median_session_min: float
    success_ratio: float
    latency_p50_ms: float
    latency_p99_ms: float
    bytes_per_node_per_s: float
    upkeep_bytes_per_node_per_s: float
    contacts: float


RHEA = (
    "Rhea, Geels, Roscoe, Kubiatowicz: Handling Churn in a DHT (technical report "
    "UCB//CSD-03-1299, 2003, and USENIX ATC 2004)"
)
# From the abstract of the technical report: "able to function effectively for median node
# session times as short as 1.4 minutes, while using less than 900 bytes/s/node of maintenance
# bandwidth in a 1000-node system".
RHEA_MEDIAN_MIN = 1.4
RHEA_BYTES_BELOW = 900.0


def section(runs: dict[str, list[Run]]) -> str:
    """HTML; empty when no run is of a published setting."""
    points = sorted(
        (
            _point(of_scenario[0])
            for name, of_scenario in runs.items()
            if name.startswith("rhea_")
        ),
        key=lambda point: point.median_session_min,
    )
    parts = []
    if points:
        parts.append(_rhea(points))
    if "li_2005" in runs:
        parts.append(_li(runs["li_2005"][0]))
    if not parts:
        return ""
    return "<h2>Beside what was published</h2>\n" + "\n".join(parts)


def median_session_min(run: Run) -> float:
    """Of the scenario's exponential sessions."""
    session = yaml.safe_load(str(run.facts["scenario_text"]))["churn"]["session"]
    law = session["exponential"]
    if "median" in law:
        return _seconds(law["median"]) / 60
    return _seconds(law["mean"]) * math.log(2) / 60


def _seconds(duration: str) -> float:
    number, unit = re.fullmatch(r"([0-9.]+)\s*([a-z]+)", str(duration)).groups()
    return float(number) * _UNITS_S[unit]


def _point(run: Run) -> Point:
    return Point(
        median_session_min(run),
        *(
            float(run.summary[metric])
            for metric in (
                "lookup.success_ratio",
                "lookup.latency_ms.p50",
                "lookup.latency_ms.p99",
                "traffic.bytes_per_node_per_s",
                "maintenance.bytes_per_node_per_s",
                "table.contacts.mean",
            )
        ),
    )


def _rhea(points: list[Point]) -> str:
    return (
        "<figure>\n<h3>Churn at five rates, after Rhea 2004</h3>\n"
        f'<div role="img" aria-label="Success, latency and traffic by median session">'
        f"{themed_svg(_draw_rhea(points), 'rhea')}</div>\n"
        "<figcaption>Left: the share of lookups that found the closest host. Middle: their "
        "latency. Right: what a node sends, with the lookups of the workload, one every 30 s, "
        "and for upkeep alone; the mark is the one figure that the paper gives in words "
        f"(Bamboo, 1,000 nodes, median sessions of {RHEA_MEDIAN_MIN} min: under "
        f"{RHEA_BYTES_BELOW:.0f} bytes/s of maintenance). {_why_more(points[0])}"
        f"Source: {text(RHEA)}.</figcaption>\n</figure>"
    )


def _why_more(shortest: Point) -> str:
    """Why upkeep costs more with us than the paper says, at the sessions of its figure."""
    ratio = shortest.upkeep_bytes_per_node_per_s / RHEA_BYTES_BELOW
    if abs(shortest.median_session_min - RHEA_MEDIAN_MIN) > 0.1 or ratio < 1.1:
        return ""
    return (
        f"Ours is {ratio:.1f} times as much there: a table holds "
        f"{shortest.contacts:.0f} contacts, and each is asked several times in the two minutes "
        "that it stays; a newcomer looks up every bucket; hosts are named by keys of 32 bytes; "
        "and every datagram is sealed (73 bytes), carries a token and, to a host that has "
        "given none yet, is padded to 416 bytes against amplification. "
    )


def _draw_rhea(points: list[Point]) -> str:
    x = np.array([point.median_session_min for point in points])
    with plt.rc_context({**RC, "svg.hashsalt": "shoal"}):
        figure, (success, latency, traffic) = plt.subplots(
            1, 3, figsize=(10.5, 3), layout="constrained"
        )
        success.plot(
            x, [100 * p.success_ratio for p in points], "o-", color=LIGHT["c1"]
        )
        success.set_ylabel("lookups that succeed, %")
        lowest = min(100 * p.success_ratio for p in points)
        success.set_ylim(min(98, lowest - 0.5), 100.1)
        latency.plot(
            x, [p.latency_p50_ms for p in points], "o-", color=LIGHT["c1"], label="p50"
        )
        latency.plot(
            x, [p.latency_p99_ms for p in points], "o-", color=LIGHT["c2"], label="p99"
        )
        latency.set_ylabel("latency, ms")
        latency.set_ylim(bottom=0)
        latency.legend()
        traffic.plot(
            x,
            [p.bytes_per_node_per_s for p in points],
            "o-",
            color=LIGHT["c1"],
            label="Shoal, all that is sent",
        )
        traffic.plot(
            x,
            [p.upkeep_bytes_per_node_per_s for p in points],
            "o-",
            color=LIGHT["c2"],
            label="Shoal, upkeep",
        )
        traffic.plot(
            [RHEA_MEDIAN_MIN],
            [RHEA_BYTES_BELOW],
            "v",
            color=LIGHT["c4"],
            label="Bamboo: below, maintenance",
        )
        traffic.set_ylabel("bytes per node per s")
        traffic.set_yscale("log")
        traffic.set_ylim(15, 8000)
        traffic.set_yticks(
            [30, 100, 300, 1000, 3000], ["30", "100", "300", "1,000", "3,000"]
        )
        traffic.legend(loc="lower left")
        for axes in (success, latency, traffic):
            axes.set_xscale("log")
            axes.set_xticks(x, [f"{value:.3g}" for value in x])
            axes.minorticks_off()
            axes.set_xlabel("median session, min")
        return svg_text(figure)


LI = (
    "Li, Stribling, Morris, Kaashoek, Gil: A performance vs. cost framework for evaluating DHT "
    "design tradeoffs under churn (INFOCOM 2005)"
)


def _li(run: Run) -> str:
    rows = "".join(
        f'<tr><td>{name}</td><td class="number">{number_text(value, decimals)}</td></tr>'
        for name, value, decimals in [
            ("lookups that succeed, %", 100 * run.summary["lookup.success_ratio"], 2),
            ("lookup latency, mean, ms", run.summary["lookup.latency_ms.mean"], 0),
            ("lookup latency, p99, ms", run.summary["lookup.latency_ms.p99"], 0),
            ("hops, mean", run.summary["lookup.hops.mean"], 2),
            ("bytes per node per s", run.summary["traffic.bytes_per_node_per_s"], 0),
        ]
    )
    return (
        f'<h3>The setting of Li 2005</h3>\n<div class="card"><table>{rows}</table></div>\n'
        f'<p class="source">{text(LI)}: 1,024 nodes, delays of the King data, '
        "exponential sessions of 1 h mean, "
        "a lookup per node every 600 s, the second half of 6 h counted. The paper gives its "
        "results as curves of latency against bytes per node per second, not as numbers, so "
        "none stand here. It counts 20 bytes of header and 4 bytes per id named; ours are the"
        " bytes of real sealed datagrams, which are about ten times as large, so compare "
        "latency and the shape, not bytes.</p>"
    )
