#!/usr/bin/python3
"""Writes the pages of the tracked figures: a static site that needs no network.

OUT/index.html shows every figure of reports/history.jsonl as a small curve over the commits, the worst first,
with the places marked at which its level changed; each links to a page with the values. Beside them: the
reports of scenario runs (--runs, as ci/library leaves them) and the comparison with others
(reports/peers.json, as bench/peers/measure.py writes it).

Exit status: 0 written; 2 the command line or a file is wrong, or OUT cannot be written.

Example: ci/report
         ci/report --out site --runs out/library
"""

import argparse
import shutil
import sys
from pathlib import Path

import timeline
import history
import library
import page
import peers_page
import run_data
import tracked as tracking
from timeline import Timeline
from page import number_text, text
from theme import themed_svg
from tracked import PROJECT

CSS = """
main { max-width: 76rem; }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: 0 0 1rem; font-size: .93rem; }
.curves { display: grid; gap: .7rem; grid-template-columns: repeat(auto-fill, minmax(15.5rem, 1fr)); }
a.curve { display: block; color: inherit; text-decoration: none; background: var(--surface);
  border: 1px solid var(--rule); border-radius: .6rem; padding: .6rem .8rem .5rem; min-width: 0; }
a.curve:hover, a.curve:focus { border-color: var(--c1); }
a.curve h3 { margin: 0; font-size: .92rem; line-height: 1.3; overflow-wrap: anywhere; }
a.curve svg { display: block; width: 100%; height: auto; margin: .3rem 0 .1rem; }
a.curve p { margin: 0; font-size: .82rem; color: var(--muted); }
a.curve b { font-size: 1.05rem; color: var(--ink); font-variant-numeric: tabular-nums; }
td code { white-space: nowrap; }
"""

KINDS = {
    "exact": "A simulation with a fixed seed: the same code gives the same value, so any change is the "
    "code's.",
    "counted": "Instructions per iteration, counted by callgrind: changes of more than 1 % are the code's.",
    "timed": "Processor time per iteration: the median of runs in turn with the base of the commit, with the "
    "least and the greatest. Runs of one commit differ, so a change of level over several commits is marked, "
    "and only where chance explains it badly (E-divisive, p ≤ 0.001, at least 2 %), on one class of machine.",
}


def navigation(depth: int, here: str) -> str:
    up = "../" * depth
    links = [
        ("index.html", "Figures"),
        ("runs.html", "Scenario runs"),
        ("peers.html", "Peers"),
    ]
    return (
        "<nav>"
        + "".join(
            f"<b>{name}</b>" if name == here else f'<a href="{up}{target}">{name}</a>'
            for target, name in links
        )
        + "</nav>\n"
    )


def overview(timelines: list[Timeline], records: list[history.Record]) -> str:
    if not timelines:
        body = (
            "<h1>Figures over time</h1>\n<p>The history has no record yet; "
            "<code>ci/record</code> makes one of each commit.</p>"
        )
        return page.document("Figures", navigation(0, "Figures") + body, CSS)
    last = records[-1]
    worse = [one for one in timelines if one.is_worse_now]
    badge = (
        f'<span class="badge bad">✗ {len(worse)} worse</span>'
        if worse
        else '<span class="badge good">✓ nothing worse</span>'
    )
    head = (
        f'<div class="head"><h1>Figures over time</h1>{badge}</div>\n'
        f'<p class="muted">{len(timelines)} figures over {len(records)} records, the last of commit '
        f"<code>{last.commit[:12]}</code> ({text(last.subject)}). Those that became worse come first; a mark "
        "shows where a level changed.</p>"
    )
    cards = "\n".join(_card(one) for one in timelines)
    body = f'{head}\n<div class="curves">\n{cards}\n</div>'
    return page.document("Figures", navigation(0, "Figures") + body, CSS)


def _card(one: Timeline) -> str:
    return (
        f'<a class="curve" href="figures/{one.slug}.html">\n<h3>{text(one.figure.title)}</h3>\n'
        f"{themed_svg(timeline.draw_small(one), one.slug)}\n"
        f"<p><b>{number_text(one.values[-1])}</b> {text(one.figure.unit)} · {one.figure.kind}<br>"
        f"{_change_text(one)}</p>\n</a>"
    )


def _change_text(one: Timeline) -> str:
    change = one.last_change
    if change is None:
        return "no change"
    record = one.records[change]
    colour = "bad" if one.is_worse_at(change) else "good"
    why = one.why(change)
    return (
        f'<span class="{colour}">{one.percent(change)}</span> with '
        f"<code>{record.commit[:9]}</code>" + (", acknowledged" if why else "")
    )


def figure_page(one: Timeline) -> str:
    drawings = "".join(
        f'<div class="{width}" role="img" aria-label="{text(one.figure.title)} by commit">'
        f"{themed_svg(timeline.draw_large(one, width == 'narrow'), width)}</div>"
        for width in ("wide", "narrow")
    )
    rows = [
        (
            f"<code>{one.records[i].commit[:12]}</code>",
            text(one.records[i].committed_at[:10]),
            number_text(one.values[i]),
            _cell(one, i),
            text(one.records[i].subject)
            + (
                f'<br><span class="muted">{text(one.why(i))}</span>'
                if one.why(i)
                else ""
            ),
        )
        for i in reversed(range(len(one.values)))
    ]
    unit = one.figure.unit or "ratio"
    body = (
        f"<h1>{text(one.figure.title)}</h1>\n"
        f'<p class="muted"><code>{text(one.figure.name)}</code> · {text(unit)}, '
        f"{one.figure.better} is better</p>\n"
        f"<figure>\n{drawings}\n<figcaption>{text(KINDS[one.figure.kind])}</figcaption>\n</figure>\n"
        "<h2>Values</h2>\n"
        + page.table(
            ["commit", "date", text(unit), "change", "subject"], rows, numbers=(2, 3)
        )
    )
    return page.document(one.figure.title, navigation(1, "") + body, CSS)


def _cell(one: Timeline, index: int) -> str:
    if index not in one.changes:
        return ""
    colour = "bad" if one.is_worse_at(index) else "good"
    return f'<span class="{colour}">{one.percent(index)}</span>'


def runs_page(runs: Path, out: Path) -> str:
    """Copies the reports there, too."""
    try:
        of_scenarios = library.load_runs(runs)
    except run_data.BadRun as error:
        body = (
            f"<h1>Scenario runs</h1>\n<p>There are none: {text(error)}. "
            f"<code>ci/library --out {text(runs)}</code> makes them.</p>"
        )
        return page.document(
            "Scenario runs", navigation(0, "Scenario runs") + body, CSS
        )
    for of_scenario in of_scenarios.values():
        for run in of_scenario:
            report = run.directory / "report.html"
            if report.exists():
                (out / run.directory.name).mkdir(exist_ok=True)
                shutil.copy(report, out / run.directory.name / "report.html")
    return library.index(of_scenarios, navigation(0, "Scenario runs"), CSS)


def write_site(out: Path, runs: Path) -> int:
    """How many pages. Raises history.BadHistory, tracked.BadTracked, peers_page.BadPeers, OSError."""
    tracked = tracking.load()
    records = history.load()
    timelines = timeline.timelines(tracked, records)
    (out / "figures").mkdir(parents=True, exist_ok=True)
    pages = {
        "index.html": overview(timelines, records),
        "runs.html": runs_page(runs, out),
        "peers.html": peers_page.peers(navigation(0, "Peers"), CSS),
        **{f"figures/{one.slug}.html": figure_page(one) for one in timelines},
    }
    for name, html in pages.items():
        (out / name).write_text(html, encoding="utf-8")
    return len(pages)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="ci/report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, metavar="DIR", default=PROJECT / "out/site")
    parser.add_argument(
        "--runs", type=Path, metavar="DIR", default=PROJECT / "out/library"
    )
    options = parser.parse_args(arguments)
    try:
        count = write_site(options.out, options.runs)
    except (
        history.BadHistory,
        tracking.BadTracked,
        peers_page.BadPeers,
        OSError,
    ) as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    print(f"{count} pages: {options.out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
