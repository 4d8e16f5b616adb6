"""The comparison of fidelities: its arithmetic, its table, and how real processes are measured."""

import subprocess
from pathlib import Path

import pytest

import compare_fidelities
import real_network
from compare_fidelities import Setting, compare, limits, table
from real_network import Lookup, Spec, Totals, judge, metrics_of, percentile

PROJECT = Path(__file__).resolve().parents[2]
HOPS = "lookup.hops.mean"


def test_ratios_are_to_the_mean_of_the_reference():
    results = {
        "packet": [{HOPS: 1.0}, {HOPS: 3.0}],
        "message": [{HOPS: 2.0}, {HOPS: 4.0}],
    }
    [hops] = compare(results)
    assert hops.metric == HOPS
    assert hops.mean == {"packet": 2.0, "message": 3.0}
    assert hops.ratios == {"packet": [0.5, 1.5], "message": [1.0, 2.0]}
    assert hops.ratio("message") == 1.5
    assert hops.ratio("packet") == 1.0
    assert hops.ratio("processes") is None


def test_a_metric_without_a_reference_is_left_out():
    results = {
        "packet": [{"lookup.success_ratio": 0.0}],
        "message": [{HOPS: 2.0, "lookup.success_ratio": 1.0}],
    }
    assert compare(results) == []


def test_a_seed_without_a_value_does_not_count():
    results = {"packet": [{HOPS: 2.0}], "message": [{HOPS: 4.0}, {}]}
    [hops] = compare(results)
    assert hops.ratios["message"] == [2.0]


def test_the_table_has_every_fidelity_beside_the_reference():
    setting = Setting("x", "a title", ("message", "packet", "processes"))
    results = {"packet": [{HOPS: 2.0}], "message": [{HOPS: 2.5}], "processes": [{}]}
    lines = table(setting, compare(results)).splitlines()
    assert lines[0] == "### a title"
    assert lines[-1] == (
        "| `lookup.hops.mean` | 2 | 1.00–1.00 | 2.5 | 1.250 | 1.25–1.25 | – | – | – |"
    )
    assert len({line.count("|") for line in lines[2:]}) == 1


def test_the_axis_holds_every_ratio():
    results = {"packet": [{HOPS: 1.0}], "message": [{HOPS: 0.1}, {HOPS: 40.0}]}
    low, high = limits(compare(results))
    assert low < 0.1 and high > 40


def test_the_figure_is_drawn_without_some_of_the_values(tmp_path):
    settings = [
        (setting, compare({"packet": [{HOPS: 2.0}], "message": [{HOPS: 2.1}]}))
        for setting in compare_fidelities.SETTINGS
    ]
    compare_fidelities.draw(settings, tmp_path)
    assert (tmp_path / "fidelities.svg").stat().st_size > 1000
    assert (tmp_path / "fidelities.png").stat().st_size > 1000


# --- real processes


def host(number: int) -> str:
    return f"{number:064x}"


def report(target: int, closest: list[tuple[int, int, float]]) -> dict:
    return {
        "target": host(target),
        "requests": 5,
        "steps": [{"outcome": "answered"}] * 3
        + [{"outcome": "timed_out"}, {"outcome": "refused"}],
        "closest": [
            {"host": host(number), "hops": hops, "answered_after_ms": ms}
            for number, hops, ms in closest
        ],
    }


def test_a_lookup_succeeds_when_it_returns_the_closest_of_the_others():
    hosts = [host(n) for n in (8, 12, 15)]
    found = judge(report(13, [(8, 1, 2.0), (12, 2, 3.5)]), hosts, origin=host(8))
    assert found == Lookup(True, 3.5, 2, messages=9)
    # The origin itself does not count: 15 is closer to 13 than 8 is.
    found = judge(report(13, [(15, 1, 2.0)]), hosts, origin=host(12))
    assert found.success
    missed = judge(report(13, [(8, 1, 2.0)]), hosts, origin=host(15))
    assert missed == Lookup(False, messages=9)


def test_metrics_count_failures_but_not_in_latencies():
    metrics = metrics_of(
        lookups=[
            Lookup(True, 2.0, 1, 4),
            Lookup(True, 4.0, 3, 8),
            Lookup(False, messages=9),
        ],
        gets=[5.0, None],
        tables=[10, 20],
        before=Totals(10.0, 1000, 10),
        after=Totals(20.0, 3000, 50),
        nodes=2,
    )
    assert metrics == {
        "traffic.bytes_per_node_per_s": 100.0,
        "traffic.messages_per_node_per_s": 2.0,
        "lookup.success_ratio": pytest.approx(2 / 3),
        "lookup.messages.mean": 7.0,
        "lookup.hops.mean": 2.0,
        "lookup.latency_ms.p50": 2.0,
        "lookup.latency_ms.p99": 4.0,
        "item.get_success_ratio": 0.5,
        "item.get_latency_ms.p50": 5.0,
        "item.get_latency_ms.p99": 5.0,
        "table.contacts.mean": 15.0,
    }


def test_percentiles_are_those_of_the_simulator():
    assert percentile([float(n) for n in range(100, 0, -1)], 99) == 99.0
    assert percentile([7.0], 50) == 7.0
    assert percentile([1.0, 2.0, 3.0], 50) == 2.0


def test_the_scenario_is_what_the_processes_run():
    spec = Spec.of(PROJECT / "reports" / "fidelities" / "near.yaml")
    assert (spec.size, spec.duration_s, spec.arrival_s) == (32, 60.0, 5.0)
    assert spec.settings["first_buckets"] == "" and spec.settings["k"] == "5"
    assert spec.item_bytes == (100, 8192)
    assert real_network.setting_text([128, 64]) == "128,64"


def test_help_shows_an_example():
    script = PROJECT / "reports" / "compare_fidelities.py"
    done = subprocess.run([script, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "Example: reports/compare_fidelities.py" in done.stdout
    wrong = subprocess.run([script, "--seeds", "3..1"], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "expected a range such as 1..3" in wrong.stderr
