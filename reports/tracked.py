"""The figures that are tracked: bench/tracked.yaml, checked. What a figure is called, its unit, which way is
better, and how it is measured."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from checked import check

PROJECT = Path(__file__).resolve().parents[1]
TRACKED = PROJECT / "bench" / "tracked.yaml"

KINDS = ("exact", "counted", "timed")
COUNTED_BAND = 0.01  # instructions differ by this much without anybody's doing

_TEXT = {"type": "string", "minLength": 1}
_BENCHMARK = {
    "benchmark": _TEXT,
    "title": _TEXT,
}
_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["metrics", *KINDS],
    "properties": {
        "metrics": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["title", "unit", "better"],
                "properties": {
                    "title": _TEXT,
                    "unit": {"type": "string"},
                    "better": {"enum": ["lower", "higher"]},
                },
            },
        },
        "exact": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["scenario", "metrics"],
                "properties": {
                    "scenario": _TEXT,
                    "set": {"type": "array", "items": _TEXT},
                    "metrics": {"type": "array", "items": _TEXT, "minItems": 1},
                },
            },
        },
        "counted": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["benchmark", "iterations", "title"],
                "properties": {
                    **_BENCHMARK,
                    "iterations": {"type": "integer", "minimum": 1},
                    "function": _TEXT,
                },
            },
        },
        "timed": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["benchmark", "title"],
                "properties": _BENCHMARK,
            },
        },
    },
}


class BadTracked(Exception):
    """bench/tracked.yaml is not as it should be; the text says where."""


@dataclass(frozen=True)
class Scenario:
    file: str
    settings: tuple[str, ...]
    metrics: tuple[str, ...]

    @property
    def name(self) -> str:
        return Path(self.file).stem


@dataclass(frozen=True)
class Benchmark:
    name: str
    title: str
    iterations: int = 0  # counted ones
    function: str = (
        ""  # counted ones: the function within which instructions are counted
    )


@dataclass(frozen=True)
class Figure:
    kind: str
    name: str
    title: str
    unit: str
    better: str  # "lower" or "higher"

    @property
    def key(self) -> str:
        """As acknowledgements name it."""
        return f"{self.kind} {self.name}"

    def is_worse(self, before: float, now: float) -> bool:
        return now > before if self.better == "lower" else now < before


@dataclass(frozen=True)
class Tracked:
    scenarios: tuple[Scenario, ...]
    counted: tuple[Benchmark, ...]
    timed: tuple[Benchmark, ...]
    figures: dict[tuple[str, str], Figure] = field(
        default_factory=dict
    )  # by kind and name

    def figure(self, kind: str, name: str) -> Figure:
        """Also of one that is no longer tracked."""
        known = self.figures.get((kind, name))
        return known or Figure(kind, name, name, "", "lower")


def load(path: Path = TRACKED) -> Tracked:
    """Raises BadTracked."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise BadTracked(f"{path}: {error}") from error
    check(document, _SCHEMA, str(path), BadTracked)
    scenarios = tuple(
        Scenario(
            entry["scenario"], tuple(entry.get("set", ())), tuple(entry["metrics"])
        )
        for entry in document["exact"]
    )
    figures = _figures(path, document, scenarios)
    return Tracked(
        scenarios,
        tuple(
            Benchmark(
                entry["benchmark"],
                entry["title"],
                entry["iterations"],
                entry.get("function", entry["benchmark"].split("/")[0] + "("),
            )
            for entry in document["counted"]
        ),
        tuple(
            Benchmark(entry["benchmark"], entry["title"]) for entry in document["timed"]
        ),
        {(figure.kind, figure.name): figure for figure in figures},
    )


def _figures(path: Path, document: dict, scenarios: tuple) -> list[Figure]:
    figures = []
    for scenario in scenarios:
        for metric in scenario.metrics:
            if metric not in document["metrics"]:
                raise BadTracked(
                    f"{path}: {scenario.file} has the metric '{metric}', of which 'metrics' says nothing"
                )
            of = document["metrics"][metric]
            figures.append(
                Figure(
                    "exact",
                    f"{scenario.name}/{metric}",
                    f"{of['title']}, {scenario.name}",
                    of["unit"],
                    of["better"],
                )
            )
    for entry in document["counted"]:
        name, title = entry["benchmark"], entry["title"]
        figures.append(Figure("counted", name, title, "instructions", "lower"))
    for entry in document["timed"]:
        name, title = entry["benchmark"], entry["title"]
        figures.append(Figure("timed", name, title, "ns", "lower"))
    seen = set()
    for figure in figures:
        if (figure.kind, figure.name) in seen:
            raise BadTracked(f"{path}: '{figure.name}' is there twice ({figure.kind})")
        seen.add((figure.kind, figure.name))
    return figures
