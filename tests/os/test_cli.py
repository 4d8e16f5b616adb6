"""The command line of shoal against real nodes: files and standard input, --json, exit statuses, IPv6."""

import json
import os
import stat
import subprocess
import threading

import pytest
from shoal_process import BINARY, Node, cli, wait_until

OK, REFUSED, USAGE, UNREACHABLE = 0, 1, 2, 3
NOBODY = "ab" * 32


@pytest.fixture(scope="module", params=["127.0.0.1:0", "[::1]:0"])
def network(request):
    """Three nodes, on IPv4 and on IPv6."""
    nodes = [Node(request.param) for _ in range(3)]
    try:
        nodes[0].start()
        for node in nodes[1:]:
            node.start([nodes[0].endpoint])
        for node in nodes:
            wait_until(
                lambda: node.ask("status")["contacts"] >= 2, 20, "all know each other"
            )
        yield nodes
    finally:
        for node in nodes:
            node.close()


def last_line(output: bytes) -> str:
    return output.decode().splitlines()[-1]


def test_put_and_get_bring_files_and_standard_input_back_identical(network, tmp_path):
    binary = bytes(range(256)) * 256
    source = tmp_path / "source"
    source.write_bytes(binary)
    put = network[0].cli("put", str(source))
    assert put.returncode == OK, put.stderr
    target = tmp_path / "target"
    target.write_bytes(b"to be replaced")
    got = network[1].cli("get", last_line(put.stdout), "-o", str(target))
    assert got.returncode == OK, got.stderr
    assert target.read_bytes() == binary
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]

    put = network[0].cli("put", stdin=b"no newline at the end\x00")
    got = network[2].cli("get", last_line(put.stdout))
    assert got.stdout == b"no newline at the end\x00"
    empty = network[0].cli("put", "-", stdin=b"")
    assert network[2].cli("get", last_line(empty.stdout)).stdout == b""


def test_an_output_that_is_no_file_stays_what_it_is(network, tmp_path):
    key = last_line(network[0].cli("put", "--text", "new").stdout)

    def get(path) -> int:
        return network[0].cli("get", key, "-o", str(path)).returncode

    target = tmp_path / "target"
    target.write_text("old")
    target.chmod(0o600)
    (tmp_path / "link").symlink_to("target")
    assert get(tmp_path / "link") == OK
    assert (tmp_path / "link").is_symlink() and target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    (tmp_path / "dangling").symlink_to("made")
    assert get(tmp_path / "dangling") == OK
    assert (tmp_path / "dangling").is_symlink()
    assert (tmp_path / "made").read_text() == "new"

    came = []
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: came.append(fifo.read_text()))
    reader.start()
    assert get(fifo) == OK
    reader.join()
    assert came == ["new"] and fifo.is_fifo()
    (tmp_path / "directory").mkdir()
    assert get(tmp_path / "directory") == USAGE
    assert get("/dev/full") == USAGE
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    assert not [path.name for path in tmp_path.iterdir() if path.name.count(".")]


def test_output_that_cannot_be_written_is_no_success(network, tmp_path):
    put = last_line(network[0].cli("put", "--text", "x").stdout)
    reading, broken = os.pipe()
    os.close(reading)
    commands = [
        ["key", "new"],
        ["key", "list", "--json"],
        ["status"],
        ["status", "--watch"],
        ["get", put],
        ["config", "show"],
    ]
    for command in commands:
        line = [BINARY, *command, "--data", str(network[0].data)]
        with open("/dev/full", "w") as full:
            done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == USAGE, command
        assert b"cannot write to standard output: No space left" in done.stderr
        done = subprocess.run(
            line,
            stdout=broken,
            stderr=subprocess.PIPE,
            timeout=60,
            restore_signals=False,  # Python ignores SIGPIPE
        )
        assert done.returncode == USAGE and b"Broken pipe" in done.stderr, command
        closed = subprocess.run(
            ["sh", "-c", 'exec "$@" >&-', "sh", *line], capture_output=True, timeout=60
        )
        assert closed.returncode == USAGE, command
    os.close(broken)


def test_a_node_without_standard_streams_runs(tmp_path):
    line = [str(BINARY), "run", "--data", str(tmp_path), "--listen", "127.0.0.1:0"]
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full 2>/dev/full"):
        node = subprocess.Popen(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *line],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def answers() -> bool:
            assert node.poll() is None, closed
            return cli("status", "--data", str(tmp_path)).returncode == OK

        wait_until(answers, 20, f"the node runs with {closed}")
        assert cli("stop", "--data", str(tmp_path)).returncode == OK
        assert node.wait(timeout=20) == OK, closed


def test_json_holds_the_whole_answer(network):
    put = json.loads(network[0].cli("put", "--json", stdin=b"value").stdout)
    assert put["stored_count"] >= 1
    got = network[1].cli("get", put["key"], "--json")
    assert json.loads(got.stdout)["value"] == "dmFsdWU="
    status = json.loads(network[0].cli("status", "--json").stdout)
    assert status["host"] == network[0].host
    missing = network[0].cli("get", NOBODY, "--json")
    assert missing.returncode == REFUSED
    assert json.loads(missing.stdout)["error"]["code"] == "not_found"


def test_every_answer_in_json_is_an_object_that_says_something(network, tmp_path):
    node = network[0]

    def ask(*arguments: str) -> dict:
        done = node.cli(*arguments, "--json")
        answer = json.loads(done.stdout)
        assert isinstance(answer, dict) and answer, arguments
        assert ("error" in answer) == (done.returncode != OK), arguments
        return answer

    folder = tmp_path / "folder"
    folder.mkdir()
    shared = ask("share", str(folder), "--output", str(tmp_path / "key"))
    assert "key" not in shared and shared["file"] == str(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert ask("folder", "pause", "folder")["folder"]["state"] == "paused"
    assert ask("folder", "resume", "folder")["folder"]["state"] != "paused"
    assert ask("folder", "rescan", "folder")["folder"]["name"] == "folder"
    assert ask("folder", "remove", "folder")["folder"]["name"] == "folder"
    names = [group["name"] for group in ask("key", "list")["groups"]]
    assert "folder" in names
    own = [
        holder["endpoint"]
        for holder in ask("put", "--text", "x")["holders"]
        if holder["host"] == node.host
    ]
    assert own == [None]
    for wrong in (["put", "--no-such-option"], ["get", "x"], ["folder", "fly"], []):
        assert ask(*wrong)["error"]["code"] == "invalid_argument"


def test_wait_returns_when_the_node_is_of_use(network, tmp_path):
    waited = network[0].cli("wait", "--contacts", "2")
    assert waited.stdout.decode() == f"host {network[0].host}, 2 contacts\n"
    waited = network[0].cli("wait", "--contacts", "3", "--timeout", "200ms", "--json")
    assert waited.returncode == REFUSED
    assert json.loads(waited.stdout)["error"]["code"] == "timeout"
    data = str(tmp_path / "later")
    assert cli("wait", "--data", data, "--timeout", "100ms").returncode == UNREACHABLE
    waiting = subprocess.Popen([BINARY, "wait", "--data", data])
    line = [BINARY, "run", "--data", data, "--listen", network[0].listen]
    later = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    assert waiting.wait(timeout=60) == OK
    assert cli("stop", "--data", data).returncode == OK
    assert later.wait(timeout=20) == OK


def test_numbers_that_are_none_are_refused(network, tmp_path):
    publish = ["publish", "--key", str(tmp_path / "key"), "--new-key", "--text", "x"]
    for option in ("--sequence", "--expect-sequence"):
        for wrong in ("-1", "18446744073709551616", "1.5", "0x10", "", " 1"):
            refused = network[0].cli(*publish, option, wrong)
            assert refused.returncode == USAGE, wrong
            assert b"expected a whole number" in refused.stderr
    assert not (tmp_path / "key").exists()


def test_a_node_knows_its_own_key(network):
    ping = network[0].cli("ping", network[0].host)
    assert ping.returncode == OK
    assert ping.stdout == b"this is the node's own key\n"


def test_the_network_can_be_looked_at(network):
    other = network[1]
    assert network[0].host in network[0].cli("status").stdout.decode()
    peers = network[0].cli("table").stdout.decode()
    assert f"{other.host} {other.endpoint} " in peers
    found = network[0].cli("find", other.host)
    assert found.stdout.decode().startswith(f"{other.host} {other.endpoint} ")
    following = network[0].cli("next", other.host)
    assert following.stdout.decode() == f"{other.host} {other.endpoint}\n"
    for arguments in ([other.host], [other.host, other.endpoint]):
        ping = network[0].cli("ping", *arguments)
        assert ping.returncode == OK, ping.stderr
        assert f"{other.host} {other.endpoint} answered" in ping.stdout.decode()
    wait_until(
        lambda: network[0].cli("resolve", other.host).returncode == OK,
        20,
        "the host is published",
    )
    assert other.endpoint in network[0].cli("resolve", other.host).stdout.decode()


def test_publish_signs_with_a_key_file_and_lookup_finds_the_value(network, tmp_path):
    key = tmp_path / "me.key"
    missing = network[0].cli("publish", "--key", str(key), stdin=b"x")
    assert missing.returncode == USAGE
    first = network[0].cli("publish", "--key", str(key), "--new-key", stdin=b"one")
    assert first.returncode == OK, first.stderr
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    again = network[0].cli("publish", "--key", str(key), "--new-key", stdin=b"x")
    assert again.returncode == USAGE
    assert b"exists already: use it without --new-key" in again.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["me.key"]

    public_key = last_line(first.stdout)
    assert network[1].cli("lookup", public_key).stdout == b"one"
    second = network[1].cli("publish", "--key", str(key), stdin=b"two")
    assert last_line(second.stdout) == public_key
    assert network[2].cli("lookup", public_key).stdout == b"two"

    refused = network[0].cli(
        "publish", "--key", str(key), "--expect-sequence", "77", stdin=b"three"
    )
    assert refused.returncode == REFUSED
    assert b"cas_mismatch" in refused.stderr
    salted = network[0].cli(
        "publish", "--key", str(key), "--salt", "blue", stdin=b"salted"
    )
    assert salted.returncode == OK
    assert network[2].cli("lookup", public_key, "--salt", "blue").stdout == b"salted"
    listed = network[2].cli("lookup", public_key, "--all").stdout.decode().splitlines()
    assert len(listed) == 2
    assert listed[1].endswith("salt blue")


def test_failures_say_why_and_tell_themselves_apart_by_the_exit_status(
    network, tmp_path
):
    missing = network[0].cli("get", NOBODY)
    assert (missing.returncode, missing.stdout) == (REFUSED, b"")
    assert missing.stderr.startswith(b"shoal: ")
    assert network[0].cli("lookup", NOBODY).returncode == REFUSED
    assert network[0].cli("resolve", NOBODY).returncode == REFUSED
    assert network[0].cli("ping", NOBODY).returncode == REFUSED

    assert network[0].cli("get", "abc").returncode == USAGE
    assert network[0].cli("put", str(tmp_path / "none")).returncode == USAGE
    too_large = network[0].cli("put", stdin=bytes(65537))
    assert too_large.returncode == USAGE
    assert b"at most 65536 bytes" in too_large.stderr
    assert cli("frobnicate").returncode == USAGE
    bad_output = network[0].cli("put", stdin=b"x")
    key = last_line(bad_output.stdout)
    assert (
        network[0].cli("get", key, "-o", str(tmp_path / "a" / "b")).returncode == USAGE
    )

    nobody = cli("status", "--data", str(tmp_path))
    assert nobody.returncode == UNREACHABLE
    assert f"start one with shoal run --data {tmp_path}".encode() in nobody.stderr


def test_help_shows_an_example_of_every_command():
    commands = "run status ping find next put get publish lookup resolve peers stop"
    for command in commands.split():
        shown = cli(command, "--help")
        assert shown.returncode == OK
        assert "Example: " in shown.stdout.decode()
        assert b"Exit status: " in shown.stdout


def test_nodes_at_all_addresses_meet_through_loopback():
    """As a first try on one machine is: no --listen, and 127.0.0.1 to join by."""
    nodes = [Node("[::]:0"), Node("[::]:0")]
    try:
        nodes[0].start()
        port = nodes[0].endpoint.rsplit(":", 1)[1]
        nodes[1].start([f"127.0.0.1:{port}"])
        for node in nodes:
            wait_until(
                lambda: node.ask("status")["contacts"] > 0, 10, "they know each other"
            )
        put = nodes[1].cli("put", stdin=b"hello")
        assert nodes[0].cli("get", last_line(put.stdout)).stdout == b"hello"
    finally:
        for node in nodes:
            node.close()


def test_a_second_node_is_kept_out_of_the_data_directory(network):
    second = cli("run", "--data", str(network[0].data), "--listen", "127.0.0.1:0")
    assert second.returncode == USAGE
    assert f"process {network[0].process.pid}".encode() in second.stderr


def test_a_data_directory_that_others_can_change_is_refused(tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o700)

    def refused() -> str:
        run = cli("run", "--data", str(data), "--listen", "127.0.0.1:0")
        assert run.returncode == USAGE
        return run.stderr.decode()

    for mode in (0o770, 0o707, 0o1777):
        data.chmod(mode)
        assert f"other users can write in the data directory {data}" in refused()
    data.chmod(0o755)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (data / "lock").symlink_to(victim)
    assert "lock is a link" in refused()
    assert victim.read_text() == "precious"


def test_an_address_in_use_is_named():
    holder = Node()
    other = Node()
    try:
        holder.start()
        taken = cli("run", "--data", str(other.data), "--listen", holder.endpoint)
        assert taken.returncode == USAGE
        assert holder.endpoint.split(":")[1].encode() in taken.stderr
    finally:
        holder.close()
        other.close()


def test_bootstrap_hosts_are_found_by_name_and_what_cannot_be_is_told():
    first = Node()
    second = Node()
    try:
        first.start()
        port = first.endpoint.split(":")[1]
        names = [f"localhost:{port}", "no-such-host.invalid:7465", "[2001:db8::1]:7465"]
        second.start(names)
        wait_until(lambda: second.ask("status")["contacts"] > 0, 20, "it has joined")
        wait_until(lambda: "not found by its name" in second.log(), 60, "it is told")
        assert "no-such-host.invalid:7465" in second.log()
        assert "[2001:db8::1]:7465" in second.log()
        assert "for IPv4 only: listen at [::]:" in second.log()
        assert f"[::1]:{port}" not in second.log()
    finally:
        first.close()
        second.close()


def test_stop_returns_when_the_node_has_ended():
    node = Node()
    try:
        node.start()
        stopped = node.cli("stop")
        assert (stopped.returncode, stopped.stdout) == (OK, b"stopped\n")
        assert node.process.wait(timeout=1) == 0
        node.start()
        assert node.ask("status")["boot_number"] == 2
    finally:
        node.close()


def test_a_kill_leaves_nothing_that_hinders_the_next_start():
    node = Node()
    try:
        node.start()
        node.kill()
        assert (node.data / "control").exists()
        assert node.cli("status").returncode == UNREACHABLE
        node.start()
        assert node.cli("status").returncode == OK
    finally:
        node.close()


def test_contacts_are_found_where_asked_for_and_offered_by_hand(network):
    first, second, third = network
    for where in ("table", "dht"):
        found = first.cli("find", second.host, "--in", where)
        assert found.stdout.decode().startswith(f"{second.host} {second.endpoint}")
    assert first.cli("find", second.host, "--in", "nowhere").returncode == USAGE

    offered = first.cli("store-host", f"{third.host}@{third.endpoint}")
    assert offered.stdout.decode() == f"{third.host} {third.endpoint} has answered\n"
    to = f"{second.host}@{second.endpoint}"
    told = first.cli("store-host", f"{third.host}@{third.endpoint}", "--to", to)
    assert (
        told.stdout.decode() == f"{second.host} {second.endpoint} has taken the offer\n"
    )
    itself = first.cli("store-host", f"{first.host}@{first.endpoint}")
    assert itself.returncode == REFUSED and b"this host itself" in itself.stderr
    wrong = first.cli("store-host", f"{NOBODY}@{third.endpoint}", "--timeout", "20s")
    assert wrong.returncode == REFUSED and b"did not answer" in wrong.stderr
    assert first.cli("store-host", third.host).returncode == USAGE
