#!/usr/bin/python3
"""Says whether the working tree made a tracked figure worse than its base has it.

Measures the exact and counted figures of bench/tracked.yaml, and those of the base: from
reports/history.jsonl when that has them for the same code and compiler, else from a build of the base in
build/base. The base is where this branch left main; on main itself it is the commit before, or HEAD when
there is work that is not committed; with --recorded it is the newest commit on the way here that the history
has, and nothing but the working tree is built. Exact figures (simulations with fixed seeds) may not change at
all; counted ones (instructions) by 1 %.

A change for the worse that is wanted is acknowledged in reports/acknowledged.yaml, in the commit that makes
it; what to write there is printed. Times are not judged here: they stand on the pages of ci/report.

Exit status: 0 nothing is worse, or all that is worse is acknowledged; 1 something is worse; 2 the command
line or a file is wrong; 3 a build or a measurement failed.

Example: ci/regress
         ci/regress --base main~3 --only counted
         ci/regress --recorded
"""

import argparse
import sys
from pathlib import Path

import checkout
import compare
import history
import measure
import tracked as tracking
from compare import Change
from tracked import PROJECT, Tracked

MEASURES = {
    "exact": measure.exact,
    "counted": lambda _, build, tracked, progress: measure.counted(
        build, tracked, progress
    ),
}


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def figures_of(source, build, tracked: Tracked, kinds: list[str]) -> dict:
    """{kind: {name: value}}. Raises measure.CannotMeasure."""
    return {kind: MEASURES[kind](source, build, tracked, progress) for kind in kinds}


def recorded(
    records: list[history.Record], base: checkout.Commit, compiler: str, wanted: dict
) -> dict | None:
    """The base's figures, when a record of the same code has all those that are wanted."""
    for record in reversed(records):
        if record.compiler != compiler or not checkout.is_ancestor(
            record.commit, base.name
        ):
            continue
        if not checkout.is_same_code(checkout.resolve(record.commit), base):
            return None
        found = {kind: getattr(record, kind) for kind in wanted}
        complete = all(wanted[kind] <= found[kind].keys() for kind in wanted)
        return found if complete else None
    return None


def newest(records: list[history.Record], compiler: str) -> history.Record:
    """Raises measure.CannotMeasure."""
    for record in reversed(records):
        if record.compiler == compiler and checkout.is_ancestor(record.commit, "HEAD"):
            return record
    raise measure.CannotMeasure(
        f"{history.HISTORY.name} has no record of this branch by {compiler}"
    )


def build_base(base: checkout.Commit) -> tuple[Path, Path]:
    """Its work tree, and its build. Raises checkout.CannotBuild."""
    progress(f"base {base.short}: building it in build/base ...")
    source = checkout.check_out(base)
    return source, checkout.build(source)


def base_figures(base, records, compiler, tracked, head: dict) -> dict:
    wanted = {kind: set(values) for kind, values in head.items()}
    found = recorded(records, base, compiler, wanted)
    if found is not None:
        progress(f"base {base.short}: from the history")
        return found
    return figures_of(*build_base(base), tracked, list(head))


def report(found: list[Change], records: list[history.Record], base) -> str:
    lines = []
    for change in found:
        word = (
            "WORSE" if change.fails else "acknowledged" if change.is_worse else "better"
        )
        since = compare.last_good(records, change)
        last = since.commit[:12] if since else base.short
        lines.append(
            f"{word:<12} {change.key}\n"
            f"{'':<12} {change.figure.title}: {change.before:,.10g} -> {change.now:,.10g} "
            f"{change.figure.unit} ({change.percent}); since {last}"
            + (f"\n{'':<12} because: {change.why}" if change.why else "")
        )
    failing = [change for change in found if change.fails]
    if failing:
        lines.append(
            "\nWhoever wants this adds to reports/acknowledged.yaml, in the same commit:"
        )
        for change in failing:
            lines.append(
                f'- figure: "{change.key}"\n  value: {change.now!r}\n  why: ...'
            )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="ci/regress",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    base_option = parser.add_mutually_exclusive_group()
    base_option.add_argument("--base", metavar="REVISION", help="what to compare with")
    base_option.add_argument(
        "--recorded",
        action="store_true",
        help="with what the history has, whatever has been committed since",
    )
    parser.add_argument("--only", choices=list(MEASURES), help="figures of this kind")
    options = parser.parse_args(arguments)
    kinds = [options.only] if options.only else list(MEASURES)
    try:
        tracked = tracking.load()
        known = compare.acknowledgements()
        records = history.load()
        base = checkout.base_of(options.base)
    except (
        tracking.BadTracked,
        compare.BadAcknowledgement,
        history.BadHistory,
        checkout.CannotBuild,
    ) as error:
        print(f"regress: {error}", file=sys.stderr)
        return 2
    try:
        progress("building the working tree ...")
        build = checkout.build(PROJECT)
        compiler = checkout.compiler(build)
        record = newest(records, compiler) if options.recorded else None
        head = figures_of(PROJECT, build, tracked, kinds)
        if record:
            base = checkout.resolve(record.commit)
            before = {kind: getattr(record, kind) for kind in kinds}
        else:
            before = base_figures(base, records, compiler, tracked, head)
    except (measure.CannotMeasure, checkout.CannotBuild) as error:
        print(f"regress: {error}", file=sys.stderr)
        return 3
    found = compare.changes(tracked, before, head, known)
    if found:
        print(report(found, records, base))
    compared = sum(name in before[kind] for kind in head for name in head[kind])
    worse = sum(change.fails for change in found)
    print(
        f"{compared} figures compared with {base.short} ({base.subject}): "
        f"{worse} worse, {len(found) - worse} changed otherwise"
    )
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
