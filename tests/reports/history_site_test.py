"""The pages of the tracked figures, opened in a browser: wide and on a phone, light and dark."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

import fixture_run
import history
import history_site
import peers_page
import report
import tracked as tracking
from history import Record

TRACKED = tracking.load()
BROWSER = shutil.which("chromium")
LOOKUP = "static_1000/lookup.messages.mean"
CLOSEST = "BM_table_closest/nodes:1000000/tables:1"
PAGES = [
    "index.html",
    "figures/exact-static-1000-lookup-messages-mean.html",
    "figures/counted-BM-table-closest-nodes-1000000-tables-1.html",
    "figures/timed-BM-agenda-1000.html",
    "runs.html",
    "peers.html",
]
# What the page is like, in the words of the browser itself.
PROBE = """<script>
const boxes = [...document.querySelectorAll("svg")].filter(s => s.checkVisibility()).map(svg => {
  const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal, drawn = svg.getBBox();
  return {x: box.x, y: box.y, width: box.width, height: box.height,
          inside: [drawn.x - view.x, drawn.y - view.y, view.x + view.width - drawn.x - drawn.width,
                   view.y + view.height - drawn.y - drawn.height]};
});
const said = {width: innerWidth, scroll: document.documentElement.scrollWidth,
              height: document.documentElement.scrollHeight, boxes};
document.body.innerHTML = "<pre id=probe>" + JSON.stringify(said) + "</pre>";
</script>"""


def make_history(path: Path) -> None:
    random = np.random.default_rng(1)
    for i in range(24):
        values = {"exact": {}, "counted": {}, "timed": {}}
        for kind, name in TRACKED.figures:
            value = 1000 * (1 + 0.02 * random.standard_normal())
            if kind == "timed":
                values[kind][name] = {
                    "median": value,
                    "low": 0.9 * value,
                    "high": 1.2 * value,
                }
            else:
                values[kind][name] = 1000.0
        if i >= 9:
            values["exact"][LOOKUP] = 1010.0
        if i >= 18:
            values["counted"][CLOSEST] = 1100.0
        commit = f"{i + 10**11:040x}"
        why = {f"exact {LOOKUP}": "it asks one more"} if i == 9 else {}
        about = (
            commit,
            f"2026-11-{i + 1:02}T10:00:00Z",
            f"Change <{i}>",
            commit,
            "g++",
        )
        history.append(Record(*about, "machine", acknowledged=why, **values), path)


def make_peers(path: Path) -> None:
    rows = [
        {
            "value_bytes": size,
            "metric": metric,
            "unit": "ms",
            "tool": tool,
            "values": [t, 1.2 * t, 1.5 * t],
        }
        for size in (100, 60_000)
        for metric in ("get, median", "put, median", "puts that failed")
        for tool, t in (
            ("shoal", 2.0 * (metric[-1] != "d")),
            ("libtorrent", 3.0),
            ("opendht", 9.0),
        )
        if size == 100 or tool != "libtorrent"
    ]
    about = {
        "commit": "c" * 40,
        "measured_at": "2026-11-29",
        "machine": "a <machine>",
        "nodes": 64,
    }
    about |= {"operations": 1000, "in_flight": 16, "rounds": 3}
    path.write_text(json.dumps(about | {"rows": rows}))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    made = folder / "history.jsonl"
    make_history(made)
    run = folder / "runs" / "churn_500-seed1"
    fixture_run.write_run(run)
    report.write_report(run)
    load = history.load
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "load", lambda: load(made))
        make_peers(folder / "peers.json")
        patch.setattr(peers_page, "PEERS", folder / "peers.json")
        out = folder / "out"
        arguments = ["--out", str(out), "--runs", str(folder / "runs")]
        assert history_site.main(arguments) == 0
    return out


def test_each_figure_has_a_card_and_a_page(site):
    html = (site / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'<a class="curve" href="([^"]+)"', html)
    assert len(links) == len(set(links)) == len(TRACKED.figures)
    assert all((site / link).exists() for link in links)


def test_the_worst_comes_first_and_is_counted(site):
    html = (site / "index.html").read_text(encoding="utf-8")
    assert "✗ 1 worse" in html
    first = re.search(r'<a class="curve".*?</a>', html, re.S)[0]
    assert "+10.00 %" in first
    assert f"{18 + 10**11:040x}"[:9] in first


def test_a_page_tells_why_a_change_was_wanted_and_escapes_what_people_wrote(site):
    html = (site / PAGES[1]).read_text(encoding="utf-8")
    assert "it asks one more" in html
    assert "Change &lt;9&gt;" in html
    assert "+1.00 %" in html


def test_no_page_asks_the_network_for_anything(site):
    for page in site.rglob("*.html"):
        assert not re.search(r'(?:src|href)="https?:', page.read_text(encoding="utf-8"))


def test_links_between_pages_lead_somewhere(site):
    for page in site.rglob("*.html"):
        for link in re.findall(r'href="([^"#]+)', page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_without_records_and_runs_the_pages_say_how_to_make_them(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "load", lambda: [])
    monkeypatch.setattr(peers_page, "PEERS", tmp_path / "none.json")
    assert (
        history_site.main(["--out", str(tmp_path / "out"), "--runs", str(tmp_path)])
        == 0
    )
    assert "ci/record" in (tmp_path / "out/index.html").read_text()
    assert "ci/library" in (tmp_path / "out/runs.html").read_text()
    assert "bench/peers" in (tmp_path / "out/peers.html").read_text()


def test_a_broken_history_is_an_error_that_says_where(tmp_path, monkeypatch, capsys):
    (tmp_path / "history.jsonl").write_text("{\n")
    load = history.load
    monkeypatch.setattr(history, "load", lambda: load(tmp_path / "history.jsonl"))
    assert history_site.main(["--out", str(tmp_path / "out")]) == 2
    assert "history.jsonl:1" in capsys.readouterr().err


def test_others_are_shown_as_multiples_of_ours_with_the_spread(site):
    html = (site / "peers.html").read_text(encoding="utf-8")
    assert "64 nodes of each" in html
    assert "2.4 ms" in html and "2 to 3" in html
    assert "a &lt;machine&gt;" in html


@pytest.mark.parametrize("text", ["{", "[]", '{"rows": [{"tool": "nobody"}]}'])
def test_a_broken_comparison_is_an_error_that_names_the_file(tmp_path, text):
    (tmp_path / "peers.json").write_text(text)
    with pytest.raises(peers_page.BadPeers, match="peers.json"):
        peers_page.peers("", "", tmp_path / "peers.json")


# --- in a browser


def browse(page: Path, width: int, height: int, *options: str) -> str:
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--disable-dev-shm-usage",  # containers have little of it
    ]
    command += [f"--window-size={width},{height}", *options, page.as_uri()]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True
    ).stdout


def probe(page: Path, width: int) -> dict:
    copy = page.with_suffix(".probe.html")
    copy.write_text(
        page.read_text(encoding="utf-8").replace("</body>", PROBE + "</body>")
    )
    try:
        found = re.search(
            r'<pre id="probe">(.*?)</pre>', browse(copy, width, 900, "--dump-dom")
        )
        return json.loads(found[1])
    finally:
        copy.unlink()


@pytest.mark.parametrize("width, dark", [(1280, False), (1280, True), (500, False)])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_blank_or_clipped(site, tmp_path, name, width, dark):
    assert BROWSER, "chromium is not installed: ci/install_packages"
    said = probe(site / name, width)
    assert said["width"] == width
    assert said["scroll"] <= width, "the page is wider than the screen"
    picture = tmp_path / "page.png"
    theme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    browse(site / name, width, said["height"], f"--screenshot={picture}", *theme)
    pixels = matplotlib.image.imread(picture)[:, :, :3]
    assert (pixels[2, 2].mean() < 0.3) == dark, "the theme is the reader's"
    assert said["boxes"], "no figure at all"
    for box in said["boxes"]:
        assert min(box["inside"]) > -2, f"drawn beyond its edges: {box}"
        x, y = round(box["x"]), round(box["y"])
        figure = pixels[y : y + round(box["height"]), x : x + round(box["width"])]
        ink = np.abs(figure - figure[0, 0]).max(axis=2) > 0.15
        assert ink.sum() > 50, f"blank: {box}"
        # A line that runs into the edge has been cut off.
        edge = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
        assert edge.sum() <= 0.02 * edge.size, f"runs into its edge: {box}"
