"""The report of a run: what it shows, and what it says when there is no run to show."""

import json
import re
import sqlite3
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

import figures
import fixture_run
import page
import report
import run_data
import theme

REPORT = Path(report.__file__)


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    directory = fixture_run.write_run(tmp_path_factory.mktemp("good"))
    report.write_report(directory)
    return directory


@pytest.fixture(scope="module")
def failing(tmp_path_factory) -> Path:
    directory = fixture_run.write_run(tmp_path_factory.mktemp("bad"), healthy=False)
    report.write_report(directory)
    return directory


def run_report(*arguments: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, REPORT, *arguments], capture_output=True, text=True
    )


def html_of(directory: Path) -> str:
    return (directory / "report.html").read_text(encoding="utf-8")


class TagBalance(HTMLParser):
    """Fails on the first tag that closes another one than the last opened."""

    VOID = {"meta", "br", "use", "path"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_says_where_the_report_is(good):
    done = run_report(good)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"report: {good / 'report.html'}\n"


def test_page_is_whole_and_needs_nothing_else(good):
    text = html_of(good)
    balance = TagBalance()
    balance.feed(text)
    assert balance.open == []
    assert not re.search(r"""(src|href)=["'](?!#)""", text)
    assert "@import" not in text and "<script" not in text
    assert 'name="viewport"' in text and "prefers-color-scheme: dark" in text


def test_every_figure_is_there_and_says_how_to_read_it(good):
    text = html_of(good)
    assert text.count("<figure>") == 6
    assert len(re.findall(r"<figcaption>[^<]{40,}</figcaption>", text)) == 6
    names = sorted(path.name for path in (good / "figures").iterdir())
    assert names == [
        "hops.svg",
        "latency.svg",
        "online.svg",
        "success.svg",
        "tables.svg",
        "traffic.svg",
    ]


@pytest.mark.parametrize(
    "name, least",
    [
        ("online", 361),
        ("success", 360),
        ("latency", 100),
        ("traffic", 360),
        ("tables", 361),
    ],
)
def test_figures_are_not_blank(good, name, least):
    # The longest path of the drawing has a point for each sample or bin.
    drawing = ElementTree.parse(good / "figures" / f"{name}.svg")
    points = [
        len(re.findall(r"[ML]", element.get("d", "")))
        for element in drawing.iter("{http://www.w3.org/2000/svg}path")
    ]
    # matplotlib drops points that lie on a straight line, of which the model has few.
    assert max(points) > 0.5 * least


def test_hops_have_a_bar_each(good):
    drawing = (good / "figures" / "hops.svg").read_text()
    assert drawing.count(f"fill: {theme.LIGHT['c1']}") == 5


def test_drawings_in_the_page_follow_the_theme_and_share_no_ids(good):
    text = html_of(good)
    drawn = text[text.index("<svg") : text.rindex("</svg>")]
    for role in ("c1", "c2", "ink", "muted"):
        assert theme.LIGHT[role] not in drawn, role
        assert f"var(--{role})" in drawn, role
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for reference in re.findall(r'href="#([^"]+)"', text):
        assert reference in ids


def test_roles_have_colours_of_their_own_in_both_themes():
    assert theme.LIGHT.keys() == theme.DARK.keys()
    assert len(set(theme.LIGHT.values())) == len(theme.LIGHT)


def test_faults_and_warm_up_are_marked_on_every_time_axis(good):
    for name in ("online", "success", "traffic", "tables"):
        drawing = (good / "figures" / f"{name}.svg").read_text()
        # matplotlib writes each piece of text as a comment beside its shapes.
        for mark in ("warm-up", "partition", "loss", "kill"):
            assert f"<!-- {mark} -->" in drawing, (name, mark)
    assert "<!-- partition -->" not in (good / "figures" / "latency.svg").read_text()


def test_a_run_without_lookups_shows_the_success_of_its_gets(tmp_path):
    directory = fixture_run.write_run(tmp_path / "items-seed1")
    with sqlite3.connect(directory / "run.sqlite") as database:
        database.execute("DELETE FROM series WHERE metric LIKE 'lookups.%'")
    database.close()
    assert run_report(directory).returncode == 0
    assert (
        "<!-- gets of items -->" in (directory / "figures" / "success.svg").read_text()
    )


def test_a_run_with_groups_shows_their_sessions_and_primaries(tmp_path):
    directory = fixture_run.write_run(tmp_path / "groups-seed1")
    with sqlite3.connect(directory / "run.sqlite") as database:
        for metric in ("group.session_ratio", "group.primaries"):
            rows = [(t_s, metric, t_s % 7 / 7) for t_s in range(1, 100)]
            database.executemany("INSERT INTO series VALUES (?, ?, ?)", rows)
    database.close()
    assert run_report(directory).returncode == 0
    drawing = (directory / "figures" / "groups.svg").read_text()
    assert "<!-- pairs with a session -->" in drawing
    assert "<!-- primaries per part -->" in drawing


def test_a_run_that_holds_says_so(good):
    text = html_of(good)
    assert "all expectations hold" in text
    assert text.count("✓ met") == 3 and "✗" not in text
    assert "Violations of" not in text


def test_a_run_that_fails_shows_the_failure_first(failing):
    text = html_of(failing)
    assert "1 of 3 expectations fail" in text
    assert text.index("✗ failed") < text.index("✓ met")
    assert "lookup.latency_ms.p99 &lt;= 3000" in text
    assert "forged_value" in text and "nobody put" in text
    assert "Lookups that failed" in text
    assert "<b>never</b>" in text


def test_a_failed_expectation_links_to_its_three_worst_examples(failing):
    text = html_of(failing)
    links = re.findall(r'href="#(example-[^"]+)"', text)
    assert links == [f"example-lookup-latency_ms-p99-{rank}" for rank in (1, 2, 3)]
    for link in links:
        assert f'id="{link}"' in text
    row = next(line for line in text.splitlines() if "p99 &lt;= 3000" in line)
    assert "worst:" in row and "lookup 1001" in row
    assert "told by host-12" in text
    assert "[&lt;left&gt; &amp; gone]" in text
    assert f"run_scenario explain {failing} lookup 1001" in text


def test_a_run_that_holds_has_no_examples(good):
    text = html_of(good)
    assert "worst" not in text and "example-" not in text


def test_violations_name_rule_time_host_operation_and_job(failing):
    text = html_of(failing)
    row = next(line for line in text.splitlines() if "nobody put" in line)
    for part in ("1,834.2 s", ">17<", "forged_value", "get 812", "handle_response"):
        assert part in row, part
    assert "a value got is one that was put" in text


def test_the_schema_read_is_the_schema_written():
    header = (fixture_run.PROJECT / "sim" / "run_schema.h").read_text()
    assert f"kRunSchemaVersion = {run_data.SCHEMA_VERSION};" in header


def test_text_of_a_scenario_cannot_break_the_page(tmp_path):
    fixture_run.write_run(tmp_path)
    with sqlite3.connect(tmp_path / "run.sqlite") as database:
        database.execute(
            "UPDATE run SET value = '</main><script>x</script>' WHERE key = 'scenario'"
        )
    database.close()
    report.write_report(tmp_path)
    assert "<script" not in html_of(tmp_path)
    assert "&lt;/main&gt;" in html_of(tmp_path)


def test_a_quiet_run_has_only_the_figures_it_has_data_for(tmp_path):
    fixture_run.write_run(tmp_path, eventful=False)
    with sqlite3.connect(tmp_path / "run.sqlite") as database:
        database.execute("DELETE FROM series WHERE metric LIKE 'table.%'")
        database.execute("DELETE FROM expectations")
        database.execute("DELETE FROM histograms")
    database.close()
    assert run_report(tmp_path).returncode == 0
    text = html_of(tmp_path)
    assert text.count("<figure>") == 3
    assert "no expectations" in text and "<h2>Faults" not in text


def test_the_same_run_gives_the_same_page(good, tmp_path):
    fixture_run.write_run(tmp_path)
    report.write_report(tmp_path)
    assert html_of(tmp_path) == html_of(good)


@pytest.mark.parametrize(
    "value, decimals, text",
    [
        (None, None, "–"),
        ("never", 1, "never"),
        (1234567, None, "1,234,567"),
        (0.99712, None, "0.9971"),
        (0.999978, None, "0.999978"),
        (1.0, None, "1"),
        (4210.5, None, "4,210"),
        (2.0, None, "2"),
        (99.714, 2, "99.71"),
    ],
)
def test_numbers_are_written_for_people(value, decimals, text):
    assert page.number_text(value, decimals) == text


@pytest.mark.parametrize(
    "milliseconds, text",
    [
        (243.4, "243 <small>ms</small>"),
        (0.221, "0.221 <small>ms</small>"),
        (0.0, "0 <small>ms</small>"),
    ],
)
def test_a_small_latency_is_not_shown_as_none(good, milliseconds, text):
    key = page.KeyMetric("lookup.latency_ms.p50", "lookup latency, median", "ms", 0)
    run = run_data.load(good)
    run.summary[key.metric] = milliseconds
    assert page.key_value(run, key) == text


def test_a_million_hosts_are_written_out(good):
    run = run_data.load(good)
    run.series["online"] = run_data.Series(np.array([0.0, 60.0]), np.array([0.0, 1e6]))
    axes = Figure().subplots()
    figures.draw_online(run, axes)
    axes.figure.draw_without_rendering()
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert "1,000,000" in shown
    assert axes.yaxis.get_offset_text().get_text() == ""


# --- what is no run


def no_directory(directory: Path) -> str:
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()
    return "no such directory"


def no_summary(directory: Path) -> str:
    (directory / "summary.json").unlink()
    return "summary.json: missing"


def broken_summary(directory: Path) -> str:
    (directory / "summary.json").write_text('{"lookup.count": 3,\n  oops}')
    return "summary.json:2:3: not JSON"


def nested_summary(directory: Path) -> str:
    (directory / "summary.json").write_text(json.dumps({"lookup": {"count": 3}}))
    return "expected one flat object"


def binary_summary(directory: Path) -> str:
    (directory / "summary.json").write_bytes(b"\xff\xfe\x00")
    return "summary.json: cannot be read"


def no_database(directory: Path) -> str:
    (directory / "run.sqlite").unlink()
    return "run.sqlite: missing"


def no_sqlite(directory: Path) -> str:
    (directory / "run.sqlite").write_text("this is not SQLite, whatever its name says")
    return "run.sqlite: not the database of a run"


def cut_short(directory: Path) -> str:
    path = directory / "run.sqlite"
    path.write_bytes(path.read_bytes()[:8000])
    return "run.sqlite: not the database of a run"


def other_tables(directory: Path) -> str:
    (directory / "run.sqlite").unlink()
    with sqlite3.connect(directory / "run.sqlite") as database:
        database.execute("CREATE TABLE cats (name TEXT)")
    database.close()
    return "no such table"


def older_schema(directory: Path) -> str:
    with sqlite3.connect(directory / "run.sqlite") as database:
        database.execute("DELETE FROM run WHERE key = 'schema_version'")
    database.close()
    return "written with schema version 1, this program reads version 3"


def no_rows(directory: Path) -> str:
    with sqlite3.connect(directory / "run.sqlite") as database:
        database.execute("DELETE FROM run")
    database.close()
    return "holds no run"


@pytest.mark.parametrize(
    "spoil",
    [
        no_directory,
        no_summary,
        broken_summary,
        nested_summary,
        binary_summary,
        no_database,
        no_sqlite,
        cut_short,
        other_tables,
        older_schema,
        no_rows,
    ],
)
def test_what_is_no_run_is_a_clear_error(tmp_path, spoil):
    directory = fixture_run.write_run(tmp_path / "run")
    message = spoil(directory)
    done = run_report(directory)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"report.py: {directory}")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_loading_raises_for_callers(tmp_path):
    with pytest.raises(run_data.BadRun, match="no such directory"):
        run_data.load(tmp_path / "nowhere")


def test_without_a_directory_it_says_how_to_call_it():
    done = run_report()
    assert done.returncode == 2
    assert "usage:" in done.stderr
