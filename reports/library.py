#!/usr/bin/python3
"""Writes the index page of a library of runs: a card with the main figure of each scenario.

DIR holds the directories of runs, as run_scenario --out DIR leaves them, each with its
report. Of a scenario with several seeds the card shows the lowest, and the others by number.
Writes DIR/index.html, which needs nothing but the reports beside it.

Exit status: 0 written, and all expectations hold; 1 written, some do not; 2 DIR holds no run (or
cannot be written).

Example: reports/library.py out/library
"""

import argparse
import sys
from pathlib import Path

import figures
import page
import published
import run_data
from run_data import Run
from theme import themed_svg

METRICS_PER_CARD = 3

CSS = """
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); }
a.tile { display: flex; flex-direction: column; color: inherit; text-decoration: none;
  background: var(--surface); border: 1px solid var(--rule); border-radius: .6rem;
  padding: .8rem .9rem; }
a.tile:hover, a.tile:focus { border-color: var(--c1); }
a.tile h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
a.tile svg { display: block; width: 100%; height: auto; margin: .5rem 0 .2rem; }
a.tile p { font-size: .88rem; margin: .2rem 0 .5rem; }
.tile .head { justify-content: space-between; flex-wrap: nowrap; }
.tile .badge { font-size: .78rem; padding: .05rem .55rem; }
.numbers { display: flex; gap: .3rem 1.1rem; flex-wrap: wrap; margin-top: auto; }
.numbers b { display: block; font-variant-numeric: tabular-nums; font-size: 1.02rem; }
.numbers span { font-size: .78rem; color: var(--muted); }
main { max-width: 76rem; }
"""


def load_runs(directory: Path) -> dict[str, list[Run]]:
    """The runs in `directory` by scenario, each scenario's in the order of their seeds.
    Raises BadRun."""
    if not directory.is_dir():
        raise run_data.BadRun(f"{directory}: no such directory")
    runs: dict[str, list[Run]] = {}
    for summary in sorted(directory.glob("*/summary.json")):
        run = run_data.load(summary.parent)
        runs.setdefault(run.name, []).append(run)
    if not runs:
        raise run_data.BadRun(f"{directory}: holds no directory of a run")
    for of_scenario in runs.values():
        of_scenario.sort(key=lambda run: int(run.summary.get("run.seed", 0)))
    return runs


def index(runs: dict[str, list[Run]], navigation: str = "", css: str = "") -> str:
    """The whole page; `navigation` is HTML that comes first."""
    every = [run for of_scenario in runs.values() for run in of_scenario]
    held = sum(map(_holds, every))
    commits = sorted({str(run.summary.get("run.commit", "?")) for run in every})
    head = (
        "<h1>The scenario library</h1>\n"
        f'<p class="muted">{len(runs)} scenarios, {len(every)} runs; '
        f"the expectations of {held} hold · commit "
        f"{', '.join(f'<code>{page.text(c)}</code>' for c in commits)}</p>"
    )
    cards = "\n".join(_card(of_scenario) for _, of_scenario in sorted(runs.items()))
    return page.document(
        "The scenario library",
        f"{navigation}{head}\n{published.section(runs)}\n<h2>Scenarios</h2>\n"
        f'<div class="cards">\n{cards}\n</div>',
        css + CSS,
    )


def _holds(run: Run) -> bool:
    return all(expectation.met for expectation in run.expectations)


def _card(runs: list[Run]) -> str:
    run = runs[0]
    failed = sum(not e.met for one in runs for e in one.expectations)
    badge = (
        '<span class="badge good">✓ holds</span>'
        if failed == 0
        else f'<span class="badge bad">✗ {failed} fail</span>'
    )
    drawing = figures.draw_main(run, figures.NARROW_INCHES)
    drawn = themed_svg(drawing, run.name) if drawing else ""
    seeds = "" if len(runs) == 1 else f" · {len(runs)} seeds"
    return (
        f'<a class="tile" href="{page.text(run.directory.name)}/report.html">\n'
        f'<div class="head"><h3>{page.text(run.name)}</h3>{badge}</div>\n{drawn}\n'
        f"<p>{page.text(run.facts.get('description', ''))}"
        f'<span class="muted"> ({page.number_text(run.facts.get("population.size"))} nodes, '
        f"{page.number_text(run.duration_s / 60, 0)} min{seeds})</span></p>\n"
        f'<div class="numbers">{_numbers(run)}</div>\n</a>'
    )


def _numbers(run: Run) -> str:
    asked = [e.text.split()[0] for e in run.expectations if e.text.split()]
    # What the scenario expects something of comes first.
    keys = sorted(page.KEY_METRICS, key=lambda key: key.metric not in asked)
    return "".join(
        f"<div><b>{page.key_value(run, key)}</b><span>{page.text(key.name)}</span></div>"
        for key in [k for k in keys if k.metric in run.summary][:METRICS_PER_CARD]
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="of the runs")
    options = parser.parse_args(arguments)
    try:
        runs = load_runs(options.directory)
        path = options.directory / "index.html"
        path.write_text(index(runs), encoding="utf-8")
    except (run_data.BadRun, OSError) as error:
        print(f"library.py: {error}", file=sys.stderr)
        return 2
    print(f"index: {path}")
    failing = sorted(
        name for name, of_scenario in runs.items() if not all(map(_holds, of_scenario))
    )
    if failing:
        print(f"expectations that do not hold: {', '.join(failing)}")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
