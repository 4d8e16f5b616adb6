#!/usr/bin/python3
"""Draws what `perf script` prints as a flame graph: an SVG in which the width of a box is the share of the
samples in which that function was running or had called what was.

Colours tell where the code is: ours, libraries, the kernel. A box says its whole name and share when pointed
at. Functions side by side are in the order of names, not of time (Gregg, "The Flame Graph", CACM 2016).

Exit status: 0 drawn; 2 the command line is wrong, or the input has no sample.

Example: perf script -i perf.data | reports/flame_graph.py --title closest --out closest.svg
"""

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from theme import DARK, LIGHT

WIDTH = 1200
ROW = 18
MARGIN = 12
NARROWEST = 0.4  # pixels: what is narrower is left out
LETTER = 7  # pixels

# "  55d0c8 shoal::RoutingTable::closest(...)+0x1f (/path/bin/shoal_bench)"
FRAME = re.compile(r"^\s+[0-9a-f]+ (.+?)(?:\+0x[0-9a-f]+)? \(([^()]*)\)$")


@dataclass
class Box:
    samples: int = 0
    below: dict[tuple[str, str], "Box"] = field(
        default_factory=dict
    )  # by name and role


def role_of(module: str) -> str:
    if "kernel" in module or module.startswith("["):
        return "c4"
    return "c2" if re.search(r"\.so\b", module) else "c1"


def short_name(name: str) -> str:
    """Without arguments, template arguments and the namespaces that all have."""
    name = name.replace("(anonymous namespace)::", "").replace("shoal::", "")
    name = re.sub(r"\(.*", "", name)
    while (stripped := re.sub(r"<[^<>]*>", "", name)) != name:
        name = stripped
    return name.split(" ")[-1] or "?"


def read_stacks(lines) -> Box:
    """The root of all stacks. A sample is a line that says whose it is, then its frames, the innermost first,
    then an empty line."""
    root = Box()
    frames: list[tuple[str, str]] = []
    for line in [*lines, ""]:
        found = FRAME.match(line.rstrip("\n"))
        if found:
            frames.append((found[1], role_of(found[2])))
        elif not line.strip() and frames:
            root.samples += 1
            box = root
            for frame in reversed(frames):
                box = box.below.setdefault(frame, Box())
                box.samples += 1
            frames = []
    return root


def depth(box: Box) -> int:
    return 1 + max(map(depth, box.below.values()), default=0)


def draw(root: Box, title: str) -> str:
    height = (depth(root) + 2) * ROW + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="DejaVu Sans, sans-serif" font-size="11">',
        f'<style>{_style()}</style>\n<rect width="100%" height="100%" class="page"/>',
        f'<text x="{MARGIN}" y="{MARGIN + 12}" font-size="14" class="ink">{escape(title)}</text>',
        f'<text x="{MARGIN}" y="{MARGIN + 28}" class="muted">{root.samples:,} samples; width is the share of '
        "them. Blue: ours, orange: libraries, purple: the kernel.</text>",
    ]
    scale = (WIDTH - 2 * MARGIN) / root.samples

    def row(box: Box, x: float, y: float) -> None:
        for (name, role), child in sorted(box.below.items()):
            width = child.samples * scale
            if width >= NARROWEST:
                parts.append(
                    _box(name, role, child.samples / root.samples, x, y, width)
                )
                row(child, x, y - ROW)
            x += width

    row(root, MARGIN, height - MARGIN - ROW)
    return "\n".join(parts) + "\n</svg>\n"


def _box(name: str, role: str, share: float, x: float, y: float, width: float) -> str:
    letters = int((width - 4) / LETTER)
    label = short_name(name)
    label = label if len(label) <= letters else label[: max(letters - 1, 0)] + "…"
    text = (
        f'<text x="{x + 3:.1f}" y="{y + 12.5:.1f}" class="ink">{escape(label)}</text>'
        if letters >= 3
        else ""
    )
    return (
        f"<g><title>{escape(name)}: {100 * share:.2f} %</title>"
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width - 0.5, 0.3):.1f}" height="{ROW - 1}" rx="1.5" '
        f'class="{role}"/>{text}</g>'
    )


def _style() -> str:
    def colours(of: dict[str, str]) -> str:
        boxes = "".join(
            f".{role}{{fill:{of[role]};fill-opacity:.45}}"
            for role in ("c1", "c2", "c4")
        )
        return f".page{{fill:{of['surface']}}}.ink{{fill:{of['ink']}}}.muted{{fill:{of['muted']}}}{boxes}"

    return f"{colours(LIGHT)}@media (prefers-color-scheme:dark){{{colours(DARK)}}}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--title", default="Profile")
    parser.add_argument("--out", type=Path, metavar="FILE", required=True)
    options = parser.parse_args(arguments)
    # Stacks are deep where calls recurse.
    sys.setrecursionlimit(10_000)
    root = read_stacks(sys.stdin)
    if root.samples == 0:
        print("flame_graph.py: no sample on standard input", file=sys.stderr)
        return 2
    try:
        options.out.write_text(draw(root, options.title), encoding="utf-8")
    except OSError as error:
        print(f"flame_graph.py: {error}", file=sys.stderr)
        return 2
    print(f"flame graph: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
