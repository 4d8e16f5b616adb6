"""The curves of a node's parameters, with a stand-in for run_scenario."""

import json
import stat

import pytest

import curves

FAKE = """#!/usr/bin/python3
import json, pathlib, sys
out = next(a[6:] for a in sys.argv if a.startswith("--out="))
seed = next(a[7:] for a in sys.argv if a.startswith("--seed="))
name = pathlib.Path(sys.argv[1]).stem
run = pathlib.Path(out) / f"{name}-seed{seed}"
run.mkdir(parents=True)
summary = {"lookup.success_ratio": 0.99, "lookup.latency_ms.p50": 200,
           "lookup.latency_ms.p99": 900, "traffic.bytes_per_node_per_s": 1000.5, "item.lost_count": 3}
(run / "summary.json").write_text(json.dumps(summary))
with open(pathlib.Path(__file__).parent / "calls", "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
sys.exit(EXIT)
"""


@pytest.fixture
def fake(tmp_path):
    def make(exit_status=1):
        path = tmp_path / "run_scenario"
        path.write_text(FAKE.replace("EXIT", str(exit_status)), encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


def arguments(tmp_path, runner, *more):
    return [
        f"--run-scenario={runner}",
        f"--out={tmp_path / 'out'}",
        f"--csv={tmp_path / 'curves.csv'}",
        f"--figures={tmp_path}",
        *more,
    ]


def calls(tmp_path):
    lines = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_runs_every_value_once_and_draws_both_figures(tmp_path, fake):
    runner = fake()
    assert (
        curves.main(arguments(tmp_path, runner, "--only", "alpha", "replication")) == 0
    )
    made = calls(tmp_path)
    of_alpha = [call for call in made if "--set=population.node.alpha=8" in call]
    assert len(of_alpha) == 2  # one for each rate of churn
    assert "--set=population.size=150" in of_alpha[0]
    rows = curves.read_csv(tmp_path / "curves.csv")
    assert len(rows) == len(made) == 9
    assert rows[0]["lookup.success_ratio"] == "0.99"
    assert rows[0]["lookup.exact_ratio"] == ""
    for figure in ("lookups.svg", "items.svg"):
        assert "<svg" in (tmp_path / figure).read_text(encoding="utf-8")


def test_takes_up_where_it_ended(tmp_path, fake):
    runner = fake()
    curves.main(arguments(tmp_path, runner, "--only", "alpha"))
    before = len(calls(tmp_path))
    curves.main(arguments(tmp_path, runner, "--only", "alpha", "replication"))
    assert len(calls(tmp_path)) == before + 3
    assert len(curves.read_csv(tmp_path / "curves.csv")) == 9


def test_draws_from_the_csv_alone(tmp_path, fake):
    runner = fake()
    curves.main(arguments(tmp_path, runner, "--only", "alpha"))
    (tmp_path / "lookups.svg").unlink()
    assert curves.main(arguments(tmp_path, "/none", "--draw-only")) == 0
    assert (tmp_path / "lookups.svg").exists()


def test_a_run_that_fails_ends_it(tmp_path, fake, capsys):
    assert curves.main(arguments(tmp_path, fake(3), "--only", "alpha")) == 3
    assert "run_scenario" in capsys.readouterr().err


def test_the_committed_figures_can_be_drawn_again(tmp_path):
    assert curves.main(["--draw-only", f"--figures={tmp_path}"]) == 0


def test_every_parameter_is_a_key_that_scenarios_may_set():
    schema = json.loads((curves.PROJECT / "scenarios/schema.json").read_text())
    node = schema["properties"]["population"]["properties"]["node"]["properties"]
    assert {study.parameter for study in curves.STUDIES} <= set(node)
    for study in curves.STUDIES:
        assert study.default in study.values
