#!/usr/bin/python3
"""Runs the same small scenarios at every fidelity, and draws how far apart they come out.

Fidelities: message and packet (run_scenario), and, where the scenario is one that loopback can
be, real processes (shoal run) commanded through their control sockets. Each scenario runs with
several seeds, so that a difference can be told from chance.

Writes table.md, results.json, and fidelities.svg and .png to the directory of --out, and prints
the table. Real processes run in real time, a minute for each seed; all of it takes about six
minutes on two idle cores.

Exit status: 0 done, 2 the command line is wrong, 3 a run failed.

Example: reports/compare_fidelities.py --seeds 1..3 --out out/fidelities
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.ticker import NullLocator  # noqa: E402

from theme import LIGHT, RC  # noqa: E402

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / "reports" / "fidelities"


@dataclass(frozen=True)
class Setting:
    name: str  # of the scenario file
    title: str
    fidelities: tuple[str, ...]


SETTINGS = [
    Setting(
        "near", "near: 32 hosts on one machine", ("message", "packet", "processes")
    ),
    Setting("far", "far: 60 hosts, delays, 1 % loss, churn", ("message", "packet")),
]
REFERENCE = "packet"
COLOURS = {"message": "c1", "processes": "c2", "packet": "c8"}

METRICS = {
    "lookup.success_ratio": "lookups that succeed",
    "lookup.hops.mean": "hops, mean",
    "lookup.messages.mean": "messages per lookup",
    "lookup.latency_ms.p50": "lookup latency, median",
    "lookup.latency_ms.p99": "lookup latency, p99",
    "item.get_success_ratio": "gets that succeed",
    "item.get_latency_ms.p50": "get latency, median",
    "item.get_latency_ms.p99": "get latency, p99",
    "traffic.messages_per_node_per_s": "datagrams per node and second",
    "traffic.bytes_per_node_per_s": "bytes per node and second",
    "table.contacts.mean": "contacts per table",
}

# results[fidelity]: the metrics of each seed
Results = dict[str, list[dict[str, float]]]


class RunFailed(Exception):
    """A run ended without results; the message says which, and how."""


@dataclass(frozen=True)
class Comparison:
    """One metric of one scenario."""

    metric: str
    mean: dict[str, float]  # by fidelity; absent: it has no value there
    ratios: dict[str, list[float]]  # of each seed, to the mean of the reference

    def ratio(self, fidelity: str) -> float | None:
        values = self.ratios.get(fidelity)
        return statistics.fmean(values) if values else None


def compare(results: Results) -> list[Comparison]:
    """In the order of METRICS; without those that the reference has no value of, or 0."""
    comparisons = []
    for metric in METRICS:
        values = {
            fidelity: [run[metric] for run in runs if metric in run]
            for fidelity, runs in results.items()
        }
        mean = {
            fidelity: statistics.fmean(found)
            for fidelity, found in values.items()
            if found
        }
        reference = mean.get(REFERENCE)
        if not reference:
            continue
        ratios = {
            fidelity: [value / reference for value in found]
            for fidelity, found in values.items()
            if found
        }
        comparisons.append(Comparison(metric, mean, ratios))
    return comparisons


def table(setting: Setting, comparisons: list[Comparison]) -> str:
    """Markdown: the reference's mean and spread, then each other's mean and ratio to it."""
    others = [fidelity for fidelity in setting.fidelities if fidelity != REFERENCE]
    heads = ["metric", REFERENCE, "its seeds"]
    for fidelity in others:
        heads += [fidelity, f"{fidelity} / {REFERENCE}", "its seeds"]
    rows = [heads, ["---"] + ["---:"] * (len(heads) - 1)]
    for comparison in comparisons:
        row = [f"`{comparison.metric}`", number(comparison.mean[REFERENCE])]
        row.append(spread(comparison.ratios[REFERENCE]))
        for fidelity in others:
            ratio = comparison.ratio(fidelity)
            if ratio is None:
                row += ["–", "–", "–"]
                continue
            row += [number(comparison.mean[fidelity]), f"{ratio:.3f}"]
            row.append(spread(comparison.ratios[fidelity]))
        rows.append(row)
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return f"### {setting.title}\n\n" + "\n".join(lines) + "\n"


def number(value: float) -> str:
    return f"{value:.4g}"


def spread(ratios: list[float]) -> str:
    return f"{min(ratios):.2f}–{max(ratios):.2f}"


# --- the figure

NARROW_TICKS = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 2.5]
WIDE_TICKS = [0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512]


def draw_setting(ax: Axes, setting: Setting, comparisons: list[Comparison]) -> None:
    rows = range(len(comparisons))
    ax.axvline(1, color=LIGHT["muted"], linewidth=1)
    drawn = [fidelity for fidelity in COLOURS if fidelity in setting.fidelities]
    for place, fidelity in enumerate(drawn):
        offset = (place - (len(drawn) - 1) / 2) * 0.24
        colour = LIGHT[COLOURS[fidelity]]
        for row, comparison in zip(rows, comparisons):
            values = comparison.ratios.get(fidelity, [])
            ax.plot(
                values,
                [row + offset] * len(values),
                linestyle="none",
                marker="o",
                markersize=4,
                markerfacecolor=colour,
                markeredgecolor="none",
                alpha=0.55,
            )
            if values:
                ax.plot(
                    [statistics.fmean(values)],
                    [row + offset],
                    linestyle="none",
                    marker="|",
                    markersize=11,
                    markeredgewidth=2,
                    color=colour,
                    label=fidelity if row == 0 else None,
                )
    ax.set_xscale("log")
    low, high = limits(comparisons)
    ax.set_xlim(low, high)
    ticks = WIDE_TICKS if high / low > 6 else NARROW_TICKS
    ticks = [tick for tick in ticks if low <= tick <= high]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_yticks(list(rows), [METRICS[c.metric] for c in comparisons])
    ax.set_ylim(len(comparisons) - 0.5, -0.5)
    ax.set_xlabel(f"ratio to the mean at {REFERENCE} fidelity (log)")
    ax.grid(axis="x")
    ax.grid(axis="y", visible=False)
    ax.set_title(setting.title, loc="left", pad=22)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 0.995), ncols=3, borderaxespad=0.2)


def limits(comparisons: list[Comparison]) -> tuple[float, float]:
    """Of the axis of ratios: at least from 0.8 to 1.25."""
    every = [
        ratio
        for comparison in comparisons
        for ratios in comparison.ratios.values()
        for ratio in ratios
        if ratio > 0
    ]
    return min([0.8, *every]) / 1.06, max([1.25, *every]) * 1.06


def draw(settings: list[tuple[Setting, list[Comparison]]], out: Path) -> None:
    """One panel a scenario, below each other: it fits a page, and a phone."""
    with plt.rc_context(RC):
        rows = [len(comparisons) for _, comparisons in settings]
        figure, axes = plt.subplots(
            len(settings),
            1,
            figsize=(7.6, sum(rows) * 0.36 + 1.3 * len(settings)),
            height_ratios=rows,
            layout="constrained",
            squeeze=False,
        )
        for ax, (setting, comparisons) in zip(axes[:, 0], settings):
            draw_setting(ax, setting, comparisons)
        figure.savefig(out / "fidelities.svg")
        figure.savefig(out / "fidelities.png", dpi=150, facecolor=LIGHT["surface"])
        plt.close(figure)


# --- the runs


def run_simulated(
    setting: Setting, fidelity: str, seeds: range, binaries: Path, out: Path
) -> list[dict[str, float]]:
    command = [binaries / "run_scenario", FOLDER / f"{setting.name}.yaml"]
    command += ["--seeds", f"{seeds[0]}..{seeds[-1]}", "--out", out / fidelity]
    command += ["--set", f"network.fidelity={fidelity}", "--no-report", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RunFailed(f"{setting.name} at {fidelity} fidelity: {done.stderr.strip()}")
    runs = []
    for seed in seeds:
        summary = out / fidelity / f"{setting.name}-seed{seed}" / "summary.json"
        runs.append(json.loads(summary.read_text(encoding="utf-8")))
    return runs


def run_processes(
    setting: Setting, seeds: range, binaries: Path
) -> list[dict[str, float]]:
    os.environ["SHOAL_BINARY"] = str(binaries / "shoal")
    import real_network

    spec = real_network.Spec.of(FOLDER / f"{setting.name}.yaml")
    try:
        return [real_network.RealNetwork(spec, seed).run() for seed in seeds]
    except (AssertionError, OSError, KeyError) as error:
        raise RunFailed(f"{setting.name} on real processes: {error!r}") from error


def run_setting(setting: Setting, seeds: range, binaries: Path, out: Path) -> Results:
    results: Results = {}
    for fidelity in setting.fidelities:
        print(f"{setting.name}: {fidelity} …", file=sys.stderr, flush=True)
        if fidelity == "processes":
            results[fidelity] = run_processes(setting, seeds, binaries)
        else:
            results[fidelity] = run_simulated(setting, fidelity, seeds, binaries, out)
    return results


def parse_seeds(text: str) -> range:
    first, dots, last = text.partition("..")
    if not (first.isdigit() and dots and last.isdigit() and int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"'{text}': expected a range such as 1..3")
    return range(int(first), int(last) + 1)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=parse_seeds, default=range(1, 4))
    parser.add_argument("--out", type=Path, default=Path("out/fidelities"))
    parser.add_argument(
        "--binaries",
        type=Path,
        default=PROJECT / "build" / "release" / "bin",
        help="where run_scenario and shoal are (default: build/release/bin)",
    )
    parser.add_argument(
        "--no-processes",
        action="store_true",
        help="only message and packet, which take a minute",
    )
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    compared, results = [], {}
    try:
        for setting in SETTINGS:
            if options.no_processes:
                kept = tuple(f for f in setting.fidelities if f != "processes")
                setting = Setting(setting.name, setting.title, kept)
            runs = run_setting(setting, options.seeds, options.binaries, options.out)
            compared.append((setting, compare(runs)))
            results[setting.name] = {
                fidelity: [
                    {metric: run[metric] for metric in METRICS if metric in run}
                    for run in of_seeds
                ]
                for fidelity, of_seeds in runs.items()
            }
    except RunFailed as error:
        print(f"compare_fidelities: {error}", file=sys.stderr)
        return 3
    text = "\n".join(table(setting, found) for setting, found in compared)
    (options.out / "table.md").write_text(text, encoding="utf-8")
    (options.out / "results.json").write_text(
        json.dumps(results, indent=2) + "\n", encoding="utf-8"
    )
    draw(compared, options.out)
    print(text)
    print(f"figure: {options.out / 'fidelities.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
