#!/usr/bin/python3
"""Draws the figures and the report of a run.

Reads summary.json and run.sqlite of the run's directory; writes report.html, which needs
nothing else, and figures/*.svg beside them.

Exit status: 0 drawn, 2 the directory does not hold a run (or cannot be written).

Example: reports/report.py out/churn_500-1
"""

import argparse
import sys
from pathlib import Path

import figures
import page
import run_data


def write_report(directory: Path) -> Path:
    """Raises run_data.BadRun, or OSError when the directory cannot be written."""
    run = run_data.load(directory)
    drawn = figures.draw_all(run)
    folder = directory / "figures"
    folder.mkdir(exist_ok=True)
    for figure in drawn:
        (folder / f"{figure.name}.svg").write_text(figure.wide_svg, encoding="utf-8")
    report = directory / "report.html"
    report.write_text(page.page(run, drawn), encoding="utf-8")
    return report


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="of the run")
    options = parser.parse_args(arguments)
    try:
        report = write_report(options.directory)
    except (run_data.BadRun, OSError) as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    print(f"report: {report}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
