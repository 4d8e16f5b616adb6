"""report.html: one file with everything in it, for a phone as for a wide screen, light or dark."""

import html
from collections.abc import Iterable
from typing import NamedTuple

from figures import Figure
from run_data import Example, Expectation, Run
from theme import css_variables, themed_svg


class KeyMetric(NamedTuple):
    metric: str
    name: str
    unit: str
    decimals: int


# What a reader wants first.
KEY_METRICS = [
    KeyMetric("lookup.success_ratio", "lookups succeed", "%", 2),
    KeyMetric("lookup.latency_ms.p50", "lookup latency, median", "ms", 0),
    KeyMetric("lookup.latency_ms.p99", "lookup latency, p99", "ms", 0),
    KeyMetric("lookup.hops.mean", "hops, mean", "", 2),
    KeyMetric("item.get_success_ratio", "gets succeed", "%", 2),
    KeyMetric("item.lost_count", "items lost", "", 0),
    KeyMetric("group.session_ratio", "peers with a session", "%", 2),
    KeyMetric("group.event_delivery_ratio", "group events delivered", "%", 2),
    KeyMetric("heal.recovery_s", "recovery after the heal", "s", 1),
    KeyMetric("traffic.bytes_per_node_per_s", "sent per node", "B/s", 0),
    KeyMetric("population.online.mean", "nodes online, mean", "", 0),
    KeyMetric("oracle.violations", "oracle violations", "", 0),
]

VIOLATIONS_SHOWN = 50

CSS = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
p { margin: .4rem 0; }
.muted, .source { color: var(--muted); }
.source, figcaption { font-size: .88rem; }
.head { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; }
.badge { border-radius: 1rem; padding: .15rem .8rem; font-weight: 600; font-size: .9rem;
  border: 1.5px solid currentColor; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); }
.card, figure, .tiles > div { background: var(--surface); border: 1px solid var(--rule);
  border-radius: .6rem; }
.card { padding: .3rem .9rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
th { text-align: left; font-weight: 600; color: var(--muted); font-size: .82rem; }
th, td { padding: .38rem .6rem .38rem 0; border-bottom: 1px solid var(--rule);
  vertical-align: top; }
tr:last-child td { border-bottom: 0; }
th.number, td.number { text-align: right; }
th { vertical-align: bottom; line-height: 1.25; }
td.number { font-variant-numeric: tabular-nums; }
td.number, .good, .bad, .nowrap { white-space: nowrap; }
code, pre { font: .87em/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
td code { overflow-wrap: anywhere; }
pre { margin: .5rem 0; overflow-x: auto; }
.tiles { display: grid; gap: .6rem; grid-template-columns: repeat(auto-fit, minmax(9.2rem, 1fr)); }
.tiles > div { padding: .55rem .8rem; }
.tiles b { display: block; font-size: 1.35rem; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.tiles b small { font-size: .8rem; font-weight: 400; color: var(--muted); }
.tiles span { font-size: .82rem; color: var(--muted); }
.figures { display: grid; gap: 1rem; }
figure { margin: 0; padding: .9rem 1rem .7rem; }
figure h3 { margin: 0 0 .3rem; font-size: 1rem; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { color: var(--muted); margin-top: .4rem; }
.narrow { display: none; }
@media (max-width: 36rem) {
  main { padding: 1rem .6rem 2rem; } .wide { display: none; } .narrow { display: block; }
  figure { padding: .7rem .5rem .5rem; } figure h3, figcaption { padding: 0 .3rem; }
}
a { color: var(--c1); }
.links { display: block; font-size: .85rem; color: var(--muted); }
.story { margin: .6rem 0 1rem; scroll-margin-top: .6rem; }
.story h3 { margin: .5rem 0 0; font-size: 1rem; }
.story pre { max-height: 26rem; overflow: auto; }
.story:target { border-color: var(--c1); }
.source code { overflow-wrap: anywhere; }
ul.source { margin: .2rem 0; padding-left: 1.2rem; }
details { margin: .6rem 0; } summary { cursor: pointer; font-weight: 600; }
@media print { details > * { display: revert; } figure { break-inside: avoid; }
  .story pre { max-height: none; } }
"""


def page(run: Run, figures: list[Figure]) -> str:
    parts = [
        _head(run),
        _expectations(run),
        _tiles(run),
        _faults(run),
        _figures(figures),
        _examples(run),
        _violations(run),
        _failures(run),
        _details(run),
    ]
    return document(run.name, "\n".join(part for part in parts if part))


def document(title: str, body: str, css: str = "") -> str:
    """A whole page; `body` is HTML, `css` comes after the style that all pages share."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)} · Shoal</title>\n"
        f"<style>\n{css_variables()}\n{CSS}{css}</style>\n</head>\n<body>\n<main>\n"
        f"{body}\n</main>\n</body>\n</html>\n"
    )


def text(value: object) -> str:
    return html.escape(str(value))


def _nowrap(words: str) -> str:
    return f'<span class="nowrap">{text(words)}</span>'


def number_text(value: float | str | None, decimals: int | None = None) -> str:
    """Digits grouped by threes; about four significant ones unless told, but nothing else reads as 1."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    if float(value).is_integer():
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = f"{value:.4g}"
    return f"{value:.8g}" if digits == "1" else digits


def table(header: Iterable[str], rows: Iterable[Iterable[str]], numbers=()) -> str:
    """Cells are HTML; columns whose index is in `numbers` are set to the right."""

    def line(tag: str, cells: Iterable[str]) -> str:
        return "".join(
            f'<{tag} class="number">{cell}</{tag}>'
            if i in numbers
            else f"<{tag}>{cell}</{tag}>"
            for i, cell in enumerate(cells)
        )

    body = "\n".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return (
        f'<div class="card"><table><thead><tr>{line("th", header)}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _head(run: Run) -> str:
    failed = sum(not expectation.met for expectation in run.expectations)
    if not run.expectations:
        badge = '<span class="badge muted">no expectations</span>'
    elif failed == 0:
        badge = '<span class="badge good">✓ all expectations hold</span>'
    else:
        of = len(run.expectations)
        badge = f'<span class="badge bad">✗ {failed} of {of} expectations fail</span>'
    what = [
        f"{number_text(run.facts.get('population.size'))} nodes",
        f"{number_text(run.duration_s / 60, 0)} min simulated",
        f"seed {text(run.summary.get('run.seed', '?'))}",
        f"commit <code>{text(run.summary.get('run.commit', '?'))}</code>",
    ]
    lines = [f'<div class="head"><h1>{text(run.name)}</h1>{badge}</div>']
    if run.facts.get("description"):
        lines.append(f"<p>{text(run.facts['description'])}</p>")
    if run.facts.get("source"):
        lines.append(f'<p class="source">Source: {text(run.facts["source"])}</p>')
    lines.append(f'<p class="muted">{" · ".join(what)}</p>')
    return "\n".join(lines)


def _expectations(run: Run) -> str:
    if not run.expectations:
        return ""
    rows = [
        (
            '<span class="good">✓ met</span>'
            if expectation.met
            else '<span class="bad">✗ failed</span>',
            f"<code>{text(expectation.text)}</code>{_example_links(run, expectation)}",
            text(_expected_value(run, expectation.text, expectation.value)),
        )
        for expectation in sorted(run.expectations, key=lambda e: e.met)
    ]
    made = table(["", "expectation", "this run"], rows, numbers=(2,))
    return f"<h2>Expectations</h2>\n{made}"


def _example_id(example: Example) -> str:
    return f"example-{example.metric.replace('.', '-')}-{example.rank}"


def _example_links(run: Run, expectation: Expectation) -> str:
    if expectation.met:
        return ""
    links = [
        f'<a href="#{_example_id(example)}">{text(_short_subject(example.subject))}</a>'
        for example in run.examples
        if example.metric == expectation.metric
    ]
    if not links:
        return ""
    return f'<span class="links">worst: {", ".join(links)}</span>'


def _short_subject(subject: str) -> str:
    kind, _, name = subject.partition(" ")
    return f"{kind} {name[:8]}…" if len(name) > 16 else subject


def _command(run: Run, subject: str) -> str:
    kind, _, name = subject.partition(" ")
    return f"<code>run_scenario explain {text(run.directory)} {kind} {text(name[:16])}</code>"


def _examples(run: Run) -> str:
    """The stories of the worst cases, metric by metric."""
    parts = []
    last_metric = None
    for example in run.examples:
        if example.metric != last_metric:
            last_metric = example.metric
            parts.append(
                f"<p><code>{text(example.metric)}</code>: {text(example.what)}</p>"
            )
        parts.append(
            f'<section class="card story" id="{_example_id(example)}">'
            f"<h3>{text(_short_subject(example.subject))}</h3>\n"
            f"<pre>{text(example.story.rstrip())}</pre>\n"
            f'<p class="source">{_command(run, example.subject)}</p></section>'
        )
    if not parts:
        return ""
    return "<h2>The worst examples of what failed</h2>\n" + "\n".join(parts)


def _expected_value(run: Run, expectation: str, value: float | None) -> str:
    if value is not None:
        return number_text(value)
    # A value in words ("never") is in the summary only.
    metric = expectation.split()[0] if expectation.split() else ""
    return number_text(run.summary.get(metric))


def _tiles(run: Run) -> str:
    tiles = [
        f"<div><b>{key_value(run, key)}</b><span>{text(key.name)}</span></div>"
        for key in KEY_METRICS
        if key.metric in run.summary
    ]
    if not tiles:
        return ""
    return f'<h2>In short</h2>\n<div class="tiles">{"".join(tiles)}</div>'


def key_value(run: Run, key: KeyMetric) -> str:
    """HTML of a metric's value; the run must have it."""
    value = run.summary[key.metric]
    if isinstance(value, str):
        return text(value)
    number = 100 * value if key.unit == "%" else value
    hidden = (
        number != 0 and round(number, key.decimals) == 0
    )  # a latency of 0.2 ms is not none
    shown = text(number_text(number, None if hidden else key.decimals))
    return f"{shown} <small>{key.unit}</small>" if key.unit else shown


def _faults(run: Run) -> str:
    if not run.faults:
        return ""
    rows = []
    for fault in run.faults:
        lasting = fault.end_s - fault.begin_s
        recovery = "–"
        if fault.kind == "partition":
            recovery = (
                "never"
                if fault.recovery_s is None
                else f"{number_text(fault.recovery_s, 1)} s"
            )
        rows.append(
            (
                _nowrap(f"{number_text(fault.begin_s / 60, 1)} min"),
                _nowrap(f"{number_text(lasting)} s") if lasting > 0 else "–",
                text(fault.what),
                recovery,
            )
        )
    made = table(["at", "for", "fault", "recovered after"], rows, numbers=(3,))
    return f"<h2>Faults</h2>\n{made}"


def _figures(figures: list[Figure]) -> str:
    drawn = []
    for figure in figures:
        wide = themed_svg(figure.wide_svg, f"{figure.name}-w")
        narrow = themed_svg(figure.narrow_svg, f"{figure.name}-n")
        title = text(figure.title)
        drawn.append(
            f"<figure>\n<h3>{title}</h3>\n"
            f'<div class="wide" role="img" aria-label="{title}">{wide}</div>\n'
            f'<div class="narrow" role="img" aria-label="{title}">{narrow}</div>\n'
            f"<figcaption>{text(figure.how_to_read)}</figcaption>\n</figure>"
        )
    return f'<h2>Figures</h2>\n<div class="figures">\n{"".join(drawn)}\n</div>'


def _violations(run: Run) -> str:
    if not run.violations:
        return ""
    rows = [
        (
            number_text(violation.number),
            _nowrap(f"{number_text(violation.t_s, 1)} s"),
            number_text(violation.host),
            f"<code>{text(violation.rule)}</code>",
            text(violation.text),
            text(violation.operation or "–"),
            f"<code>{text(violation.job)}</code>" if violation.job else "–",
        )
        for violation in run.violations[:VIOLATIONS_SHOWN]
    ]
    header = ["no.", "at", "host", "rule", "what was seen", "in", "last job"]
    made = table(header, rows, numbers=(0, 1, 2))
    meanings = "\n".join(
        f"<li><code>{text(rule)}</code>: {text(run.rules.get(rule, ''))}</li>"
        for rule in sorted({violation.rule for violation in run.violations})
    )
    count = number_text(run.summary.get("oracle.violations"))
    return (
        f"<h2>Violations of the oracle's rules ({count})</h2>\n{made}\n"
        f'<p class="source">They hold when:</p>\n<ul class="source">\n{meanings}</ul>\n'
        f'<p class="source">At most {VIOLATIONS_SHOWN} are shown. The story of one: '
        f"{_command(run, 'violation 1')}</p>"
    )


def _failures(run: Run) -> str:
    if not run.failures:
        return ""
    rows = [
        (
            number_text(lookup),
            f"{number_text(started_s, 1)} s",
            number_text(origin),
            number_text(truth),
            f"{number_text(duration_ms, 0)} ms" if duration_ms is not None else "–",
            number_text(messages),
            _nowrap(error or "found another host"),
        )
        for lookup, started_s, origin, truth, duration_ms, messages, error in run.failures
    ]
    header = ["lookup", "at", "origin", "closest", "took", "messages", "failed by"]
    made = table(header, rows, numbers=range(6))
    return (
        f"<h2>Lookups that failed</h2>\n{made}\n"
        '<p class="source">At most twenty. The story of one: '
        f"{_command(run, f'lookup {run.failures[0][0]}')}</p>"
    )


def _details(run: Run) -> str:
    metrics = table(
        ["metric", "value"],
        [
            (f"<code>{text(name)}</code>", text(_metric_text(name, value)))
            for name, value in sorted(run.summary.items())
        ],
        numbers=(1,),
    )
    parts = [f"<details><summary>All metrics</summary>\n{metrics}\n</details>"]
    total = sum(run.purposes.values())
    if total:
        purposes = table(
            ["purpose", "bytes", "share"],
            [
                (text(purpose), number_text(count), f"{count / total:.1%}")
                for purpose, count in sorted(
                    run.purposes.items(), key=lambda entry: -entry[1]
                )
            ],
            numbers=(1, 2),
        )
        parts.append(
            "<details><summary>Traffic by purpose, after the warm-up</summary>\n"
            f"{purposes}\n</details>"
        )
    if run.facts.get("scenario_text"):
        parts.append(
            "<details><summary>The scenario</summary>\n"
            f'<div class="card"><pre>{text(run.facts["scenario_text"])}</pre></div>\n'
            "</details>"
        )
    return "<h2>More</h2>\n" + "\n".join(parts)


def _metric_text(name: str, value: float | str) -> str:
    # A seed is a name, not a quantity.
    return str(value) if name == "run.seed" else number_text(value)
