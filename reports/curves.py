#!/usr/bin/python3
"""The curves from which a node's default parameters are chosen.

Each study varies one parameter of the node in small versions of the library's scenarios and
plots success, latency and bytes against it; the studies of items plot what is lost against
what it costs. Runs what has no result in DIR yet, one run at a time unless --jobs says
otherwise, so an interrupted run of this program is taken up where it ended. Then writes
CSV, one line a run, and draws FIGURES from that file alone.

Exit status: 0 drawn; 2 the command line is wrong, or there is nothing to draw; 3 a run failed.

Example: reports/curves.py                    # some minutes of CPU time
         reports/curves.py --draw-only        # from the committed CSV
         reports/curves.py --only alpha k --seeds 1 2 3
"""

import argparse
import csv
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot as plt  # noqa: E402

from theme import CATEGORIES, LIGHT, RC  # noqa: E402

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = PROJECT / "reports" / "curves"

METRICS = [
    "lookup.success_ratio",
    "lookup.exact_ratio",
    "lookup.latency_ms.p50",
    "lookup.latency_ms.p99",
    "lookup.duration_ms.p50",
    "item.get_success_ratio",
    "item.lost_count",
    "table.live_contact_ratio",
    "traffic.bytes_per_node_per_s",
    "traffic.messages_per_node_per_s",
    "maintenance.bytes_per_node_per_s",
]
COLUMNS = ["study", "setting", "value", "seed", *METRICS]


@dataclass(frozen=True)
class Setting:
    """A library scenario made small: plain buckets, so that a few hundred hosts are routed
    among as thousands are, instead of all knowing each other."""

    name: str
    scenario: str
    changes: dict[str, str]


@dataclass(frozen=True)
class Study:
    name: str
    title: str
    values: list[str]
    default: str
    settings: list[Setting]
    # Of values, where they are not their text.
    labels: dict[str, str] = field(default_factory=dict)
    key: str = ""  # of the node's configuration; empty: the name

    @property
    def parameter(self) -> str:
        return self.key or self.name


@dataclass(frozen=True)
class Job:
    study: Study
    setting: Setting
    value: str
    seed: int

    @property
    def folder(self) -> str:
        return f"{self.study.name}/{self.setting.name}/{self.value}"


def _small(duration: str, warm_up: str, every: str) -> dict[str, str]:
    return {
        "population.size": "150",
        "duration": duration,
        "warm_up": warm_up,
        "population.node.first_buckets": "[]",
        "population.node.connection_item_lifetime": "0s",
        "workload.lookups.every": every,
    }


CHURN = [
    Setting("1.4 min", "rhea_1_4min", _small("6min", "2min", "20s")),
    Setting("47 min", "rhea_47min", _small("20min", "8min", "60s")),
]
ITEMS_COUNT = 300
ITEMS = [
    Setting(
        "85 % in 10 min",
        "items_heavy_churn",
        {
            "population.size": "100",
            "duration": "22min",
            "workload.items.count": str(ITEMS_COUNT),
        },
    )
]
ADAPTED = {"0": "fixed"}

STUDIES = [
    Study("replication", "holders of an item", ["2", "4", "8"], "8", ITEMS),
    Study(
        "renewals_per_lifetime",
        "renewals of an item per lifetime",
        ["0", "1", "2", "4"],
        "2",
        ITEMS,
        ADAPTED,
    ),
    Study(
        "items_neighbour_checks",
        "checks of a neighbour per lifetime, without renewals",
        ["0", "4", "8", "16"],
        "8",
        [
            Setting(
                ITEMS[0].name,
                ITEMS[0].scenario,
                ITEMS[0].changes | {"population.node.renewals_per_lifetime": "0"},
            )
        ],
        {"0": "as others"},
        key="neighbour_checks_per_lifetime",
    ),
    Study(
        "neighbour_checks_per_lifetime",
        "checks of a neighbour per lifetime",
        ["0", "4", "8", "16"],
        "8",
        CHURN,
        {"0": "as others"},
    ),
    Study(
        "table_checks_per_lifetime",
        "checks of a contact per lifetime",
        ["0", "1", "2", "4"],
        "2",
        CHURN,
        ADAPTED,
    ),
    Study("alpha", "requests in flight", ["2", "4", "8"], "4", CHURN),
    Study("request_attempts", "sendings of a request", ["1", "2", "3"], "2", CHURN),
    Study("k", "contacts of a bucket", ["8", "14", "20"], "20", CHURN),
    Study(
        "refreshes_per_lifetime",
        "refreshes per lifetime",
        ["0", "1", "2"],
        "1",
        CHURN,
        ADAPTED,
    ),
]


def jobs_of(studies: list[Study], seeds: list[int]) -> list[Job]:
    return [
        Job(study, setting, value, seed)
        for study in studies
        for setting in study.settings
        for value in study.values
        for seed in seeds
    ]


def command(job: Job, runner: str, out: Path) -> list[str]:
    changes = dict(job.setting.changes)
    changes[f"population.node.{job.study.parameter}"] = job.value
    sets = [f"--set={key}={value}" for key, value in changes.items()]
    scenario = PROJECT / "scenarios" / f"{job.setting.scenario}.yaml"
    return [
        runner,
        str(scenario),
        f"--seed={job.seed}",
        "--quiet",
        "--no-report",
        f"--out={out / job.folder}",
        *sets,
    ]


def result_of(job: Job, out: Path) -> Path:
    run = f"{job.setting.scenario}-seed{job.seed}"
    return out / job.folder / run / "summary.json"


class RunFailed(Exception):
    """A run ended neither with its expectations met nor with some of them unmet."""


def run(job: Job, runner: str, out: Path) -> None:
    if result_of(job, out).exists():
        return
    arguments = command(job, runner, out)
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode not in (0, 1):  # 1: an expectation fails, as many here must
        raise RunFailed(f"{' '.join(arguments)}: {done.stderr.strip()}")
    print(f"{job.folder} seed {job.seed}", flush=True)


def row_of(job: Job, out: Path) -> dict[str, str]:
    summary = json.loads(result_of(job, out).read_text(encoding="utf-8"))
    row = {
        "study": job.study.name,
        "setting": job.setting.name,
        "value": job.value,
        "seed": str(job.seed),
    }
    for metric in METRICS:
        row[metric] = f"{summary[metric]:.6g}" if metric in summary else ""
    return row


def write_csv(rows: list[dict[str, str]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def mean(rows: list[dict[str, str]], study: str, setting: str, value: str, metric: str):
    """Over the seeds; None when there is none."""
    found = [
        float(row[metric])
        for row in rows
        if (row["study"], row["setting"], row["value"]) == (study, setting, value)
        and row[metric] != ""
    ]
    return sum(found) / len(found) if found else None


def draw(rows: list[dict[str, str]], folder: Path) -> list[Path]:
    """One figure for the studies of lookups, one for those of items."""
    measured = {row["study"] for row in rows}
    lookups = [s for s in STUDIES if s.settings is CHURN and s.name in measured]
    items = [s for s in STUDIES if s.settings is not CHURN and s.name in measured]
    drawn = []
    with plt.rc_context({**RC, "svg.hashsalt": "shoal", "figure.facecolor": "white"}):
        if lookups:
            drawn.append(_save(_draw_lookups(lookups, rows), folder / "lookups.svg"))
        if items:
            drawn.append(_save(_draw_items(items, rows), folder / "items.svg"))
    return drawn


def _draw_lookups(studies: list[Study], rows: list[dict[str, str]]):
    panels = [
        ("lookup.success_ratio", "failed lookups, %", lambda v: 100 * (1 - v), 1),
        ("lookup.exact_ratio", "not all k found, %", lambda v: 100 * (1 - v), 1),
        ("lookup.latency_ms.p50", "latency p50, ms", float, 0),
        ("lookup.latency_ms.p99", "latency p99, ms", float, 0),
        ("traffic.bytes_per_node_per_s", "bytes/s per node", float, 0),
    ]
    figure, grid = plt.subplots(
        len(studies),
        len(panels),
        figsize=(12, 2 * len(studies)),
        layout="constrained",
        squeeze=False,
    )
    for line, study in zip(grid, studies):
        for axes, (metric, label, shown, at_least) in zip(line, panels):
            top = _draw_panel(axes, study, rows, metric, shown)
            _name_values(axes, study)
            axes.set_ylim(0, max(1.15 * top, at_least))
            axes.set_ylabel(label)
    grid[0][0].legend(fontsize=7)
    return figure


def _draw_panel(axes, study: Study, rows, metric: str, shown) -> float:
    """A line for each rate of churn; returns the highest value."""
    top = 0.0
    for setting, colour in zip(study.settings, CATEGORIES):
        points = [
            (place, shown(value))
            for place, text in enumerate(study.values)
            if (value := mean(rows, study.name, setting.name, text, metric)) is not None
        ]
        axes.plot(
            [place for place, _ in points],
            [value for _, value in points],
            "o-",
            color=LIGHT[colour],
            label=f"median session {setting.name}",
            markersize=4,
        )
        top = max([top, *(value for _, value in points)])
    return top


def _draw_items(studies: list[Study], rows: list[dict[str, str]]):
    figure, axes = plt.subplots(figsize=(9, 3.6), layout="constrained")
    for place, (study, colour) in enumerate(zip(studies, CATEGORIES)):
        setting = study.settings[0].name
        cost = "traffic.bytes_per_node_per_s"
        points = [
            (text, mean(rows, study.name, setting, text, cost), share)
            for text in study.values
            if (share := _lost_share(rows, study, setting, text)) is not None
        ]
        axes.plot(
            [bytes_per_s for _, bytes_per_s, _ in points],
            [share for _, _, share in points],
            "o-",
            color=LIGHT[colour],
            label=study.title,
            markersize=4,
        )
        for text, bytes_per_s, share in points:
            axes.annotate(
                study.labels.get(text, text),
                (bytes_per_s, share),
                textcoords="offset points",
                xytext=[(6, 5), (6, 15), (-6, -3)][place],
                horizontalalignment=["left", "left", "right"][place],
                fontsize=8,
                color=LIGHT[colour],
            )
    axes.margins(x=0.1)
    axes.set_xlabel("bytes per node per s, all traffic")
    axes.set_ylabel("items lost in 20 minutes, %")
    axes.set_yscale("symlog", linthresh=0.3)
    axes.set_yticks([0, 0.3, 1, 3, 10], ["0", "0.3", "1", "3", "10"])
    axes.minorticks_off()
    axes.set_ylim(0, 30)
    axes.legend()
    return figure


def _lost_share(rows, study: Study, setting: str, value: str) -> float | None:
    lost = mean(rows, study.name, setting, value, "item.lost_count")
    return None if lost is None else 100 * lost / ITEMS_COUNT


def _name_values(axes, study: Study) -> None:
    names = [study.labels.get(value, value) for value in study.values]
    axes.set_xticks(range(len(names)), names)
    axes.get_xticklabels()[study.values.index(study.default)].set_fontweight("bold")
    axes.set_xlabel(study.parameter, fontsize=7.5)


def _save(figure, path: Path) -> Path:
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)
    return path


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [study.name for study in STUDIES]
    parser.add_argument("--out", type=Path, default=PROJECT / "out" / "curves")
    parser.add_argument("--csv", type=Path, default=RESULTS / "curves.csv")
    parser.add_argument("--figures", type=Path, default=RESULTS)
    parser.add_argument(
        "--run-scenario", default=str(PROJECT / "build/release/bin/run_scenario")
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--draw-only", action="store_true")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        if not options.draw_only:
            studies = [study for study in STUDIES if study.name in options.only]
            jobs = jobs_of(studies, options.seeds)
            with ThreadPoolExecutor(options.jobs) as pool:
                list(
                    pool.map(
                        lambda job: run(job, options.run_scenario, options.out), jobs
                    )
                )
            kept = read_csv(options.csv) if options.csv.exists() else []
            kept = [row for row in kept if row["study"] not in options.only]
            rows = kept + [row_of(job, options.out) for job in jobs]
            order = [study.name for study in STUDIES]
            rows.sort(key=lambda row: order.index(row["study"]))
            write_csv(rows, options.csv)
        drawn = draw(read_csv(options.csv), options.figures)
    except RunFailed as error:
        print(f"curves: {error}", file=sys.stderr)
        return 3
    except OSError as error:
        print(f"curves: {error}", file=sys.stderr)
        return 2
    if not drawn:
        print(f"curves: {options.csv} holds no study", file=sys.stderr)
        return 2
    for path in drawn:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
