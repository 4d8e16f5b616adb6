"""A node's metrics over HTTP: that Prometheus can read them, and what a rude client gets."""

import http.client
import json
import re
import socket
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from shoal_process import Node, cli, wait_until

CONNECTIONS_MAX = 16
CONNECTION_S_MAX = 10


@pytest.fixture(scope="module")
def node():
    made = Node()
    try:
        made.start(
            settings={
                "metrics": "127.0.0.1:0",
                "log_format": "json",
                "log_level": "info",
            }
        )
        yield made
    finally:
        made.close()


def port(node: Node) -> int:
    return int(re.search(r'"metrics":"127\.0\.0\.1:(\d+)"', node.log())[1])


def get(node: Node, path: str = "/metrics", method: str = "GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port(node), timeout=30)
    connection.request(method, path)
    response = connection.getresponse()
    return response, response.read().decode()


def samples(node: Node) -> dict[str, float]:
    """By name, or by name and the values of the labels."""
    found = {}
    for family in text_string_to_metric_families(get(node)[1]):
        assert family.documentation and family.type in ("counter", "gauge")
        for sample in family.samples:
            found[" ".join([sample.name, *sample.labels.values()])] = sample.value
    return found


def raw(node: Node, request: bytes) -> bytes:
    """What the node answers until it ends the connection."""
    with socket.create_connection(("127.0.0.1", port(node)), timeout=30) as stream:
        stream.sendall(request)
        answer = b""
        while data := stream.recv(65536):
            answer += data
        return answer


def test_a_client_of_prometheus_reads_what_status_says(node):
    response, _ = get(node)
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    status = node.ask("status")
    found = samples(node)
    assert found["shoal_contacts"] == status["contacts"]
    assert found[f"shoal_host_info {node.host}"] == 1
    assert found["shoal_boot_number"] == 1
    assert found["shoal_reachability unknown"] == 1
    assert found["shoal_requests_sent_total ping"] == 0
    assert len([name for name in found if name.startswith("shoal_")]) > len(
        status["counters"]
    )


def test_a_folder_is_told_of(node, tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 1000)
    shared = node.cli("share", str(tmp_path), "--name", "some")
    assert shared.returncode == 0, shared.stderr
    group = node.cli("folder", "list", "--json").stdout
    group = json.loads(group)["folders"][0]["group"]

    def of_folder(name: str, *more: str) -> float:
        return samples(node)[" ".join([f"shoal_folder_{name}", "some", group, *more])]

    wait_until(lambda: of_folder("files") == 1, 10, "the file is found")
    assert of_folder("bytes") == 1000
    assert of_folder("bytes_needed") == 0
    assert of_folder("conflicts") == 0
    assert abs(of_folder("last_scan_seconds") - time.time()) < 60
    states = ("scanning", "syncing", "in_sync", "paused", "waiting", "stopped")
    assert sum(of_folder("state", state) for state in states) == 1


def test_counters_grow(node):
    before = samples(node)["shoal_dropped_total malformed"]
    address, udp = node.endpoint.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"\x01 nonsense", (address, int(udp)))
    wait_until(
        lambda: samples(node)["shoal_dropped_total malformed"] == before + 1,
        10,
        "the datagram is counted",
    )


def test_the_process_is_measured(node):
    found = samples(node)
    pid = node.process.pid
    with open(f"/proc/{pid}/status") as status:
        resident = int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) * 1024
    assert abs(found["process_resident_memory_bytes"] - resident) < 2 << 20
    assert 5 < found["process_open_fds"] < 100
    assert found["process_max_fds"] >= found["process_open_fds"]
    assert abs(found["process_start_time_seconds"] - time.time()) < 600
    assert found["process_cpu_seconds_total"] >= 0


def test_other_paths_and_methods_are_refused(node):
    for path in ("/", "/metrics/", "/metricsx", "/%00", "/../metrics"):
        assert get(node, path)[0].status == 404
    response, _ = get(node, method="POST")
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
    response, body = get(node, method="HEAD")
    assert (response.status, body) == (200, "")


@pytest.mark.parametrize(
    "request_bytes, status",
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\n\r\n", b"400"),  # RFC 9112 asks for a Host
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\nbroken\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\nHost: x\n\n", b"400"),
        (b"\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nHost: evil.example:9465\r\n\r\n", b"403"),
        (
            b"GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"403",
        ),
        (b"GET /metrics HTTP/2.0\r\nHost: x\r\n\r\n", b"505"),
        (b"GET /metrics?" + b"x" * 100_000, b"414"),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 100_000, b"431"),
    ],
)
def test_bad_requests_are_refused(node, request_bytes, status):
    answer = raw(node, request_bytes)
    assert answer.split(b" ")[1] == status
    assert get(node)[0].status == 200


def test_many_bad_requests_leave_nothing_behind(node):
    def abuse(count: int) -> None:
        for _ in range(count):
            raw(node, b"\xff" * 2000 + b"\r\n\r\n")
            raw(node, b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")

    abuse(100)
    before = samples(node)
    abuse(400)
    after = samples(node)
    assert after["process_open_fds"] == before["process_open_fds"]
    grown = (
        after["process_resident_memory_bytes"] - before["process_resident_memory_bytes"]
    )
    assert grown < 1 << 20


def test_clients_that_hold_every_connection_are_ended(node):
    address = ("127.0.0.1", port(node))
    silent = [socket.create_connection(address) for _ in range(CONNECTIONS_MAX // 2)]
    slow = [socket.create_connection(address) for _ in range(CONNECTIONS_MAX // 2)]
    try:
        for stream in slow:
            stream.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        assert get(node)[0].status == 200  # the oldest makes room for it
        began = time.monotonic()
        open_ones = list(slow)
        while open_ones:
            assert time.monotonic() - began < 3 * CONNECTION_S_MAX
            time.sleep(0.2)
            for stream in list(open_ones):
                try:
                    stream.sendall(b"x")
                except ConnectionError:
                    open_ones.remove(stream)
        assert get(node)[0].status == 200
    finally:
        for stream in silent + slow:
            stream.close()


def test_an_address_in_use_or_not_on_loopback_is_refused(node, tmp_path):
    run = ["run", "--data", str(tmp_path), "--listen", "127.0.0.1:0", "--metrics"]
    taken = cli(*run, f"127.0.0.1:{port(node)}")
    assert taken.returncode == 2
    assert f"127.0.0.1:{port(node)}".encode() in taken.stderr
    assert cli(*run, "0.0.0.0:9465").returncode == 2
