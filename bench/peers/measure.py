#!/usr/bin/python3
"""Measures a cluster of our nodes beside clusters of libtorrent's DHT and of OpenDHT, all on loopback.

Each program (bench/peers/*_cluster.cpp) holds all nodes of its cluster in one process and does the same:
waits until tables are filled, puts values, gets each of them by another node, and idles. Puts run 16 at a
time, gets one by one; a get is over when the value is there. All three keep a value at eight nodes, and use
all cores. Then a process beside it asks the first node as fast as it answers, first by ping, then for the
hosts near a random id: ours in sealed datagrams, with a token that says that the address is good, the others
in clear. `bare` is no node, but a loop over a socket that opens and seals as much. libtorrent takes values of
up to 1,000 bytes. Limits of rates and of addresses are lifted for all.

The rounds take turns; packets and bytes are those of the loopback interface of a network namespace of our
own, headers included. Builds the programs first; one that cannot be built is left out, and said so. Needs
root, or user namespaces, and Debian's packages
  apt-get install libtorrent-rasterbar-dev libopendht-dev

Exit status: 0 measured, 1 a program failed, 2 the command line is wrong, 3 nothing could be built.

Example: bench/peers/measure.py --json reports/peers.json
         bench/peers/measure.py --rounds 1 --nodes 16 --operations 100 --settle 5
"""

import argparse
import datetime
import json
import statistics
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "bench"), str(PROJECT / "reports")]

import checkout  # noqa: E402
import history  # noqa: E402
import sync_measure  # noqa: E402

BUILD = PROJECT / "build" / "release"
# Sizes of values, and who takes them.
WORKLOADS = {
    100: ("shoal", "libtorrent", "opendht", "bare"),
    60_000: ("shoal", "opendht"),
}
# What the flooder asks for is as large whatever was put: measured with these.
FLOODED_AT = 100
# Name, unit, where it stands in what a program prints.
METRICS = {
    "get, median": ("ms", ("get", "p50_ms")),
    "get, p99": ("ms", ("get", "p99_ms")),
    "get, packets": ("", ("get", "packets")),
    "get, bytes on the wire": ("B", ("get", "bytes")),
    "get, processor": ("ms", ("get", "cpu_ms")),
    "gets that failed": ("", ("get", "failures")),
    "put, median": ("ms", ("put", "p50_ms")),
    "put, p99": ("ms", ("put", "p99_ms")),
    "put, packets": ("", ("put", "packets")),
    "put, bytes on the wire": ("B", ("put", "bytes")),
    "put, processor": ("ms", ("put", "cpu_ms")),
    "puts that failed": ("", ("put", "failures")),
    "idle, processor of a node": ("ms/s", ("idle", "cpu_ms_per_node_per_s")),
    "idle, packets of a node": ("/s", ("idle", "packets_per_node_per_s")),
    "memory of a node": ("B", ("memory_bytes_per_node",)),
    "ping answered, processor": ("µs", ("flood", "ping", "cpu_us_per_reply")),
    "find answered, processor": ("µs", ("flood", "find", "cpu_us_per_reply")),
}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def build() -> list[str]:
    """Whose programs there are."""
    built = []
    try:
        checkout.build(PROJECT)
    except checkout.CannotBuild as error:
        say(f"peers: {error}")
        return []
    for tool in WORKLOADS[100]:
        done = subprocess.run(
            ["ninja", "-C", str(BUILD), f"shoal_peer_{tool}"],
            capture_output=True,
            text=True,
        )
        if done.returncode == 0:
            built.append(tool)
        else:
            why = (done.stdout + done.stderr).strip().splitlines()[-1]
            say(f"peers: {tool} is left out: {why}")
    return built


def run(tool: str, value_bytes: int, options) -> dict | None:
    command = [BUILD / f"bin/shoal_peer_{tool}", "--value-bytes", value_bytes]
    for name in ("nodes", "operations", "in_flight", "settle", "idle", "flood"):
        command += [f"--{name.replace('_', '-')}", getattr(options, name)]
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True
    )
    try:
        return json.loads(done.stdout)
    except ValueError:
        said = (done.stderr or done.stdout).strip()[-500:]
        say(f"peers: {tool} ended with status {done.returncode}: {said}")
        return None


def found(printed: dict, value_bytes: int) -> dict[str, float]:
    """The metrics that a program has printed, by name."""
    metrics = {}
    for name, (_, path) in METRICS.items():
        if path[0] not in printed or (path[0] == "flood" and value_bytes != FLOODED_AT):
            continue
        value = printed
        for key in path:
            value = value[key]
        metrics[name] = value
    return metrics


def measure_all(tools: list[str], options) -> tuple[list[dict], bool]:
    """A row for each metric, tool and size with the values of all rounds; and whether all programs ran."""
    values: dict[tuple[int, str, str], list[float]] = {}
    all_ran = True
    for number in range(options.rounds):
        for value_bytes, takers in WORKLOADS.items():
            for tool in [one for one in takers if one in tools]:
                say(
                    f"round {number + 1} of {options.rounds}: {tool}, {value_bytes} B ..."
                )
                printed = run(tool, value_bytes, options)
                all_ran &= printed is not None
                for name, value in found(printed or {}, value_bytes).items():
                    values.setdefault((value_bytes, name, tool), []).append(value)
    rows = [
        {
            "value_bytes": value_bytes,
            "metric": name,
            "unit": METRICS[name][0],
            "tool": tool,
            "values": of,
        }
        for (value_bytes, name, tool), of in values.items()
    ]
    return rows, all_ran


def table(rows: list[dict]) -> str:
    medians = {
        (row["value_bytes"], row["metric"], row["tool"]): statistics.median(
            row["values"]
        )
        for row in rows
    }
    tools = [tool for tool in WORKLOADS[100] if any(key[2] == tool for key in medians)]
    lines = [
        "| Values of | Metric | " + " | ".join(tools) + " |",
        "|---|---|" + "---|" * len(tools),
    ]
    for value_bytes in WORKLOADS:
        for name, (unit, _) in METRICS.items():
            of_tools = [medians.get((value_bytes, name, tool)) for tool in tools]
            cells = ["" if m is None else f"{m:,.4g} {unit}".strip() for m in of_tools]
            if any(cells):
                lines.append(
                    f"| {value_bytes:,} B | {name} | " + " | ".join(cells) + " |"
                )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--rounds", type=int, default=5)
    add("--nodes", type=int, default=64)
    add("--operations", type=int, default=1000, help="puts, and gets")
    add("--in-flight", type=int, default=16, help="puts at a time")
    add(
        "--settle", type=float, default=40, metavar="SECONDS", help="for tables to fill"
    )
    add("--idle", type=float, default=10, metavar="SECONDS")
    add(
        "--flood",
        type=float,
        default=5,
        metavar="SECONDS",
        help="of each kind of flood",
    )
    add("--json", type=Path, metavar="FILE", help="write all values there, too")
    options = parser.parse_args()
    numbers = (options.rounds, options.nodes, options.operations, options.in_flight)
    if min(numbers) < 1 or min(options.settle, options.idle, options.flood) <= 0:
        parser.error("all numbers are above 0")
    tools = build()
    if not tools:
        return 3
    try:
        sync_measure.enter_own_network()
    except OSError as error:
        say(f"peers: {error}; run it as root")
        return 1
    rows, all_ran = measure_all(tools, options)
    print(table(rows))
    if options.json:
        about = {
            "commit": checkout.resolve("HEAD").name,
            "measured_at": datetime.date.today().isoformat(),
            "machine": history.machine_class(),
            "nodes": options.nodes,
            "operations": options.operations,
            "in_flight": options.in_flight,
            "rounds": options.rounds,
        }
        options.json.write_text(json.dumps(about | {"rows": rows}, indent=1) + "\n")
    return 0 if all_ran else 1


if __name__ == "__main__":
    sys.exit(main())
