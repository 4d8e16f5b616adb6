"""Figures of two commits held against each other: made up ones, and real ones recorded beside this file."""

import json
from pathlib import Path

import pytest

import checkout
import compare
import history
import measure
import regress
import tracked as tracking
from compare import Acknowledgement

RECORDED = Path(__file__).resolve().parent / "recorded"
TRACKED = tracking.load()
LOOKUP = "static_1000/lookup.messages.mean"
CLOSEST = "BM_table_closest/nodes:1000000/tables:1"


def changes(base: dict, head: dict, known=()):
    return compare.changes(TRACKED, base, head, list(known))


def test_an_exact_figure_may_not_change_at_all():
    (change,) = changes({"exact": {LOOKUP: 43.408}}, {"exact": {LOOKUP: 43.409}})
    assert change.fails
    assert change.figure.unit == "messages"


def test_an_exact_figure_that_is_better_is_shown_and_does_not_fail():
    (change,) = changes({"exact": {LOOKUP: 43.4}}, {"exact": {LOOKUP: 42.4}})
    assert not change.fails
    assert change.percent == "-2.30 %"


def test_a_ratio_of_successes_is_worse_when_it_falls():
    name = "churn_500/lookup.success_ratio"
    (change,) = changes({"exact": {name: 1.0}}, {"exact": {name: 0.999}})
    assert change.fails


@pytest.mark.parametrize("now, fails", [(1009, []), (1011, [True]), (989, [False])])
def test_counted_figures_have_a_band_of_one_percent(now, fails):
    found = changes({"counted": {CLOSEST: 1000}}, {"counted": {CLOSEST: now}})
    assert [change.fails for change in found] == fails


def test_what_is_acknowledged_is_shown_with_its_reason_and_does_not_fail():
    known = [Acknowledgement(f"exact {LOOKUP}", 44.5, "it asks one host more")]
    (change,) = changes({"exact": {LOOKUP: 43.5}}, {"exact": {LOOKUP: 44.5}}, known)
    assert not change.fails
    assert change.why == "it asks one host more"


def test_an_acknowledgement_of_another_value_does_not_count():
    known = [Acknowledgement(f"exact {LOOKUP}", 44.5, "it asks one host more")]
    (change,) = changes({"exact": {LOOKUP: 43.5}}, {"exact": {LOOKUP: 45.5}}, known)
    assert change.fails


def test_a_figure_that_the_base_lacks_is_no_change():
    assert changes({"exact": {}}, {"exact": {LOOKUP: 43.5}}) == []


def test_a_change_from_nothing_has_no_percentage():
    name = "churn_500/item.lost_count"
    (change,) = changes({"exact": {name: 0}}, {"exact": {name: 2}})
    assert change.fails
    assert change.percent == "from 0"


def test_what_fails_comes_first_and_the_greatest_before_others():
    base = {"exact": {LOOKUP: 10}, "counted": {CLOSEST: 1000, "BM_agenda/1000": 100}}
    head = {"exact": {LOOKUP: 5}, "counted": {CLOSEST: 1100, "BM_agenda/1000": 150}}
    found = [change.figure.name for change in changes(base, head)]
    assert found == ["BM_agenda/1000", CLOSEST, LOOKUP]


# --- real figures


def recorded(name: str) -> list[dict]:
    return [json.loads(line) for line in (RECORDED / name).read_text().splitlines()]


def test_twenty_runs_of_one_commit_raise_no_alarm():
    first, *others = recorded("reruns.jsonl")
    assert len(others) == 19
    assert [changes(first, other) for other in others] == [[]] * 19


# Made on branches: see the README of the folder.
@pytest.mark.parametrize(
    "name, figure",
    [
        ("closest_ten_percent_slower", f"counted {CLOSEST}"),
        ("a_message_more_per_lookup", f"exact {LOOKUP}"),
        ("a_byte_more_per_packet", "exact bootstrap_50/traffic.bytes_per_node_per_s"),
    ],
)
def test_a_regression_made_on_purpose_is_named(name, figure):
    base, head = recorded(f"{name}.jsonl")
    failing = [change.key for change in changes(base, head) if change.fails]
    assert figure in failing


# --- the command


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Figures in place of builds: of the working tree, and of the base."""

    class Measured:
        head = {"exact": {LOOKUP: 43.5}, "counted": {CLOSEST: 1000.0}}
        base = {"exact": {LOOKUP: 43.5}, "counted": {CLOSEST: 1000.0}}

    def figures(source, *_):
        return Measured.head if source == tracking.PROJECT else Measured.base

    commit = checkout.Commit("b" * 40, "2026-11-29T10:00:00Z", "The base")
    monkeypatch.setattr(checkout, "build", lambda source: source / "build")
    monkeypatch.setattr(checkout, "check_out", lambda _: tmp_path)
    monkeypatch.setattr(checkout, "compiler", lambda _: "g++")
    monkeypatch.setattr(checkout, "resolve", lambda _: commit)
    monkeypatch.setattr(checkout, "default_base", lambda: commit)
    monkeypatch.setattr(regress, "figures_of", figures)
    monkeypatch.setattr(history, "load", lambda: [])
    monkeypatch.setattr(compare, "acknowledgements", lambda: [])
    return Measured


def test_without_a_change_it_says_so_and_ends_well(measured, capsys):
    assert regress.main([]) == 0
    assert (
        "2 figures compared with bbbbbbbbbbbb (The base): 0 worse"
        in capsys.readouterr().out
    )


def test_a_regression_is_named_with_size_and_commit_and_how_to_acknowledge_it(
    measured, capsys
):
    measured.head = {"exact": {LOOKUP: 44.5}, "counted": {CLOSEST: 1000.0}}
    assert regress.main([]) == 1
    out = capsys.readouterr().out
    assert f"WORSE        exact {LOOKUP}" in out
    assert "43.5 -> 44.5 messages (+2.30 %); since bbbbbbbbbbbb" in out
    assert f'- figure: "exact {LOOKUP}"\n  value: 44.5\n  why: ...' in out


def test_what_cannot_be_measured_is_told_with_its_own_status(
    measured, capsys, monkeypatch
):
    def fail(*_):
        raise measure.CannotMeasure("run_scenario ended with status 3:\nno memory")

    monkeypatch.setattr(regress, "figures_of", fail)
    assert regress.main([]) == 3
    assert "no memory" in capsys.readouterr().err


def record(commit: str, compiler: str, messages: float) -> history.Record:
    figures = {"exact": {LOOKUP: messages}, "counted": {}}
    return history.Record(
        commit, "2026-11-29T10:00:00Z", "So", "c" * 40, compiler, "m", **figures
    )


def test_the_newest_record_of_this_branch_and_compiler_serves_as_base(
    measured, capsys, monkeypatch
):
    records = [
        record("1" * 40, "g++", 40.0),
        record("2" * 40, "g++", 43.0),
        record("3" * 40, "clang++", 50.0),
        record("4" * 40, "g++", 50.0),
    ]
    monkeypatch.setattr(history, "load", lambda: records)
    monkeypatch.setattr(
        checkout, "is_ancestor", lambda commit, of: commit != "4" * 40 and of == "HEAD"
    )
    monkeypatch.setattr(checkout, "check_out", lambda _: pytest.fail("it is built"))
    assert regress.main(["--recorded"]) == 1
    out = capsys.readouterr().out
    assert "43 -> 43.5 messages" in out
    assert "1 figures compared" in out, "what the record lacks is not"


def test_without_a_record_there_is_nothing_to_compare_with(measured, capsys):
    assert regress.main(["--recorded"]) == 3
    assert (
        "history.jsonl has no record of this branch by g++" in capsys.readouterr().err
    )


def test_an_unknown_commit_is_refused(capsys):
    assert regress.main(["--base", "nosuchcommit"]) == 2
    assert "nosuchcommit" in capsys.readouterr().err


# --- files that people write


@pytest.mark.parametrize(
    "text, where",
    [
        ("figure: x", "not of type 'array'"),
        ("- {figure: x, value: 1}", "'why' is a required property"),
        ("- {figure: x, value: many, why: so}", "0.value"),
        ("- [", "while parsing"),
    ],
)
def test_a_wrong_acknowledgement_says_where(tmp_path, text, where):
    path = tmp_path / "acknowledged.yaml"
    path.write_text(text)
    with pytest.raises(compare.BadAcknowledgement, match="acknowledged.yaml") as raised:
        compare.acknowledgements(path)
    assert where in str(raised.value)


def test_an_empty_file_acknowledges_nothing(tmp_path):
    path = tmp_path / "acknowledged.yaml"
    path.write_text("# nothing yet\n")
    assert compare.acknowledgements(path) == []
    assert compare.acknowledgements(tmp_path / "missing.yaml") == []


def test_the_project_acknowledges_figures_that_are_tracked():
    known = {f"{kind} {name}" for kind, name in TRACKED.figures}
    assert {one.figure for one in compare.acknowledgements()} <= known


TRACKED_FILE = """
metrics: {lookup.hops.mean: {title: hops, unit: hops, better: lower}}
exact: [{scenario: a.yaml, metrics: [lookup.hops.mean]}]
counted: [{benchmark: b, title: B, iterations: 1}]
timed: [{benchmark: b, title: B}]
"""


@pytest.mark.parametrize(
    "old, new, where",
    [
        ("better: lower", "better: more", "metrics.lookup.hops.mean.better"),
        ("iterations: 1", "iterations: 0", "counted.0.iterations"),
        ("[lookup.hops.mean]}", "[lookup.hops]}", "the metric 'lookup.hops'"),
        ("[lookup.hops.mean]}", "[lookup.hops.mean, lookup.hops.mean]}", "there twice"),
        ("timed:", "times:", "'times' was unexpected"),
    ],
)
def test_a_wrong_list_of_figures_says_where(tmp_path, old, new, where):
    path = tmp_path / "tracked.yaml"
    path.write_text(TRACKED_FILE)
    assert len(tracking.load(path).figures) == 3
    path.write_text(TRACKED_FILE.replace(old, new))
    with pytest.raises(tracking.BadTracked, match="tracked.yaml") as raised:
        tracking.load(path)
    assert where in str(raised.value)
