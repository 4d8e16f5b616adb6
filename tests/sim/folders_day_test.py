"""Twelve hosts that edit a folder for a day, are cut off and crash: all come to the same, nothing is lost.

What tests of single parts have not thought of: names, sizes and orders as they come. One seed with each
change, twenty by night.
"""

import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(range(1, 2), id="one"),
        pytest.param(range(2, 22), id="long", marks=pytest.mark.long),
    ],
)
def test_a_day_of_twelve_hosts_loses_nothing(seeds, tmp_path):
    program = PROJECT / "build" / "release" / "bin" / "run_scenario"
    scenario = PROJECT / "scenarios" / "folders_day.yaml"
    for seed in seeds:
        command = [program, scenario, "--seed", str(seed), "--quiet", "--out", tmp_path]
        run = subprocess.run(command, capture_output=True, text=True)
        assert run.returncode == 0, f"seed {seed}: {run.stdout}\n{run.stderr}"
