"""Three hosts that share a key, two on one LAN and one behind a router, through what happens in a year."""

import pytest
from namespaces import ip
from shoal_process import Node, connected, wait_until

# Shorter than in life, so that a test can wait for them.
SETTINGS = {
    "session_keep_alive": "1s",
    "primary_lease": "6s",
    "peer_backoff_max": "5s",
    "rendezvous_read_interval": "10s",
    "bootstrap_backoff_max": "5s",
}
WITHIN_S = 60


@pytest.fixture
def three(lans, start):
    """Two hosts of an office and one of a home. Each LAN has a router to the Internet, where one
    more host is the bootstrap address and has no key. Also the router of the home."""
    office, home, internet = lans.add_lan(), lans.add_lan(), lans.add_lan()
    try:
        lans.add_router((office, "192.168.77.1/24"), (internet, "10.9.0.1/24"))
        router = lans.add_router((home, "192.168.88.1/24"), (internet, "10.9.0.2/24"))
    except RuntimeError as error:
        pytest.skip(f"routers cannot be made here: {error}")
    ip("-n", lans.namespaces[0], "route", "add", "192.168.88.0/24", "via", "10.9.0.2")
    ip("-n", router, "route", "add", "192.168.77.0/24", "via", "10.9.0.1")
    server = lans.add_host()
    lans.plug(server, internet, "10.9.0.9/24", v6=False)
    ip("-n", server, "route", "add", "192.168.77.0/24", "via", "10.9.0.1")
    ip("-n", server, "route", "add", "192.168.88.0/24", "via", "10.9.0.2")
    start(server, "0.0.0.0:7465", **SETTINGS)

    nodes = []
    for lan, address, gateway in (
        (office, "192.168.77.2/24", "192.168.77.1"),
        (office, "192.168.77.3/24", "192.168.77.1"),
        (home, "192.168.88.2/24", "192.168.88.1"),
    ):
        host = lans.add_host()
        device = lans.plug(host, lan, address, v6=False)
        ip("-n", host, "route", "add", "default", "via", gateway)
        node = start(host, "0.0.0.0:7465", ["10.9.0.9:7465"], **SETTINGS)
        node.device = device
        nodes.append(node)
    key = nodes[0].cli("key", "new", "--name", "family").stdout
    for node in nodes[1:]:
        node.cli("key", "add", "--name", "family", stdin=key)
    wait_for_each_other(nodes)
    return nodes, router


def wait_for_each_other(nodes: list[Node]) -> None:
    everybody = {node.host for node in nodes}
    for node in nodes:
        wait_until(
            lambda: connected(node) == everybody - {node.host},
            WITHIN_S,
            f"{node.endpoint} has sessions with all",
        )


def primary_of(node: Node) -> str | None:
    return node.ask("peers")["groups"][0]["primary"]


def wait_for_one_primary(nodes: list[Node]) -> Node:
    by_host = {node.host: node for node in nodes}

    def agreed() -> bool:
        seen = {primary_of(node) for node in nodes}
        return len(seen) == 1 and seen <= by_host.keys()

    wait_until(agreed, WITHIN_S, "all take the same one for the primary")
    return by_host[primary_of(nodes[0])]


def test_they_survive_the_end_of_the_primary_a_partition_and_a_new_address(three):
    nodes, router = three
    primary = wait_for_one_primary(nodes)
    others = [node for node in nodes if node is not primary]
    primary.kill()
    successor = wait_for_one_primary(others)
    assert successor is not primary
    assert (
        successor.ask("broadcast", group=group_of(successor), event="AQ==")["peers"]
        == 1
    )
    primary.start(["10.9.0.9:7465"], SETTINGS)
    wait_for_each_other(nodes)
    wait_for_one_primary(nodes)

    first, second, third = nodes
    devices = [
        line.split(": ")[1] for line in ip("-n", router, "-o", "link").splitlines()
    ]
    inside = next(device for device in devices if device.startswith("eth")).split("@")[
        0
    ]
    ip("-n", router, "link", "set", inside, "down")
    wait_until(
        lambda: third.host not in connected(first) | connected(second)
        and connected(third) == set(),
        WITHIN_S,
        "the third is cut off",
    )
    assert second.host in connected(first)
    ip("-n", router, "link", "set", inside, "up")
    ip("-n", router, "route", "replace", "192.168.88.0/24", "dev", inside)
    wait_for_each_other(nodes)
    wait_for_one_primary(nodes)

    ip("-n", second.namespace, "addr", "add", "192.168.77.33/24", "dev", second.device)
    ip("-n", second.namespace, "addr", "del", "192.168.77.3/24", "dev", second.device)
    ip(
        "-n",
        second.namespace,
        "addr",
        "replace",
        "192.168.77.33/24",
        "dev",
        second.device,
    )
    ip("-n", second.namespace, "route", "replace", "default", "via", "192.168.77.1")
    wait_until(
        lambda: "192.168.77.33:7465" in endpoints_of(first, second),
        WITHIN_S,
        "the first hears of the new address",
    )
    wait_for_each_other(nodes)


def group_of(node: Node) -> str:
    return node.ask("peers")["groups"][0]["group"]


def endpoints_of(node: Node, peer: Node) -> list[str]:
    peers = node.ask("peers")["groups"][0]["peers"]
    return next((p["endpoints"] for p in peers if p["host"] == peer.host), [])
