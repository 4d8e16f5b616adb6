"""Shoal as its users run it: real processes on loopback, commanded through their control sockets.

SHOAL_BINARY names the program to test (default: build/release/bin/shoal).
"""

import hashlib
import random
import signal
import time

import pytest
from shoal_process import (
    Node,
    Refused,
    ask_all,
    from_base64,
    to_base64,
    wait_until,
)

NODES = 25
VALUES = 1000
COPIES_MIN = 6  # of the 8 that a put asks for


@pytest.fixture
def nodes():
    """Makes nodes that are gone when the test ends."""
    made = []

    def make(listen: str = "127.0.0.1:0") -> Node:
        made.append(Node(listen))
        return made[-1]

    yield make
    for node in made:
        node.close()


def start_network(make, count: int) -> list[Node]:
    network = [make() for _ in range(count)]
    network[0].start()
    for node in network[1:]:
        node.launch([network[0].endpoint])
    for node in network[1:]:
        node.wait_ready()
    for node in network:
        wait_until(lambda: contacts(node) > 0, 20, f"{node.host} has a contact")
    return network


def contacts(node: Node) -> int:
    return node.ask("status")["contacts"]


def find_each_other(network: list[Node]) -> bool:
    """Is every host the nearest answer to its own id, whoever asks?"""
    pairs = [(a, b) for a in network for b in network if a is not b]
    answers = ask_all([(a, {"command": "find", "target": b.host}) for a, b in pairs])
    return all(
        not isinstance(answer, Refused)
        and answer["closest"]
        and answer["closest"][0]["host"] == b.host
        for (_, b), answer in zip(pairs, answers)
    )


def make_values(count: int) -> list[bytes]:
    """Of 100 B to 64 KiB, each power of two as often, the bounds among them."""
    dice = random.Random(1)
    sizes = [100, 65536]
    while len(sizes) < count:
        sizes.append(min(65536, int(100 * 2 ** dice.uniform(0, 9.4))))
    return [dice.randbytes(size) for size in sizes]


def get_all(readers: list[Node], values: list[bytes]) -> None:
    """Every value comes back identical, each through another reader than the next."""
    commands = [
        (
            readers[i % len(readers)],
            {"command": "get", "key": hashlib.sha256(value).hexdigest()},
        )
        for i, value in enumerate(values)
    ]
    answers = ask_all(commands)
    lost = [answer for answer in answers if isinstance(answer, Refused)]
    assert not lost, f"{len(lost)} of {len(values)} lost, the first: {lost[0]}"
    for value, answer in zip(values, answers):
        assert from_base64(answer["value"]) == value


def test_twenty_five_processes_keep_a_thousand_values_through_kills(nodes):
    network = start_network(nodes, NODES)
    wait_until(lambda: find_each_other(network), 120, "all find each other")

    values = make_values(VALUES)
    writers, readers = network[:10], network[10:]
    puts = [
        (writers[i % len(writers)], {"command": "put", "value": to_base64(value)})
        for i, value in enumerate(values)
    ]

    # On a busy machine a holder may answer too late: what has too few copies is put again.
    def all_have_copies() -> bool:
        nonlocal puts
        again = []
        for put, stored in zip(puts, ask_all(puts, 300)):
            assert not isinstance(stored, Refused), stored
            value = from_base64(put[1]["value"])
            assert stored["key"] == hashlib.sha256(value).hexdigest()
            if stored["stored_count"] < COPIES_MIN:
                again.append(put)
        puts = again
        return not puts

    wait_until(all_have_copies, 300, "all values have their copies")
    get_all(readers, values)

    killed = network[1::3]
    assert len(killed) >= NODES // 3
    before = {node: node.ask("status") for node in killed}
    for node in killed:
        node.kill()
    alive = [node for node in network if node not in killed]
    get_all(alive, values)

    for node in killed:
        node.launch()  # no --bootstrap: the known hosts must do
    for node in killed:
        node.wait_ready()
        status = node.ask("status")
        assert status["host"] == before[node]["host"]
        assert status["boot_number"] == before[node]["boot_number"] + 1
        assert status["items"] >= before[node]["items"] > 0
        wait_until(lambda: contacts(node) > 0, 120, f"{node.host} knows hosts again")
    get_all(killed, values)


def test_a_host_that_changes_its_port_is_resolved_at_the_new_one(nodes):
    network = start_network(nodes, 5)
    moving, asking = network[2], network[4]

    def resolved() -> list[str]:
        try:
            return asking.ask("resolve", host=moving.host)["endpoints"]
        except Refused:
            return []

    wait_until(lambda: moving.endpoint in resolved(), 30, "it is resolved at first")
    old_host, old_endpoint = moving.host, moving.endpoint
    assert moving.terminate() == 0
    moving.start()
    assert moving.host == old_host
    assert moving.endpoint != old_endpoint
    wait_until(lambda: moving.endpoint in resolved(), 30, "it is resolved anew")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(nodes, number):
    network = start_network(nodes, 3)
    value = b"x" * 1000
    network[1].ask("put", value=to_base64(value))
    items = network[1].ask("status")["items"]
    began = time.monotonic()
    assert network[1].terminate(number) == 0
    assert time.monotonic() - began < 30
    assert not (network[1].data / "control").exists()
    assert not (network[1].data / "shoal.sqlite-wal").exists()
    network[1].start()
    assert network[1].ask("status")["items"] >= items


def test_published_values_change_only_as_their_owner_says(nodes):
    network = start_network(nodes, 6)
    secret = "5a" * 32

    def publish(value: bytes, **fields) -> dict:
        return network[1].ask(
            "publish", secret=secret, value=to_base64(value), **fields
        )

    first = publish(b"one")
    assert first["stored_count"] >= 3
    publish(b"two")
    key = first["key"]
    found = network[3].ask("lookup", public_key=key)["records"]
    assert [from_base64(record["value"]) for record in found] == [b"two"]
    sequence = found[0]["sequence"]

    def refused(**fields) -> set[str]:
        """The reasons, by holder or for all."""
        try:
            answer = publish(b"three", **fields)
        except Refused as error:
            return {error.code}
        assert answer["stored_count"] == 0
        return {holder["refusal"] for holder in answer["holders"]}

    assert "sequence_too_low" in refused(sequence=sequence - 1)
    # Of two values of one number the one that expires later wins, on all hosts.
    assert "sequence_conflict" in refused(sequence=sequence, lifetime_ms=60_000)
    assert "cas_mismatch" in refused(
        sequence=sequence + 5, expected_sequence=sequence - 1
    )
    publish(b"three", expected_sequence=sequence)
    publish(b"salted", salt=to_base64(b"s"))
    found = network[4].ask("lookup", public_key=key, all=True)["records"]
    values = {
        from_base64(record["salt"]): from_base64(record["value"]) for record in found
    }
    assert values == {b"": b"three", b"s": b"salted"}
