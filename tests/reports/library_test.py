"""The index page of a library of runs."""

import json
import sqlite3
from pathlib import Path

import pytest

import figures
import fixture_run
import library
import published
import run_data

PROJECT = Path(__file__).resolve().parents[2]


def test_shows_a_card_with_figure_and_link_for_each_scenario(tmp_path, capsys):
    fixture_run.write_run(tmp_path / "churn_500-seed1")
    assert library.main([str(tmp_path)]) == 0
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert html.count('<a class="tile"') == 1
    assert 'href="churn_500-seed1/report.html"' in html
    assert "✓ holds" in html
    assert "<svg" in html
    assert "500 nodes come and go, are split in two &amp; heal again." in html
    assert "Beside what was published" not in html
    assert str(tmp_path / "index.html") in capsys.readouterr().out


def test_failed_expectations_are_named_and_decide_the_exit_status(tmp_path, capsys):
    fixture_run.write_run(tmp_path / "churn_500-seed1", healthy=False)
    assert library.main([str(tmp_path)]) == 1
    assert "✗" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "do not hold: churn_500" in capsys.readouterr().out


def test_runs_of_one_scenario_share_a_card(tmp_path):
    fixture_run.write_run(tmp_path / "churn_500-seed1")
    fixture_run.write_run(tmp_path / "churn_500-seed2")
    html = library.index(library.load_runs(tmp_path))
    assert html.count('<a class="tile"') == 1
    assert "2 seeds" in html


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_a_folder_without_runs_is_an_error_that_says_so(tmp_path, name, capsys):
    (tmp_path / "empty").mkdir()
    assert library.main([str(tmp_path / name)]) == 2
    assert str(tmp_path / name) in capsys.readouterr().err


def test_the_language_knows_the_figures_that_are_drawn():
    schema = json.loads((PROJECT / "scenarios" / "schema.json").read_text())
    drawn = [name for name, *_ in figures.FIGURES]
    assert schema["properties"]["figure"]["enum"] == drawn


def set_fact(directory: Path, key: str, value: str) -> None:
    database = sqlite3.connect(directory / "run.sqlite")
    with database:
        database.execute("INSERT OR REPLACE INTO run VALUES (?, ?)", (key, value))
    database.close()


def test_the_main_figure_is_the_one_the_scenario_names(tmp_path):
    directory = fixture_run.write_run(tmp_path / "churn_500-seed1")
    success = figures.draw_main(run_data.load(directory), figures.NARROW_INCHES)
    set_fact(directory, "figure", "hops")
    hops = figures.draw_main(run_data.load(directory), figures.NARROW_INCHES)
    assert hops != success
    set_fact(directory, "figure", "nonsense")
    with pytest.raises(run_data.BadRun, match="nonsense"):
        figures.draw_main(run_data.load(directory), figures.NARROW_INCHES)


@pytest.mark.parametrize(
    "law, minutes",
    [
        ("{exponential: {mean: 1h}}", 41.589),
        ("{exponential: {median: 84s}}", 1.4),
    ],
)
def test_published_settings_are_placed_by_their_median_session(tmp_path, law, minutes):
    directory = fixture_run.write_run(tmp_path / "rhea-seed1")
    text = f"name: rhea\nchurn:\n  session: {law}\n"
    set_fact(directory, "scenario", "rhea_x")
    set_fact(directory, "scenario_text", text)
    run = run_data.load(directory)
    assert published.median_session_min(run) == pytest.approx(minutes, abs=1e-3)
    html = library.index(library.load_runs(tmp_path))
    assert "Beside what was published" in html and "after Rhea 2004" in html
