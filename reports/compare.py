"""Figures of two commits, held against each other by the rule of their kind."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from checked import check
from history import Record, series
from tracked import COUNTED_BAND, PROJECT, Figure, Tracked

ACKNOWLEDGED = PROJECT / "reports" / "acknowledged.yaml"

_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["figure", "value", "why"],
        "properties": {
            "figure": {"type": "string"},
            "value": {"type": "number"},
            "why": {"type": "string", "minLength": 1},
        },
    },
}


class BadAcknowledgement(Exception):
    """reports/acknowledged.yaml is not as it should be; the text says where."""


@dataclass(frozen=True)
class Acknowledgement:
    figure: str  # "exact static_1000/lookup.hops.mean"
    value: float  # what it may be
    why: str

    def is_of(self, figure: Figure, value: float) -> bool:
        return self.figure == figure.key and is_same(figure.kind, self.value, value)


@dataclass(frozen=True)
class Change:
    figure: Figure
    before: float
    now: float
    why: str | None = None  # as acknowledged

    @property
    def key(self) -> str:
        return self.figure.key

    @property
    def is_worse(self) -> bool:
        return self.figure.is_worse(self.before, self.now)

    @property
    def fails(self) -> bool:
        return self.is_worse and self.why is None

    @property
    def percent(self) -> str:
        if self.before == 0:
            return "from 0"
        return f"{100 * (self.now - self.before) / self.before:+.2f} %"


def is_same(kind: str, before: float, now: float) -> bool:
    if kind == "exact":
        return before == now
    return abs(now - before) <= COUNTED_BAND * abs(before)


def acknowledgements(path: Path = ACKNOWLEDGED) -> list[Acknowledgement]:
    """Raises BadAcknowledgement."""
    if not path.exists():
        return []
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, yaml.YAMLError) as error:
        raise BadAcknowledgement(f"{path}: {error}") from error
    check(document, _SCHEMA, str(path), BadAcknowledgement)
    return [Acknowledgement(**entry) for entry in document]


def changes(
    tracked: Tracked, base: dict, head: dict, known: list[Acknowledgement]
) -> list[Change]:
    """Of the exact and counted figures that both have ({kind: {name: value}}), those that differ by more than
    their rule lets them: what fails first, then by how much."""
    found = []
    for kind in ("exact", "counted"):
        for name, now in head.get(kind, {}).items():
            before = base.get(kind, {}).get(name)
            if before is None or is_same(kind, before, now):
                continue
            figure = tracked.figure(kind, name)
            why = [one.why for one in known if one.is_of(figure, now)]
            found.append(Change(figure, before, now, why[-1] if why else None))
    return sorted(found, key=lambda c: (not c.fails, not c.is_worse, -_size(c), c.key))


def _size(change: Change) -> float:
    return abs(change.now - change.before) / max(abs(change.before), 1e-12)


def last_good(records: list[Record], change: Change) -> Record | None:
    """The newest record in which the figure still was what it was before the change."""
    for record, value in reversed(
        series(records, change.figure.kind, change.figure.name)
    ):
        if is_same(change.figure.kind, change.before, value):
            return record
    return None
