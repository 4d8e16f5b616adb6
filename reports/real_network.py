"""The workload of a scenario on real processes: `shoal run` on loopback, commanded through
their control sockets, measured as the simulator measures its hosts.

What it takes from a scenario: durations, the population's size, bootstrap hosts, arrival and
node settings, lookups and hash items. The rest of the network is loopback's.
"""

import hashlib
import heapq
import math
import random
import selectors
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[1]
# The tests' driver of real processes is the one there is.
sys.path.insert(0, str(PROJECT / "tests" / "os"))

from shoal_process import Node, to_base64  # noqa: E402

UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
UNITS_B = {"B": 1, "KiB": 1024, "MiB": 1 << 20, "kB": 1000, "MB": 1000_000}
SETTLED_S = 10.0  # as sim/population.h
SAMPLE_EVERY_S = 10.0  # as sim/simulation.h


def quantity(text: str, units: dict[str, float]) -> float:
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return float(number) * units[text[len(number) :]]


def setting_text(value: object) -> str:
    """As --set of `shoal run` takes it: lists with commas."""
    return (
        ",".join(str(part) for part in value) if isinstance(value, list) else str(value)
    )


@dataclass
class Spec:
    duration_s: float
    warm_up_s: float
    size: int
    bootstrap_hosts: int
    arrival_s: float
    settings: dict[str, str]
    lookup_every_s: float
    items: int
    item_bytes: tuple[int, int]
    put_over_s: float
    get_every_s: float

    @classmethod
    def of(cls, scenario: Path) -> "Spec":
        data = yaml.safe_load(scenario.read_text(encoding="utf-8"))
        population, workload = data["population"], data["workload"]
        low, high = (int(quantity(text, UNITS_B)) for text in workload["items"]["size"])

        def seconds(text: str) -> float:
            return quantity(text, UNITS_S)

        return cls(
            duration_s=seconds(data["duration"]),
            warm_up_s=seconds(data["warm_up"]),
            size=population["size"],
            bootstrap_hosts=population["bootstrap_hosts"],
            arrival_s=seconds(population["arrival"]["over"]),
            settings={
                key: setting_text(value) for key, value in population["node"].items()
            },
            lookup_every_s=seconds(workload["lookups"]["every"]),
            items=workload["items"]["count"],
            item_bytes=(low, high),
            put_over_s=seconds(workload["items"]["put_over"]),
            get_every_s=seconds(workload["items"]["get_every"]),
        )


@dataclass
class Lookup:
    success: bool
    latency_ms: float = 0.0
    hops: int = 0
    messages: int = 0


def judge(report: dict, hosts: list[str], origin: str) -> Lookup:
    """As the simulator's oracle does: does the answer hold the true closest of the others?"""
    target = int(report["target"], 16)
    truth = min(
        (host for host in hosts if host != origin),
        key=lambda host: int(host, 16) ^ target,
    )
    answered = sum(
        step["outcome"] in ("answered", "refused") for step in report["steps"]
    )
    messages = report["requests"] + answered
    for row in report["closest"]:
        if row["host"] == truth:
            return Lookup(True, row["answered_after_ms"], row["hops"], messages)
    return Lookup(False, messages=messages)


def percentile(values: list[float], percent: float) -> float:
    """Nearest rank, as sim/metrics.cpp."""
    ordered = sorted(values)
    rank = math.ceil(round(percent * len(ordered) / 100, 9))
    return ordered[max(rank, 1) - 1]


@dataclass
class Totals:
    """Of all nodes together, at one instant."""

    when_s: float
    bytes_sent: int
    datagrams_sent: int


def metrics_of(
    lookups: list[Lookup],
    gets: list[float | None],
    tables: list[int],
    before: Totals,
    after: Totals,
    nodes: int,
) -> dict[str, float]:
    """By the names of summary.json; a metric without a value is absent. Of each get: its
    latency in ms, or None when it failed."""
    found = [lookup for lookup in lookups if lookup.success]
    spent = (after.when_s - before.when_s) * nodes
    metrics = {
        "traffic.bytes_per_node_per_s": (after.bytes_sent - before.bytes_sent) / spent,
        "traffic.messages_per_node_per_s": (
            after.datagrams_sent - before.datagrams_sent
        )
        / spent,
    }
    if lookups:
        metrics["lookup.success_ratio"] = len(found) / len(lookups)
        metrics["lookup.messages.mean"] = sum(x.messages for x in lookups) / len(
            lookups
        )
    if found:
        latencies = [lookup.latency_ms for lookup in found]
        metrics["lookup.hops.mean"] = sum(x.hops for x in found) / len(found)
        metrics["lookup.latency_ms.p50"] = percentile(latencies, 50)
        metrics["lookup.latency_ms.p99"] = percentile(latencies, 99)
    if gets:
        good = [latency for latency in gets if latency is not None]
        metrics["item.get_success_ratio"] = len(good) / len(gets)
        if good:
            metrics["item.get_latency_ms.p50"] = percentile(good, 50)
            metrics["item.get_latency_ms.p99"] = percentile(good, 99)
    if tables:
        metrics["table.contacts.mean"] = sum(tables) / len(tables)
    return metrics


@dataclass
class Item:
    value: bytes
    key: str


class RealNetwork:
    """One run. Everything happens in run(), on one thread: a heap of what is due, and the
    answers that arrive meanwhile."""

    def __init__(self, spec: Spec, seed: int):
        self.spec = spec
        self.dice = random.Random(seed)
        self.nodes: list[Node] = []
        self.joined_s: list[float] = []
        self.due: list[tuple[float, int, object]] = []
        self.posted = 0
        self.waiting: dict[tuple[int, int], object] = {}
        self.selector = selectors.DefaultSelector()
        self.items = [self._item() for _ in range(spec.items)]
        self.lookups: list[Lookup] = []
        self.gets: list[float | None] = []
        self.tables: list[int] = []
        self.totals: list[Totals] = []

    def _item(self) -> Item:
        low, high = self.spec.item_bytes
        size = round(math.exp(self.dice.uniform(math.log(low), math.log(high))))
        value = self.dice.randbytes(size)
        return Item(value, hashlib.sha256(value).hexdigest())

    def run(self) -> dict[str, float]:
        self.began = time.monotonic()
        try:
            self._schedule()
            self._loop(self.spec.duration_s)
            self._count_traffic()
            self._loop(self.spec.duration_s + 30, until_answered=True)
        finally:
            for node in self.nodes:
                node.close()
            self.selector.close()
        before, after = self.totals
        return metrics_of(
            self.lookups, self.gets, self.tables, before, after, self.spec.size
        )

    def now_s(self) -> float:
        return time.monotonic() - self.began

    def counts(self) -> bool:
        """Would an operation that starts now be measured?"""
        return self.now_s() >= self.spec.warm_up_s

    def at(self, when_s: float, what) -> None:
        self.posted += 1
        heapq.heappush(self.due, (when_s, self.posted, what))

    def after_gap(self, mean_s: float, what) -> None:
        """After an exponential gap, within the run."""
        when_s = self.now_s() + self.dice.expovariate(1 / mean_s)
        if when_s < self.spec.duration_s:
            self.at(when_s, what)

    def _schedule(self) -> None:
        spec = self.spec
        joins = [0.0] * spec.bootstrap_hosts + sorted(
            self.dice.uniform(0, spec.arrival_s)
            for _ in range(spec.size - spec.bootstrap_hosts)
        )
        for join_s in joins:
            self.at(join_s, self._start_node)
        for item in self.items:
            wait_s = self.dice.uniform(0, spec.put_over_s)
            self.at(spec.arrival_s + wait_s, lambda item=item: self._put(item))
        self.at(spec.warm_up_s, self._count_traffic)
        sample_s = spec.warm_up_s
        while sample_s < spec.duration_s:
            self.at(sample_s, self._sample_tables)
            sample_s += SAMPLE_EVERY_S

    def _loop(self, until_s: float, until_answered: bool = False) -> None:
        while self.now_s() < until_s and not (until_answered and not self.waiting):
            while not until_answered and self.due and self.due[0][0] <= self.now_s():
                heapq.heappop(self.due)[2]()
            next_s = min(self.due[0][0] if self.due else until_s, until_s)
            wait_s = 0.1 if until_answered else max(0.0, next_s - self.now_s())
            for key, _ in self.selector.select(wait_s):
                self._read(key.data)

    def _read(self, index: int) -> None:
        node = self.nodes[index]
        node.control.flush()
        for answer in node.control.answers():
            self.waiting.pop((index, answer["id"]))(answer)
        self._watch(index)

    def _watch(self, index: int) -> None:
        control = self.nodes[index].control
        events = selectors.EVENT_READ
        events |= selectors.EVENT_WRITE if control.unsent else 0
        self.selector.modify(control.socket, events, index)

    def _ask(self, index: int, command: dict, then) -> None:
        """then(answer), as the control socket gave it."""
        number = self.nodes[index].control.begin(command)
        self.waiting[(index, number)] = then
        self._watch(index)

    def _start_node(self) -> None:
        index = len(self.nodes)
        known = [node.endpoint for node in self.nodes[: self.spec.bootstrap_hosts]]
        self.nodes.append(Node())
        self.nodes[index].start(known, self.spec.settings)
        self.joined_s.append(self.now_s())
        control = self.nodes[index].control
        self.selector.register(control.socket, selectors.EVENT_READ, index)
        self.after_gap(self.spec.lookup_every_s, lambda: self._lookup(index))

    def _settled(self, index: int) -> bool:
        return self.now_s() - self.joined_s[index] >= SETTLED_S

    def _random_settled(self) -> int | None:
        settled = [i for i in range(len(self.nodes)) if self._settled(i)]
        return self.dice.choice(settled) if settled else None

    def _lookup(self, index: int) -> None:
        self.after_gap(self.spec.lookup_every_s, lambda: self._lookup(index))
        if not self._settled(index):
            return
        counts = self.counts()

        def ended(answer: dict) -> None:
            if not counts:
                return
            if "ok" not in answer:
                self.lookups.append(Lookup(False))
                return
            hosts = [node.host for node in self.nodes]
            self.lookups.append(judge(answer["ok"], hosts, self.nodes[index].host))

        target = self.dice.randbytes(32).hex()
        self._ask(index, {"command": "find", "target": target}, ended)

    def _put(self, item: Item) -> None:
        index = self._random_settled()
        if index is None:
            self.at(self.now_s() + SETTLED_S, lambda: self._put(item))
            return

        def stored(answer: dict) -> None:
            if answer.get("ok", {}).get("stored_count", 0) > 0:
                self.after_gap(self.spec.get_every_s, lambda: self._get(item))

        command = {"command": "put", "value": to_base64(item.value)}
        self._ask(index, command, stored)

    def _get(self, item: Item) -> None:
        self.after_gap(self.spec.get_every_s, lambda: self._get(item))
        index = self._random_settled()
        if index is None:
            return
        counts, began_s = self.counts(), self.now_s()

        def got(answer: dict) -> None:
            if counts:
                good = answer.get("ok", {}).get("value") == to_base64(item.value)
                latency_ms = 1000 * (self.now_s() - began_s)
                self.gets.append(latency_ms if good else None)

        self._ask(index, {"command": "get", "key": item.key}, got)

    def _ask_everybody(self, then) -> None:
        """then(the status of each)."""
        statuses: list[dict] = []

        def one(answer: dict) -> None:
            statuses.append(answer["ok"])
            if len(statuses) == len(self.nodes):
                then(statuses)

        for index in range(len(self.nodes)):
            self._ask(index, {"command": "status"}, one)

    def _count_traffic(self) -> None:
        def add(statuses: list[dict]) -> None:
            counters = [status["counters"] for status in statuses]
            sent = sum(c["bytes_sent"] + c["session_bytes_sent"] for c in counters)
            datagrams = sum(c["datagrams_sent"] for c in counters)
            self.totals.append(Totals(self.now_s(), sent, datagrams))

        self._ask_everybody(add)

    def _sample_tables(self) -> None:
        self._ask_everybody(
            lambda statuses: self.tables.extend(
                status["contacts"] for status in statuses
            )
        )
