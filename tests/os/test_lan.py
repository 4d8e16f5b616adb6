"""LAN discovery on real multicast: hosts are network namespaces, LANs are bridges with veth pairs.

Needs root, or whatever else lets `ip netns add` work; skipped with the reason where that is not so.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from namespaces import ip
from shoal_process import Node, connected, wait_until

# IPv6 addresses are usable only after duplicate address detection (RFC 4862 §5.4), a second or two.
WITHIN_S = 15
FLOOD = Path(__file__).with_name("lan_flood.py")
FLOOD_S = 3


def endpoints_known(node: Node) -> dict[str, str]:
    return {peer["host"]: peer["endpoint"] for peer in node.ask("table")["contacts"]}


def know_each_other(*nodes: Node) -> bool:
    hosts = {node.host for node in nodes}
    return all(endpoints_known(node).keys() == hosts - {node.host} for node in nodes)


def resident_kib(node: Node) -> int:
    status = Path(f"/proc/{node.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def lan(node: Node) -> dict:
    return node.ask("status")["lan"]


def counter(node: Node, name: str) -> int:
    return node.ask("status")["counters"][f"lan.{name}"]


def test_three_hosts_find_each_other_over_ipv4(lans, start):
    office = lans.add_lan()
    hosts = [lans.add_host() for _ in range(3)]
    for i, host in enumerate(hosts):
        lans.plug(host, office, f"192.168.77.{i + 1}/24", v6=False)
    nodes = [start(host) for host in hosts]
    wait_until(lambda: know_each_other(*nodes), WITHIN_S, "all know all")
    assert set(endpoints_known(nodes[0]).values()) == {
        "192.168.77.2:7465",
        "192.168.77.3:7465",
    }
    assert all(lan(node)["links"] == 1 for node in nodes)
    key = nodes[0].ask("put", value="aGVsbG8=")["key"]
    assert nodes[2].ask("get", key=key)["value"] == "aGVsbG8="


def test_three_hosts_find_each_other_over_ipv6_with_nothing_configured(lans, start):
    office = lans.add_lan()
    hosts = [lans.add_host() for _ in range(3)]
    for host in hosts:
        lans.plug(host, office)
    nodes = [start(host) for host in hosts]
    wait_until(lambda: know_each_other(*nodes), WITHIN_S, "all know all")
    for node in nodes:
        assert all(e.startswith("[fe80::") for e in endpoints_known(node).values())
    for node in nodes:
        for other in nodes:
            if node is not other:
                found = node.ask("find", target=other.host)["closest"]
                assert found[0]["host"] == other.host
    key = nodes[0].ask("put", value="aGVsbG8=")["key"]
    assert nodes[2].ask("get", key=key)["value"] == "aGVsbG8="


def test_hosts_of_two_lans_meet_through_one_that_is_on_both(lans, start):
    lan_a, lan_b = lans.add_lan(), lans.add_lan()
    left, middle, right = (lans.add_host() for _ in range(3))
    lans.plug(left, lan_a, "192.168.77.1/24")
    lans.plug(middle, lan_a, "192.168.77.2/24")
    lans.plug(middle, lan_b, "192.168.78.2/24")
    lans.plug(right, lan_b, "192.168.78.1/24")
    nodes = [start(host) for host in (left, middle, right)]
    wait_until(
        lambda: know_each_other(nodes[1], nodes[0])
        or len(endpoints_known(nodes[1])) == 2,
        WITHIN_S,
        "the one between them knows both",
    )
    wait_until(lambda: lan(nodes[1])["hosts"] == 2, WITHIN_S, "it has heard both")
    assert lan(nodes[1])["links"] == 4  # two interfaces, IPv4 and IPv6 each
    assert lan(nodes[0])["hosts"] == 1, "multicast is not routed"
    key = nodes[0].ask("put", value="aGVsbG8=")["key"]
    assert nodes[1].ask("get", key=key)["value"] == "aGVsbG8="


def test_each_message_of_a_host_with_two_interfaces_on_one_lan_is_heard_once(
    lans, start
):
    office = lans.add_lan()
    one, two = lans.add_host(), lans.add_host()
    lans.plug(one, office, "192.168.77.1/24", v6=False)
    lans.plug(two, office, "192.168.77.2/24", v6=False)
    lans.plug(two, office, "192.168.77.3/24", v6=False)
    first = start(one, lan_ping_interval="1s")
    second = start(two, lan_ping_interval="1s")
    wait_until(lambda: counter(second, "pings_heard") >= 8, WITHIN_S, "it is heard")
    # Both interfaces of the second hear what the first sends: two copies of each message, one of them new.
    heard, sent = counter(second, "pings_heard"), counter(first, "pings_sent")
    assert heard <= sent
    assert counter(second, "dropped_replayed") <= heard + 1


def test_a_host_that_changes_its_address_is_soon_known_there(lans, start):
    office = lans.add_lan()
    one, two = lans.add_host(), lans.add_host()
    lans.plug(one, office, "192.168.77.1/24", v6=False)
    device = lans.plug(two, office, "192.168.77.2/24", v6=False)
    nodes = [start(one), start(two)]
    wait_until(lambda: know_each_other(*nodes), WITHIN_S, "both know both")
    ip("-n", two, "addr", "del", "192.168.77.2/24", "dev", device)
    ip("-n", two, "addr", "add", "192.168.77.99/24", "dev", device)
    wait_until(
        lambda: endpoints_known(nodes[0]).get(nodes[1].host) == "192.168.77.99:7465",
        WITHIN_S,
        "it is known at its new address",
    )


def test_an_interface_that_comes_later_is_joined_and_one_that_goes_is_left(lans, start):
    office = lans.add_lan()
    one, two = lans.add_host(), lans.add_host()
    lans.plug(one, office, "192.168.77.1/24", v6=False)
    nodes = [start(one), start(two)]
    assert lan(nodes[1])["links"] == 0
    device = lans.plug(two, office, "192.168.77.2/24", v6=False)
    wait_until(lambda: know_each_other(*nodes), WITHIN_S, "both know both")
    assert lan(nodes[1])["links"] == 1
    ip("-n", two, "link", "del", device)
    wait_until(lambda: lan(nodes[1])["links"] == 0, WITHIN_S, "the interface is left")


def test_hosts_on_loopback_alone_do_not_speak_to_anybody(lans, start):
    host = lans.add_host()
    nodes = [start(host, "127.0.0.1:7001"), start(host, "127.0.0.1:7002")]
    for node in nodes:
        assert lan(node) == {"links": 0, "hosts": 0, "confirmed": 0}
        assert counter(node, "pings_sent") == 0


@pytest.mark.parametrize("listen", ["0.0.0.0:7465", "[::]:7465"])
def test_hosts_that_share_a_key_connect_and_need_nothing_else(lans, start, listen):
    office = lans.add_lan()
    hosts = [lans.add_host() for _ in range(3)]
    for i, host in enumerate(hosts):
        # Under the wildcard of IPv6 there are link-local addresses only.
        v4 = [f"192.168.77.{i + 1}/24"] if listen.startswith("0") else []
        lans.plug(host, office, *v4)
    nodes = [start(host, listen) for host in hosts]
    key = nodes[0].cli("key", "new", "--name", "photos").stdout
    nodes[2].cli("key", "add", "--name", "photos", stdin=key)
    wait_until(
        lambda: connected(nodes[0]) == {nodes[2].host}, WITHIN_S, "they are connected"
    )
    assert connected(nodes[2]) == {nodes[0].host}
    assert connected(nodes[1]) == set()


def test_hosts_find_each_other_in_a_flood_of_forged_messages(lans, start):
    office = lans.add_lan()
    one, two, attacker = (lans.add_host() for _ in range(3))
    for i, host in enumerate((one, two, attacker)):
        lans.plug(host, office, f"192.168.77.{i + 1}/24", v6=False)
    first = start(one)
    before = resident_kib(first)
    flood = subprocess.Popen(
        ["ip", "netns", "exec", attacker]
        + [sys.executable, FLOOD, "192.168.77.3", str(FLOOD_S)],
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: counter(first, "dropped_rate_limit") > 1000, 10, "it is flooded")
    second = start(two)
    wait_until(lambda: know_each_other(first, second), WITHIN_S, "both know both")
    sent = int(flood.communicate()[0])
    assert sent > 10_000
    assert counter(first, "dropped_unverified") <= 16 * (FLOOD_S + 1)
    assert lan(first)["hosts"] == 1
    assert resident_kib(first) < before + 8 * 1024


def test_two_hosts_of_one_machine_find_each_other(lans, start):
    office = lans.add_lan()
    host = lans.add_host()
    lans.plug(host, office, "192.168.77.1/24", v6=False)
    nodes = [start(host, "0.0.0.0:7001"), start(host, "0.0.0.0:7002")]
    wait_until(lambda: know_each_other(*nodes), WITHIN_S, "both know both")
