"""Measures the tracked figures of a build: exact ones by running scenarios, counted ones by callgrind, timed
ones by running two builds in turn."""

import json
import os
import re
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tracked import Benchmark, Tracked

TIMED_ROUNDS = 9
TIMED_MIN_S = 0.05  # of one benchmark in one round

Progress = Callable[[str], None]


class CannotMeasure(Exception):
    """A program failed, or lacks a figure; the text says which, and what it printed."""


def exact(source: Path, build: Path, tracked: Tracked, progress: Progress) -> dict:
    """The metrics of the scenario runs, by SCENARIO/METRIC. `source` is the checkout that `build` was made
    from: its scenarios are run. Raises CannotMeasure."""
    figures = {}
    with tempfile.TemporaryDirectory() as out:
        for scenario in tracked.scenarios:
            progress(f"{scenario.name} ...")
            command = [build / "bin/run_scenario", source / "scenarios" / scenario.file]
            command += ["--no-report", "--quiet", "--out", out]
            for setting in scenario.settings:
                command += ["--set", setting]
            # 1: an expectation of the whole scenario, which a shortened run may miss.
            _run(command, allowed=(0, 1))
            (summary,) = Path(out).glob(f"{scenario.name}-seed*/summary.json")
            values = json.loads(summary.read_text(encoding="utf-8"))
            for metric in scenario.metrics:
                if not isinstance(values.get(metric), (int, float)):
                    raise CannotMeasure(
                        f"{scenario.file} gives no number for {metric}, but {values.get(metric)!r}"
                    )
                figures[f"{scenario.name}/{metric}"] = values[metric]
    return figures


def counted(build: Path, tracked: Tracked, progress: Progress) -> dict:
    """Instructions per iteration: of two runs, one of twice as many iterations, the difference. What is done
    before and after the iterations cancels out. Raises CannotMeasure."""
    figures = {}
    for benchmark in tracked.counted:
        progress(f"{benchmark.name} ...")
        once = _instructions(build, benchmark, benchmark.iterations)
        twice = _instructions(build, benchmark, 2 * benchmark.iterations)
        figures[benchmark.name] = (twice - once) / benchmark.iterations
    return figures


def _instructions(build: Path, benchmark: Benchmark, iterations: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        counts, results = Path(folder) / "counts", Path(folder) / "results.json"
        _run(
            [
                *("valgrind", "--quiet", "--tool=callgrind"),
                f"--callgrind-out-file={counts}",
                f"--toggle-collect=*{benchmark.function}*benchmark::State*",
                build / "bin/shoal_bench",
                *_only(benchmark.name),
                f"--benchmark_out={results}",
            ],
            SHOAL_BENCH_ITERATIONS=str(iterations),
        )
        ran = [row["iterations"] for row in _rows(results)]
        if ran != [iterations]:
            raise CannotMeasure(
                f"{benchmark.name} ran {ran} times, not {iterations}: it does not end in Apply(counted)"
            )
        total = re.search(r"^(?:totals|summary): (\d+)", counts.read_text(), re.M)
        if total is None or total[1] == "0":
            raise CannotMeasure(
                f"callgrind counted nothing within '{benchmark.function}' of {benchmark.name}"
            )
        return int(total[1])


def timed(builds: list[Path], tracked: Tracked, progress: Progress) -> list[dict]:
    """Nanoseconds per iteration of each build: {"median", "low", "high"} of TIMED_ROUNDS runs, in turn so
    that what else the machine does meets all alike. A benchmark that a build lacks is left out of its
    figures. Raises CannotMeasure."""
    runs: list[dict[str, list[float]]] = [{} for _ in builds]
    for round_number in range(TIMED_ROUNDS):
        progress(f"round {round_number + 1} of {TIMED_ROUNDS} ...")
        for benchmark in tracked.timed:
            for build, of_build in zip(builds, runs):
                for value in _nanoseconds(build, benchmark.name):
                    of_build.setdefault(benchmark.name, []).append(value)
    if not runs[0]:
        raise CannotMeasure(f"{builds[0]} has none of the benchmarks that are timed")
    return [
        {
            name: {
                "median": statistics.median(values),
                "low": min(values),
                "high": max(values),
            }
            for name, values in of_build.items()
        }
        for of_build in runs
    ]


def _nanoseconds(build: Path, name: str) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        _run(
            [
                build / "bin/shoal_bench",
                *_only(name),
                f"--benchmark_min_time={TIMED_MIN_S}",
                f"--benchmark_out={results}",
            ]
        )
        scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
        return [row["cpu_time"] * scale[row["time_unit"]] for row in _rows(results)]


def _only(name: str) -> list[str]:
    # A benchmark that is told its iterations has them in its name.
    return [f"--benchmark_filter=^{re.escape(name)}(/iterations:[0-9]+)?$"]


def _rows(results: Path) -> list[dict]:
    text = results.read_text(encoding="utf-8") if results.exists() else ""
    # Nothing matched: an empty file.
    rows = json.loads(text)["benchmarks"] if text.strip() else []
    return [row for row in rows if row["run_type"] == "iteration"]


def _run(command: list, allowed=(0,), **environment: str) -> None:
    try:
        done = subprocess.run(
            [str(part) for part in command],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except OSError as error:
        raise CannotMeasure(f"{command[0]} cannot be run: {error}") from error
    if done.returncode not in allowed:
        last = "\n".join(done.stdout.splitlines()[-20:])
        raise CannotMeasure(
            f"{' '.join(map(str, command))} ended with status {done.returncode}:\n{last}"
        )
