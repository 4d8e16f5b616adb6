"""Measuring, with small programs in place of run_scenario, shoal_bench and valgrind."""

import dataclasses
import os

import pytest

import measure
import tracked as tracking
from tracked import Benchmark, Scenario

NOTHING = dataclasses.replace(tracking.load(), scenarios=(), counted=(), timed=())


def quiet(_: str) -> None:
    pass


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A build whose programs are shell scripts."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    def make(**programs: str):
        for name, text in programs.items():
            path = tmp_path / "bin" / name
            path.write_text(f"#!/bin/bash\n{text}\n")
            path.chmod(0o755)
        return tmp_path

    return make


SCENARIO = Scenario("small.yaml", ("duration=1min",), ("lookup.hops.mean",))
RUN = """
while [ $# -gt 0 ]; do
  [ "$1" = --out ] && out=$2
  [ "$1 $2" = "--set duration=1min" ] && set=yes
  shift
done
mkdir -p "$out/small-seed1"
echo '{"lookup.hops.mean": %s}' > "$out/small-seed1/summary.json"
[ "$set" = yes ]"""


def test_metrics_of_scenarios_are_named_by_both(build):
    tracked = dataclasses.replace(NOTHING, scenarios=(SCENARIO,))
    made = build(run_scenario=RUN % "2.5")
    assert measure.exact(made, made, tracked, quiet) == {"small/lookup.hops.mean": 2.5}


def test_a_metric_without_a_number_is_an_error(build):
    tracked = dataclasses.replace(NOTHING, scenarios=(SCENARIO,))
    made = build(run_scenario=RUN % '"never"')
    with pytest.raises(
        measure.CannotMeasure, match="no number for lookup.hops.mean, but 'never'"
    ):
        measure.exact(made, made, tracked, quiet)


def test_a_program_that_fails_is_named_with_its_last_words(build):
    tracked = dataclasses.replace(NOTHING, scenarios=(SCENARIO,))
    made = build(run_scenario="echo out of memory; exit 3")
    with pytest.raises(
        measure.CannotMeasure, match="ended with status 3:\nout of memory"
    ):
        measure.exact(made, made, tracked, quiet)


COUNTED = Benchmark("closest/20", "closest", iterations=10, function="closest(")
# 1000 instructions beside 7 an iteration.
VALGRIND = """
for argument; do
  case $argument in
    --callgrind-out-file=*) counts=${argument#*=} ;;
    --benchmark_out=*) results=${argument#*=} ;;
  esac
done
echo "totals: $((%s * (1000 + 7 * SHOAL_BENCH_ITERATIONS)))" > "$counts"
echo '{"benchmarks": [{"run_type": "iteration", "iterations": '"%s"'}]}' > "$results"
"""


def test_instructions_are_those_of_one_iteration(build):
    tracked = dataclasses.replace(NOTHING, counted=(COUNTED,))
    made = build(valgrind=VALGRIND % (1, "$SHOAL_BENCH_ITERATIONS"))
    assert measure.counted(made, tracked, quiet) == {"closest/20": 7}


@pytest.mark.parametrize(
    "factor, iterations, error",
    [
        (0, "$SHOAL_BENCH_ITERATIONS", "counted nothing within 'closest\\('"),
        (1, "31", "ran \\[31\\] times, not 10: it does not end in Apply"),
    ],
)
def test_a_benchmark_that_cannot_be_counted_is_an_error(
    build, factor, iterations, error
):
    tracked = dataclasses.replace(NOTHING, counted=(COUNTED,))
    made = build(valgrind=VALGRIND % (factor, iterations))
    with pytest.raises(measure.CannotMeasure, match=error):
        measure.counted(made, tracked, quiet)


BENCH = """
for argument; do case $argument in --benchmark_out=*) results=${argument#*=} ;; esac; done
echo run >> %s
runs=$(wc -l < %s)
echo '{"benchmarks": [{"run_type": "iteration", "cpu_time": '"$runs"', "time_unit": "us"}]}' > "$results"
"""


def test_times_are_medians_in_nanoseconds_with_their_spread(build, tmp_path):
    tracked = dataclasses.replace(NOTHING, timed=(Benchmark("closest/20", "closest"),))
    made = build(shoal_bench=BENCH % (tmp_path / "runs", tmp_path / "runs"))
    (times,) = measure.timed([made], tracked, quiet)
    assert times == {"closest/20": {"median": 5000, "low": 1000, "high": 9000}}


def test_builds_take_turns(build, tmp_path):
    tracked = dataclasses.replace(NOTHING, timed=(Benchmark("closest/20", "closest"),))
    made = build(shoal_bench=BENCH % (tmp_path / "runs", tmp_path / "runs"))
    one, other = measure.timed([made, made], tracked, quiet)
    assert [one["closest/20"]["low"], other["closest/20"]["low"]] == [1000, 2000]
    assert [one["closest/20"]["high"], other["closest/20"]["high"]] == [17000, 18000]


def test_a_build_without_the_benchmarks_is_an_error(build):
    tracked = dataclasses.replace(NOTHING, timed=(Benchmark("closest/20", "closest"),))
    made = build(shoal_bench="true")
    with pytest.raises(measure.CannotMeasure, match="none of the benchmarks"):
        measure.timed([made], tracked, quiet)


def test_every_tracked_benchmark_is_one_that_there_is():
    names = {
        line.partition("(")[2].partition(",")[0].partition(")")[0]
        for file in (tracking.PROJECT / "bench").glob("*_bench.cpp")
        for line in file.read_text().splitlines()
        if line.strip().startswith(("BENCHMARK(", "BENCHMARK_CAPTURE("))
    }
    names |= {"encode", "decode"}  # by a macro
    tracked = tracking.load()
    known = {one.name.split("/")[0] for one in tracked.counted + tracked.timed}
    assert {name for name in known if not name.startswith("store_")} <= names
