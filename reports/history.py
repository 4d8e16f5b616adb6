"""reports/history.jsonl: what the tracked figures were, one record per merge, the oldest first."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

from checked import check
from tracked import KINDS, PROJECT

HISTORY = PROJECT / "reports" / "history.jsonl"

_NUMBERS = {"type": "object", "additionalProperties": {"type": "number"}}
_TIMES = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["median", "low", "high"],
        "properties": {
            "median": {"type": "number"},
            "low": {"type": "number"},
            "high": {"type": "number"},
            "base_median": {"type": "number"},
        },
        "additionalProperties": False,
    },
}
_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["commit", "committed_at", "subject", "base", "compiler", "machine"],
    "properties": {
        "commit": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
        "committed_at": {"type": "string"},
        "subject": {"type": "string"},
        "base": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
        "compiler": {"type": "string"},
        "machine": {"type": "string"},
        "exact": _NUMBERS,
        "counted": _NUMBERS,
        "timed": _TIMES,
        "acknowledged": {
            "type": "object",
            "additionalProperties": {"type": "string"},
        },
    },
}


class BadHistory(Exception):
    """The history is not as it should be; the text says where."""


@dataclass(frozen=True)
class Record:
    commit: str
    committed_at: str
    subject: str
    base: str  # what the times were taken in turn with
    compiler: str
    machine: str  # its class: times of different ones are not compared
    exact: dict[str, float] = field(default_factory=dict)
    counted: dict[str, float] = field(default_factory=dict)
    timed: dict[str, dict] = field(
        default_factory=dict
    )  # median, low, high, base_median
    acknowledged: dict[str, str] = field(default_factory=dict)  # figure: why

    def value(self, kind: str, name: str) -> float | None:
        of = getattr(self, kind).get(name)
        return of["median"] if isinstance(of, dict) else of


def load(path: Path = HISTORY) -> list[Record]:
    """Nothing when there is no file yet. Raises BadHistory."""
    records = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except OSError as error:
        raise BadHistory(f"{path}: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            document = json.loads(line)
        except ValueError as error:
            raise BadHistory(f"{path}:{number}: no JSON: {error}") from error
        check(document, _SCHEMA, f"{path}:{number}", BadHistory, "the record")
        records.append(Record(**document))
    return records


def append(record: Record, path: Path = HISTORY) -> None:
    """Replaces an earlier record of the same commit."""
    kept = [one for one in load(path) if one.commit != record.commit] + [record]
    text = "".join(json.dumps(asdict(one), sort_keys=True) + "\n" for one in kept)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def series(records: list[Record], kind: str, name: str) -> list[tuple[Record, float]]:
    """The records that have the figure, with its value."""
    assert kind in KINDS
    found = ((record, record.value(kind, name)) for record in records)
    return [(record, value) for record, value in found if value is not None]


def machine_class() -> str:
    """As "AMD EPYC 7763 64-Core Processor, 2 cores"."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, {os.cpu_count()} cores"
