"""What a real node logs, as text and as JSON, and how its level is changed."""

import json
import re
import socket

import pytest
from shoal_process import Node, Refused, cli, wait_until

OK, REFUSED, USAGE = 0, 1, 2


@pytest.fixture
def nodes():
    made = [Node(), Node()]
    yield made
    for node in made:
        node.close()


def lines(node: Node) -> list[dict]:
    return [json.loads(line) for line in node.log().splitlines()]


def messages(node: Node) -> list[str]:
    return [line["message"] for line in lines(node)]


JSON = {"log_format": "json", "log_level": "info"}


def test_json_tells_of_start_joining_and_stop_one_object_a_line(nodes):
    nodes[0].start(settings=JSON)
    started = lines(nodes[0])[0]
    assert list(started)[:3] == ["time", "level", "message"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", started["time"])
    assert (started["level"], started["message"]) == ("info", "started")
    assert started["host"] == nodes[0].host
    assert started["endpoints"] == [nodes[0].endpoint]
    assert started["boot"] == 1
    assert re.fullmatch(r"\d+\.\d+\.\d+", started["version"])

    nodes[1].start([nodes[0].endpoint], JSON)
    for node in nodes:
        wait_until(lambda: "joined the network" in messages(node), 20, "it joined")
    nodes[1].terminate()
    assert messages(nodes[1])[-2:] == ["stopping", "stopped"]
    assert lines(nodes[1])[-2]["signal"] == "SIGTERM"
    wait_until(
        lambda: "lost the network: no contact is left" in messages(nodes[0]),
        20,
        "the first has nobody left",
    )
    assert nodes[0].cli("stop").returncode == OK
    assert lines(nodes[0])[-2]["command"] == "stop"


def test_peers_are_told_of(nodes):
    made = cli("key", "new", "--data", str(nodes[0].data))
    added = cli("key", "add", "--data", str(nodes[1].data), stdin=made.stdout)
    assert added.returncode == OK, added.stderr
    nodes[0].start(settings=JSON)
    nodes[1].start([nodes[0].endpoint], JSON)
    for node, other in (nodes, nodes[::-1]):
        wait_until(lambda: "met a new peer" in messages(node), 30, "they meet")
        [met] = [line for line in lines(node) if line["message"] == "met a new peer"]
        assert met["host"] == other.host


def test_text_has_time_level_message_and_fields(nodes):
    nodes[0].start(settings={"log_level": "info"})
    line = nodes[0].log().splitlines()[0]
    assert re.match(r"\d{4}-\d\d-\d\dT\S+Z info started version=\S+ host=", line)
    assert f"host={nodes[0].host} " in line


def test_refusals_are_told_by_kind(nodes):
    nodes[0].start(settings=JSON)
    address, port = nodes[0].endpoint.rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(50):
            stranger.sendto(b"\x01 no datagram of ours", (address, int(port)))
    refused = "refused or dropped since this was told last"
    wait_until(lambda: refused in messages(nodes[0]), 10, "the refusal is told")
    [told] = [line for line in lines(nodes[0]) if line["message"] == refused]
    assert 1 <= told["malformed"] <= 50
    wait_until(
        lambda: nodes[0].ask("status")["counters"]["dropped_malformed"] == 50,
        10,
        "all have come",
    )
    assert messages(nodes[0]).count(refused) == 1


def test_the_level_changes_while_the_node_runs(nodes):
    nodes[0].start(settings={"log_level": "off"})
    level = ["log", "level", "--data", str(nodes[0].data)]
    assert cli(*level).stdout == b"off\n"
    assert nodes[0].log() == ""
    changed = cli(*level, "info")
    assert (changed.returncode, changed.stdout) == (OK, b"info\n")
    assert cli("log", "level", "loud").returncode == USAGE
    with pytest.raises(Refused, match="'loud' is no level"):
        nodes[0].ask("log_level", level="loud")
    assert nodes[0].ask("log_level")["level"] == "info"
    nodes[0].terminate()
    assert " info stopping signal=SIGTERM" in nodes[0].log()


def test_a_node_that_cannot_start_says_so_in_the_format_of_the_log(nodes):
    nodes[0].start()
    taken = cli(
        "run",
        *("--data", str(nodes[1].data), "--listen", nodes[0].endpoint),
        *("--log-format", "json"),
    )
    assert taken.returncode == USAGE
    line = json.loads(taken.stderr)
    assert (line["level"], line["message"]) == ("error", "cannot start")
    assert nodes[0].endpoint in line["reason"]
