"""The history of the tracked figures, and where a series changes its level."""

import numpy as np
import pytest

import change_points
import history
import timeline
import tracked as tracking
from history import Record

TRACKED = tracking.load()
LOOKUP = "static_1000/lookup.messages.mean"
CLOSEST = "BM_table_closest/nodes:1000000/tables:1"


def record(number: int, machine="one", **figures) -> Record:
    commit = f"{number:040x}"
    return Record(
        commit,
        "2026-11-29T10:00:00Z",
        f"Change {number}",
        commit,
        "g++",
        machine,
        **figures,
    )


# --- the file


def test_what_was_appended_is_loaded_again(tmp_path):
    path = tmp_path / "history.jsonl"
    assert history.load(path) == []
    records = [
        record(1, exact={LOOKUP: 43.5}, acknowledged={f"exact {LOOKUP}": "so"}),
        record(2, timed={CLOSEST: {"median": 2.0, "low": 1.0, "high": 3.0}}),
    ]
    for one in records:
        history.append(one, path)
    assert history.load(path) == records


def test_a_second_record_of_a_commit_replaces_the_first(tmp_path):
    path = tmp_path / "history.jsonl"
    for value in (1, 2):
        history.append(record(1, exact={LOOKUP: value}), path)
    assert [one.exact for one in history.load(path)] == [{LOOKUP: 2}]


@pytest.mark.parametrize(
    "line, where",
    [
        ("{", "history.jsonl:2: no JSON"),
        ('{"commit": "abc"}', "history.jsonl:2: "),
        ("[]", "history.jsonl:2: the record"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, line, where):
    path = tmp_path / "history.jsonl"
    history.append(record(1), path)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(history.BadHistory, match=where):
        history.load(path)


def test_the_history_of_the_project_can_be_read():
    history.load()


# --- levels


def noisy(*levels: tuple[int, float], seed=1) -> list[float]:
    random = np.random.default_rng(seed)
    return [
        level * (1 + 0.02 * random.standard_normal())
        for count, level in levels
        for _ in range(count)
    ]


def test_a_new_level_of_a_noisy_series_is_found():
    (at,) = change_points.change_points(noisy((12, 100), (8, 110)))
    assert 11 <= at <= 13


def test_two_changes_are_found_in_order():
    found = change_points.change_points(noisy((12, 100), (12, 120), (12, 90)))
    assert [round(at / 12) for at in found] == [1, 2]


def test_noise_alone_raises_no_alarm():
    alarms = [
        change_points.change_points(noisy((20, 100), seed=seed)) for seed in range(50)
    ]
    assert alarms == [[]] * 50


def test_one_slow_run_is_no_change():
    series = noisy((20, 100))
    series[10] *= 3
    assert change_points.change_points(series) == []


def test_a_certain_change_of_a_hundredth_is_not_worth_a_mark():
    assert change_points.change_points([100.0] * 20 + [101.0] * 20) == []


@pytest.mark.parametrize("count", range(8))
def test_few_values_have_no_change(count):
    assert change_points.change_points([1.0, 9.0] * (count // 2)) == []


# --- timelines


def test_many_small_steps_make_a_large_one():
    values = [1000 + 3 * i for i in range(12)]
    records = [record(i, counted={CLOSEST: value}) for i, value in enumerate(values)]
    (one,) = timeline.timelines(TRACKED, records)
    assert one.changes == (4, 8)
    assert one.is_worse_now


def test_those_that_became_worse_come_first_and_acknowledged_ones_after_them():
    agenda = "BM_agenda/1000"
    records = [
        record(1, exact={LOOKUP: 40}, counted={CLOSEST: 100, agenda: 100}),
        record(
            2,
            exact={LOOKUP: 41},
            counted={CLOSEST: 103, agenda: 50},
            acknowledged={f"exact {LOOKUP}": "so"},
        ),
    ]
    found = timeline.timelines(TRACKED, records)
    assert [one.figure.name for one in found] == [CLOSEST, LOOKUP, agenda]
    assert [one.is_worse_now for one in found] == [True, False, False]
    assert [one.percent(1) for one in found] == ["+3.00 %", "+2.50 %", "-50.00 %"]


def test_times_of_other_machines_are_left_out():
    times = {CLOSEST: {"median": 2.0, "low": 1.0, "high": 3.0}}
    records = [record(1, "other", timed=times), record(2, "one", timed=times)]
    (one,) = timeline.timelines(TRACKED, records)
    assert [r.commit for r in one.records] == [records[1].commit]


def test_an_empty_history_has_no_timelines():
    assert timeline.timelines(TRACKED, []) == []
