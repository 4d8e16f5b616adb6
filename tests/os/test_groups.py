"""Real nodes that share a key string, on loopback."""

import json

import pytest
from shoal_process import Node, cli, connected, wait_until

OK, REFUSED, USAGE = 0, 1, 2


@pytest.fixture
def network():
    """Five nodes without groups, through which the others can publish, and a way to add more."""
    nodes: list[Node] = []

    def add() -> Node:
        node = Node("127.0.0.1:0")
        node.start([nodes[0].endpoint] if nodes else [])
        nodes.append(node)
        return node

    try:
        for _ in range(5):
            add()
        wait_until(lambda: nodes[-1].ask("status")["contacts"] >= 4, 20, "all are met")
        yield add
    finally:
        for node in nodes:
            node.close()


def wait_for_each_other(nodes: list[Node], within_s: float = 40) -> None:
    everybody = {node.host for node in nodes}
    for node in nodes:
        wait_until(
            lambda: connected(node) == everybody - {node.host},
            within_s,
            "all have sessions with each other",
        )


def test_hosts_with_one_key_string_find_each_other_and_stay_found(network):
    first, second, third = network(), network(), network()
    key = first.cli("key", "new", "--name", "photos")
    assert key.returncode == OK, key.stderr
    for node in (second, third):
        added = node.cli("key", "add", "--name", "photos", stdin=key.stdout)
        assert added.returncode == OK, added.stderr
    wait_for_each_other([first, second, third])

    group = first.ask("peers")["groups"][0]["group"]
    told = first.ask("broadcast", group=group, event="AQID")
    assert told["peers"] == 2
    shown = first.cli("peers").stdout.decode()
    assert shown.startswith(f"group {group} (write)\n")
    assert f"  {second.host} connected, " in shown

    second.kill()
    second.start([first.endpoint])  # its keys are on its disk
    wait_for_each_other([first, second, third], 90)

    assert third.cli("key", "forget", "photos").returncode == OK
    wait_until(lambda: connected(first) == {second.host}, 20, "the third has left")
    assert third.ask("peers")["groups"] == []


def test_a_host_whose_key_files_are_wrong_does_not_start(network, tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "photos.key").write_text("no key\n")
    (keys / "photos.key").chmod(0o600)
    started = cli("run", "--data", str(tmp_path), "--listen", "127.0.0.1:0")
    assert started.returncode == USAGE
    assert b"photos.key: not a key string of Shoal" in started.stderr


def test_a_running_node_keeps_its_groups_when_a_key_file_turns_bad(network):
    node = network()
    assert node.cli("key", "new", "--name", "photos").returncode == OK
    (node.data / "keys" / "music.key").write_text("no key\n")
    (node.data / "keys" / "music.key").chmod(0o600)
    listed = node.cli("key", "list")
    assert listed.returncode == USAGE and b"music.key" in listed.stderr
    assert len(node.ask("peers")["groups"]) == 1


def test_a_broadcast_without_peers_says_so(network):
    node = network()
    node.cli("key", "new", "--name", "photos")
    group = json.loads(node.cli("key", "list", "--json").stdout)["groups"][0]["group"]
    with pytest.raises(Exception, match="no_peers"):
        node.ask("broadcast", group=group, event="AQID")
    with pytest.raises(Exception, match="not_found"):
        node.ask("broadcast", group="ab" * 32, event="AQID")
