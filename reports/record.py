#!/usr/bin/python3
"""Measures the tracked figures of HEAD and writes them down as a line of reports/history.jsonl.

Once per merge: exact figures by simulations with fixed seeds, counted ones by callgrind, timed ones in turn
with the base (where this branch left main; on main the commit before), which is built in build/base. Takes
some ten minutes; the machine should have nothing else to do for the times. The working tree must be clean, so
that the figures are HEAD's. What reports/acknowledged.yaml says of them goes into the record. An earlier
record of the same commit is replaced.

Exit status: 0 recorded; 2 the command line or a file is wrong, or the tree is not clean; 3 a build or a
measurement failed.

Example: ci/record
         ci/record --without-times
"""

import argparse
import sys

import checkout
import compare
import history
import measure
import regress
import tracked as tracking
from tracked import PROJECT, Tracked


def acknowledged(tracked: Tracked, figures: dict) -> dict[str, str]:
    """Of what is acknowledged, that which is so in these figures."""
    return {
        one.figure: one.why
        for one in compare.acknowledgements()
        for kind, values in figures.items()
        for name, value in values.items()
        if one.is_of(tracked.figure(kind, name), value)
    }


def times(build, base: checkout.Commit, tracked: Tracked) -> dict:
    """Of HEAD, each with the median of the base in the same rounds."""
    _, base_build = regress.build_base(base)
    ours, theirs = measure.timed([build, base_build], tracked, regress.progress)
    return {
        name: of | ({"base_median": theirs[name]["median"]} if name in theirs else {})
        for name, of in ours.items()
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="ci/record",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--base", metavar="REVISION", help="what to take turns with")
    parser.add_argument(
        "--without-times", action="store_true", help="exact and counted figures only"
    )
    options = parser.parse_args(arguments)
    try:
        tracked = tracking.load()
        history.load()
        head = checkout.resolve("HEAD")
        if checkout.is_dirty():
            raise checkout.CannotBuild(
                "the working tree has code that is not committed"
            )
        base = checkout.base_of(options.base)
    except (tracking.BadTracked, history.BadHistory, checkout.CannotBuild) as error:
        print(f"record: {error}", file=sys.stderr)
        return 2
    try:
        regress.progress("building HEAD ...")
        build = checkout.build(PROJECT)
        figures = regress.figures_of(PROJECT, build, tracked, list(regress.MEASURES))
        record = history.Record(
            *head,
            base=base.name,
            compiler=checkout.compiler(build),
            machine=history.machine_class(),
            acknowledged=acknowledged(tracked, figures),
            timed={} if options.without_times else times(build, base, tracked),
            **figures,
        )
        history.append(record)
    except compare.BadAcknowledgement as error:
        print(f"record: {error}", file=sys.stderr)
        return 2
    except (measure.CannotMeasure, checkout.CannotBuild, OSError) as error:
        print(f"record: {error}", file=sys.stderr)
        return 3
    count = len(record.exact) + len(record.counted) + len(record.timed)
    print(
        f"{count} figures of {head.short} ({head.subject}) are in {history.HISTORY.name}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
