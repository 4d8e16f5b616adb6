"""Colours and type of figures and page, in one place.

Figures are drawn once, in the light colours; in the page each colour becomes a CSS
variable, so that the same drawing follows the reader's theme. Every colour therefore
stands for one role and occurs once.
"""

import re

LIGHT = {
    "page": "#f7f8fa",
    "surface": "#ffffff",
    "ink": "#1b2430",
    "muted": "#5c6876",
    "rule": "#dfe3e8",
    "good": "#1a7f4b",
    "bad": "#c0302b",
    "warm": "#8d99a8",
    "fault": "#c8453f",
    "c1": "#2266b3",
    "c2": "#d1711a",
    "c3": "#2b8a5f",
    "c4": "#8353a8",
    "c5": "#1a93a8",
    "c6": "#b5892a",
    "c7": "#b84a7d",
    "c8": "#6b7785",
}

DARK = {
    "page": "#12161c",
    "surface": "#1a2029",
    "ink": "#e6eaf0",
    "muted": "#9aa6b5",
    "rule": "#2f3844",
    "good": "#4cc38a",
    "bad": "#ff7a70",
    "warm": "#6d7a8a",
    "fault": "#ff8078",
    "c1": "#69aaf5",
    "c2": "#f2a154",
    "c3": "#5cc592",
    "c4": "#bd93e3",
    "c5": "#4fc3d6",
    "c6": "#dcb55a",
    "c7": "#ea86b4",
    "c8": "#95a1b0",
}

CATEGORIES = ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"]

RC = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "axes.labelcolor": LIGHT["muted"],
    "axes.edgecolor": LIGHT["rule"],
    "axes.linewidth": 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    # Numbers as they are, and none as so many times a factor that stands elsewhere.
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-6, 12),
    "grid.color": LIGHT["rule"],
    "grid.linewidth": 0.7,
    "text.color": LIGHT["ink"],
    "xtick.color": LIGHT["rule"],
    "ytick.color": LIGHT["rule"],
    "xtick.labelcolor": LIGHT["muted"],
    "ytick.labelcolor": LIGHT["muted"],
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "lines.solid_joinstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    # Glyphs as shapes: labels keep their measured size whatever fonts the reader has.
    "svg.fonttype": "path",
}


def css_variables() -> str:
    def block(colours: dict[str, str]) -> str:
        return " ".join(f"--{role}: {colour};" for role, colour in colours.items())

    return (
        f":root {{ color-scheme: light dark; {block(LIGHT)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {block(DARK)} }} }}"
    )


def themed_svg(svg: str, prefix: str) -> str:
    """The <svg> element for use inside the page: colours become variables, and ids,
    which matplotlib repeats from figure to figure, get a prefix of their own."""
    element = svg[svg.index("<svg") :]
    for role, colour in LIGHT.items():
        element = element.replace(colour, f"var(--{role})")
    element = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', element)
    element = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', element)
    element = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", element)
    # A hundredth of a point is finer than any screen.
    element = re.sub(
        r'\bd="[^"]*"',
        lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path.group()),
        element,
    )
    # The page decides the width; the view box keeps the proportions.
    element = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", element, count=1)
    return re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", element, count=1)
