"""Writes the directory of a run as run_scenario would, from a small model of churn and a partition.

The database is made from the schema in sim/run_schema.h itself, so that reports are
tested against what the simulator writes.
"""

import json
import math
import re
import sqlite3
import sys
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parents[2]
KINDS = ["ping", "find_host", "get_item", "store_item", "store_host", "session"]

STORY = """Lookup {number} of 5c0ffee1… by host-3 at 1900.2 s: success
  It took 5812 ms and 61 messages, requests and answers.

What was true
  The closest host was host-44.2, online since 612.0 s.

Who was asked, by the time since the start
    0.0 ms  host-12      (its own table, hop 1)     answered after 84 ms
     84 ms  host-7       (told by host-12, hop 2)   no answer after 4000 ms  [<left> & gone]
"""


def schema() -> str:
    header = (PROJECT / "sim" / "run_schema.h").read_text(encoding="utf-8")
    return re.search(r'R"sql\((.*)\)sql"', header, re.DOTALL).group(1)


def write_run(directory: Path, healthy: bool = True, eventful: bool = True) -> Path:
    """A run of one simulated hour; `eventful` ones have faults, items and churn."""
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    summary = _summary(healthy)
    (directory / "summary.json").write_text(json.dumps(summary, indent=2))
    path = directory / "run.sqlite"
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.executescript(schema())
    facts = summary | {
        "run.seed": -1,  # SQLite's integers are signed
        "scenario": "churn_500",
        "description": "500 nodes come and go, are split in two & heal again.",
        "source": "Stutzbach and Rejaie 2006, Table 3",
        "scenario_text": "name: churn_500\nduration: 1h\nwarm_up: 15min\n",
        "warm_up_s": 900.0,
        "population.size": 500,
        "lookups_started": 22311,
        "lookups_kept_share": 1.0,
        "schema_version": 3,
    }
    insert(database, "run", facts.items())
    insert(database, "series", _series(rng, eventful))
    insert(database, "histograms", _histograms(rng, eventful))
    if eventful:
        insert(database, "faults", _faults(healthy))
    insert(
        database,
        "expectations",
        [
            ("lookup.success_ratio >= 0.995", "lookup.success_ratio", 0.9971, 1),
            (
                "lookup.latency_ms.p99 <= 3000",
                "lookup.latency_ms.p99",
                2143.0 if healthy else 4210.5,
                int(healthy),
            ),
            ("oracle.violations == 0", "oracle.violations", 0, 1),
        ],
    )
    insert(
        database,
        "traffic_purposes",
        [("lookup", 812_345_678), ("maintenance", 402_111_222), ("items", 90_210_000)],
    )
    if not healthy:
        insert(
            database,
            "violations",
            [
                (
                    1,
                    "forged_value",
                    17,
                    1834.25,
                    "handle_response",
                    "get",
                    812,
                    "0000000100000007",
                    "item 5c0ffee1: 100 bytes that nobody put",
                )
            ],
        )
        insert(
            database,
            "oracle_rules",
            [("forged_value", "a value got is one that was put", 90412, 1)],
        )
        insert(database, "examples", _examples())
        insert(
            database,
            "lookups",
            [
                (
                    n,
                    1000.5 * n,
                    3,
                    "ab" * 32,
                    "failure",
                    1,
                    0,
                    44,
                    None,
                    812.5,
                    None,
                    31,
                    None,
                    0,
                    43,
                    371,
                )
                for n in range(1, 4)
            ],
        )
    database.commit()
    database.close()
    return directory


def insert(database: sqlite3.Connection, table: str, rows) -> None:
    for row in rows:
        marks = ",".join("?" * len(row))
        database.execute(f"INSERT INTO {table} VALUES ({marks})", row)


def _summary(healthy: bool) -> dict[str, float | str]:
    return {
        "heal.recovery_s": 6.5 if healthy else "never",
        "item.get_success_ratio": 0.9983,
        "item.lost_count": 0,
        "lookup.count": 22311,
        "lookup.hops.mean": 2.31,
        "lookup.latency_ms.p50": 312.4,
        "lookup.latency_ms.p99": 2143.0 if healthy else 4210.5,
        "lookup.success_ratio": 0.9971,
        "oracle.checks": 1204311,
        "oracle.violations": 0 if healthy else 1,
        "population.online.mean": 371.2,
        "run.commit": "1a2b3c4d",
        "run.expectations_failed": 0 if healthy else 1,
        "run.scenario": "churn_500",
        "run.seed": 18446744073709551615,
        "run.trace_hash": "0123456789abcdef",
        "sim.duration_s": 3600.0,
        "sim.events_per_s": 812345.6,
        "traffic.bytes_per_node_per_s": 1043.9,
        "maintenance.bytes_per_node_per_s": 402.5,
        "table.contacts.mean": 141.7,
    }


def _examples() -> list[tuple]:
    return [
        (
            "lookup.latency_ms.p99",
            rank,
            "the slowest lookups",
            f"lookup {1000 + rank}",
            STORY.format(number=1000 + rank),
        )
        for rank in range(1, 4)
    ]


def _faults(healthy: bool) -> list[tuple]:
    recovery_s = 6.5 if healthy else None
    return [
        (1, "partition", 1800.0, 2100.0, "partition 50 / 50 %", recovery_s),
        (2, "loss", 2400.0, 2460.0, "20 % loss", None),
        (3, "kill", 2700.0, 2700.0, "30 % of hosts killed", None),
    ]


def _series(rng: np.random.Generator, eventful: bool) -> list[tuple]:
    rows = []
    for t_s in np.arange(0.0, 3601, 10):
        joined = 380 * (1 - math.exp(-t_s / 120))
        online = joined + (rng.normal(0, 4) if eventful else 0)
        if eventful and t_s >= 2700:
            online -= 110 * math.exp(-(t_s - 2700) / 400)
        online = max(online, 0)
        rows.append((t_s, "online", round(online)))
        rows.append((t_s, "table.contacts", 150 * (1 - math.exp(-t_s / 300))))
        rows.append((t_s, "table.live_contact_ratio", 0.93 + 0.01 * rng.random()))
        if t_s == 0:
            continue
        cut = eventful and 1800 < t_s <= 2110
        success = 0.53 + 0.04 * rng.random() if cut else 1 - 0.006 * rng.random() ** 3
        rows.append((t_s, "lookups.success_ratio", min(success, t_s / 200)))
        if eventful and t_s > 900:
            rows.append((t_s, "gets.success_ratio", 1 - 0.02 * rng.random() ** 4))
        for i, kind in enumerate(KINDS):
            rush = 6 * math.exp(-t_s / 60) if kind == "find_host" else 0
            each = 620 / (i + 1) ** 1.4 * (1 + rush + 0.1 * rng.random())
            rows.append((t_s, f"traffic.bytes_per_s.{kind}", each * online))
        rows.append((t_s, "traffic.bytes_per_s.shutdown_host", 0.0))
    return rows


def _histograms(rng: np.random.Generator, eventful: bool) -> list[tuple]:
    latencies = {"lookup.latency_ms": 310.0, "lookup.duration_ms": 640.0}
    if eventful:
        latencies["item.get_latency_ms"] = 420.0
    rows = []
    for name, median in latencies.items():
        drawn = rng.lognormal(math.log(median), 0.65, 20_000)
        edges = 0.1 * 1.02 ** np.arange(0, 700)
        counts, _ = np.histogram(drawn, edges)
        rows += [
            (name, float(low), float(high), int(count))
            for low, high, count in zip(edges, edges[1:], counts)
            if count
        ]
    for hops, count in enumerate([0, 2100, 11800, 7100, 990, 41]):
        if count:
            rows.append(("lookup.hops", float(hops), hops + 1.0, count))
    return rows


if __name__ == "__main__":
    print(write_run(Path(sys.argv[1]), healthy="--failing" not in sys.argv))
