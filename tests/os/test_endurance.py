"""One real node among others that come and go, faster than anywhere: neither its memory nor its
descriptors grow with the time it runs. The parts of a node, and an hour of it in simulated time:
tests/unit/endurance_test.cpp.
"""

import contextlib
import http.client
import os
import random
import re
import shutil
import socket
import time
from pathlib import Path

import pytest
from shoal_process import Control, Node, Refused, to_base64, wait_until

NEIGHBOURS = 4
LIFE_S = (1.0, 3.0)
# What takes minutes in a node that people run takes seconds here.
FAST = {
    "session_idle_timeout": "2s",
    "session_keep_alive": "1s",
    "handshake_timeout": "2s",
    "peer_backoff_max": "2s",
    "primary_lease": "3s",
    "rendezvous_lifetime": "1min",
    "rendezvous_read_interval": "10s",
    "connection_item_lifetime": "20s",
    "item_lifetime": "1min",
    "republish_interval": "3s",
    "table_check_period": "2s",
    "bucket_refresh_interval": "3s",
    "neighbour_refresh_interval": "3s",
    "reach_test_interval": "3s",
    "lost_check_interval": "1s",
    "tokens_max": "16",
    "cached_pairs_max": "16",
}


def descriptors(node: Node) -> int:
    return len(os.listdir(f"/proc/{node.process.pid}/fd"))


def heap_kib(node: Node) -> int:
    """Memory of its own: what is mapped of files comes and goes with the machine."""
    status = Path(f"/proc/{node.process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1])


def metrics_port(node: Node) -> int:
    return int(re.search(r'"metrics":"127\.0\.0\.1:(\d+)"', node.log())[1])


def loads(node: Node) -> dict[str, tuple[int, int]]:
    """What is in each part, and what fits."""
    connection = http.client.HTTPConnection("127.0.0.1", metrics_port(node), timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = {
        name: dict(re.findall(rf'^{name}{{part="(\w+)"}} (\d+)$', text, re.MULTILINE))
        for name in ("shoal_load", "shoal_load_max")
    }
    return {
        part: (int(size), int(found["shoal_load_max"][part]))
        for part, size in found["shoal_load"].items()
    }


class Neighbours:
    """Nodes that share a group with the one that stays, each for a few seconds."""

    def __init__(self, stays: Node):
        self.stays = stays
        self.alive: list[tuple[float, Node]] = []
        self.lived = 0

    def add(self) -> None:
        node = Node("127.0.0.1:0")
        shutil.copytree(self.stays.data / "keys", node.data / "keys")
        node.launch([self.stays.endpoint], FAST)
        self.alive.append((time.monotonic() + random.uniform(*LIFE_S), node))

    def remove_one(self) -> None:
        _, node = self.alive.pop(0)
        try:
            node.wait_ready()
            if random.random() < 0.5:
                node.kill()
            else:
                assert node.terminate() == 0, node.log()
        finally:
            node.close()
        self.lived += 1

    def come_and_go(self) -> None:
        while self.alive and self.alive[0][0] < time.monotonic():
            self.remove_one()
        while len(self.alive) < NEIGHBOURS:
            self.add()
        self.alive.sort(key=lambda entry: entry[0])

    def leave(self) -> None:
        while self.alive:
            self.remove_one()


def use(node: Node) -> None:
    """What people, programs and strangers do with it."""
    value = random.randbytes(random.choice([100, 100, 1000, 40_000]))
    with contextlib.suppress(Refused):
        key = node.ask("put", value=to_base64(value))["key"]
        node.ask("get", key=key)
        node.ask("find", target=random.randbytes(32).hex())
    for size, most in loads(node).values():
        assert size <= most
    Control(node.data / "control").close()  # hangs up before it has asked
    address, port = node.endpoint.rsplit(":", 1)
    with socket.create_connection((address, int(port)), timeout=5) as stranger:
        stranger.sendall(random.randbytes(random.choice([1, 3, 100])))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(random.randbytes(200), (address, int(port)))


def churn(node: Node, neighbours: Neighbours, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        neighbours.come_and_go()
        use(node)
        time.sleep(0.05)
    neighbours.leave()


def settle(node: Node) -> tuple[int, int]:
    """Alone again: its descriptors, and its memory in KiB."""

    def is_idle() -> bool:
        status = node.ask("status")
        return status["sessions"] == 0 and status["contacts"] == 0

    wait_until(is_idle, 30, "everybody who has left is forgotten")
    return descriptors(node), heap_kib(node)


# The heap keeps some memory for reuse: after seconds it still takes more for the same work, after
# minutes none.
@pytest.mark.parametrize(
    "seconds, growth_kib_max",
    [
        pytest.param(6, 2048, id="short"),
        pytest.param(90, 512, id="long", marks=pytest.mark.long),
    ],
)
def test_a_node_takes_no_more_the_longer_others_come_and_go(seconds, growth_kib_max):
    node = Node("127.0.0.1:0")
    try:
        node.start(
            settings={
                **FAST,
                "metrics": "127.0.0.1:0",
                "log_format": "json",
                "log_level": "info",
            }
        )
        assert node.cli("key", "new", "--name", "photos").returncode == 0
        neighbours = Neighbours(node)
        try:
            churn(node, neighbours, seconds)
            met = neighbours.lived
            first = settle(node)
            churn(node, neighbours, seconds)
        finally:
            neighbours.leave()
        second = settle(node)
        met_again = neighbours.lived - met
        told = f"after {met} neighbours {first}, after {met_again} more {second}"
        print(told)
        assert met_again >= 2 * NEIGHBOURS, told
        assert second[0] <= first[0], f"descriptors: {told}"
        assert second[1] <= first[1] + growth_kib_max, f"memory: {told}"
        status = node.ask("status")
        assert status["counters"]["session_bytes_received"] > 0, "groups had sessions"
    finally:
        node.close()
