"""What a run left behind, loaded: summary.json and run.sqlite of one directory.

The tables are described in sim/run_schema.h; SQLite keeps those comments in the file.
"""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


# kRunSchemaVersion of sim/run_schema.h: what this program reads.
SCHEMA_VERSION = 3


class BadRun(Exception):
    """The directory does not hold a run that can be read; the message says why."""


@dataclass(frozen=True)
class Series:
    t_s: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class Histogram:
    low: np.ndarray
    high: np.ndarray
    count: np.ndarray


@dataclass(frozen=True)
class Fault:
    kind: str
    begin_s: float
    end_s: float
    what: str
    recovery_s: float | None


@dataclass(frozen=True)
class Expectation:
    text: str
    metric: str
    value: float | None
    met: bool


@dataclass(frozen=True)
class Example:
    """One of the worst cases of a metric whose expectation is not met."""

    metric: str
    rank: int
    what: str
    subject: str  # "lookup 17", as run_scenario explain takes it
    story: str


@dataclass(frozen=True)
class Violation:
    number: int
    rule: str
    host: int
    t_s: float
    job: str | None
    operation: str | None
    text: str


@dataclass
class Run:
    directory: Path
    summary: dict[str, float | str]
    facts: dict[str, float | str]  # the table `run`
    series: dict[str, Series]
    histograms: dict[str, Histogram]
    faults: list[Fault]
    expectations: list[Expectation]
    violations: list[Violation]
    rules: dict[str, str]  # of the oracle: when each holds
    examples: list[Example]
    purposes: dict[str, int]  # bytes after the warm-up
    failures: list[tuple] = field(default_factory=list)  # counted lookups that failed

    @property
    def name(self) -> str:
        return str(self.facts.get("scenario", self.directory.name))

    @property
    def warm_up_s(self) -> float:
        return float(self.facts.get("warm_up_s", 0))

    @property
    def duration_s(self) -> float:
        return float(self.summary.get("sim.duration_s", 0))


def load(directory: Path) -> Run:
    """Reads the run in `directory`. Raises BadRun."""
    if not directory.is_dir():
        raise BadRun(f"{directory}: no such directory")
    summary = _load_summary(directory / "summary.json")
    path = directory / "run.sqlite"
    if not path.is_file():
        raise BadRun(f"{path}: missing; is this the directory of a run?")
    try:
        with closing(sqlite3.connect(path)) as database:
            return _load_database(directory, summary, database)
    except sqlite3.Error as error:
        raise BadRun(f"{path}: not the database of a run: {error}") from error


def _load_summary(path: Path) -> dict[str, float | str]:
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadRun(f"{path}: missing; is this the directory of a run?") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadRun(f"{path}: cannot be read: {error}") from error
    except json.JSONDecodeError as error:
        raise BadRun(
            f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}"
        ) from error
    flat = isinstance(summary, dict) and all(
        isinstance(value, (int, float, str)) for value in summary.values()
    )
    if not flat:
        raise BadRun(f"{path}: expected one flat object of numbers and strings")
    return summary


def _load_database(
    directory: Path, summary: dict[str, float | str], database: sqlite3.Connection
) -> Run:
    def rows(query: str) -> list[tuple]:
        return database.execute(query).fetchall()

    facts = dict(rows("SELECT key, value FROM run"))
    if not facts:
        raise BadRun(f"{directory / 'run.sqlite'}: holds no run")
    version = int(facts.get("schema_version", 1))
    if version != SCHEMA_VERSION:
        raise BadRun(
            f"{directory / 'run.sqlite'}: written with schema version {version}, "
            f"this program reads version {SCHEMA_VERSION}: run the scenario again"
        )
    return Run(
        directory=directory,
        summary=summary,
        facts=facts,
        series=_load_series(rows),
        histograms=_load_histograms(rows),
        faults=[
            Fault(*row)
            for row in rows(
                "SELECT kind, begin_s, end_s, what, recovery_s FROM faults "
                "ORDER BY begin_s"
            )
        ],
        expectations=[
            Expectation(text, metric, value, bool(met))
            for text, metric, value, met in rows(
                "SELECT text, metric, value, met FROM expectations"
            )
        ],
        violations=[
            Violation(*row)
            for row in rows(
                "SELECT violation, rule, host, t_s, job, "
                "operation || ' ' || number, text FROM violations ORDER BY violation"
            )
        ],
        rules=dict(rows("SELECT rule, holds_when FROM oracle_rules")),
        examples=[
            Example(*row)
            for row in rows(
                "SELECT metric, rank, what, subject, story FROM examples "
                "ORDER BY metric, rank"
            )
        ],
        purposes=dict(rows("SELECT purpose, bytes FROM traffic_purposes")),
        failures=rows(
            "SELECT lookup, started_s, origin, truth, duration_ms, messages, error "
            "FROM lookups WHERE outcome = 'failure' AND counted ORDER BY lookup LIMIT 20"
        ),
    )


def _load_series(rows) -> dict[str, Series]:
    columns: dict[str, tuple[list[float], list[float]]] = {}
    for metric, t_s, value in rows(
        "SELECT metric, t_s, value FROM series ORDER BY metric, t_s"
    ):
        times, values = columns.setdefault(metric, ([], []))
        times.append(t_s)
        values.append(value)
    return {
        metric: Series(np.array(times), np.array(values))
        for metric, (times, values) in columns.items()
    }


def _load_histograms(rows) -> dict[str, Histogram]:
    columns: dict[str, list[tuple]] = {}
    for name, low, high, count in rows(
        "SELECT name, low, high, count FROM histograms ORDER BY name, low"
    ):
        columns.setdefault(name, []).append((low, high, count))
    return {
        name: Histogram(*(np.array(column, dtype=float) for column in zip(*bins)))
        for name, bins in columns.items()
    }
