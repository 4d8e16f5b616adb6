"""A node as a service: its unit file, and what it tells systemd (here a socket stands in for systemd)."""

import os
import shutil
import signal
import socket
import subprocess

import pytest
from shoal_process import BINARY, PROJECT, Node

UNIT = PROJECT / "packaging" / "shoal.service"


class Manager:
    """Receives what systemd would."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(20)

    def next(self) -> str:
        return self.socket.recv(4096).decode()

    def wait_for(self, beginning: str) -> str:
        while not (state := self.next()).startswith(beginning):
            pass
        return state


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path / "notify")
    yield made
    made.socket.close()


@pytest.fixture
def node(manager, tmp_path):
    made = Node()
    made.environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    yield made
    made.close()


def test_a_service_says_that_it_is_ready_what_it_does_and_that_it_stops(node, manager):
    node.launch(environment=node.environment)
    assert manager.next() == "READY=1"
    assert manager.next() == "STATUS=0 contacts, 0 sessions, 0 items"
    node.wait_ready()
    with_contact = Node()
    try:
        with_contact.start([node.endpoint])
        assert manager.wait_for("STATUS=1 contacts")
    finally:
        with_contact.close()
    node.process.send_signal(signal.SIGTERM)
    assert manager.wait_for("STOPPING=1").startswith("STOPPING=1\nSTATUS=")
    assert node.process.wait(10) == 0


def test_the_stop_command_is_told_too(node, manager):
    node.launch(environment=node.environment)
    node.wait_ready()
    assert node.cli("stop").returncode == 0
    assert manager.wait_for("STOPPING=1")


def test_the_watchdog_hears_of_a_node_until_it_hangs(node, manager):
    node.launch(environment={**node.environment, "WATCHDOG_USEC": "200000"})
    for _ in range(3):
        assert manager.wait_for("WATCHDOG=1")
    node.wait_ready()
    node.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, node.process.pid, os.WSTOPPED)
    manager.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:  # what was on its way when it stopped
            manager.next()
    node.process.send_signal(signal.SIGCONT)
    manager.socket.settimeout(20)
    assert manager.wait_for("WATCHDOG=1")


def test_the_journal_gets_levels_and_no_times(node):
    with open(node.data / "journal", "wb") as journal:
        status = os.fstat(journal.fileno())
        process = subprocess.Popen(
            [BINARY, "run", "--data", node.data, "--listen", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=journal,
            env={**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"},
        )
        assert process.stdout.readline().startswith(b"ready: ")
        process.terminate()
        process.communicate(timeout=10)
    lines = (node.data / "journal").read_text().splitlines()
    assert lines[0].startswith("<6>started version=")
    assert lines[-1] == "<6>stopped"


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
def test_systemd_understands_the_unit(tmp_path):
    text = UNIT.read_text()
    assert "ExecStart=/usr/bin/shoal run\n" in text
    unit = tmp_path / "shoal.service"
    unit.write_text(text.replace("/usr/bin/shoal", str(BINARY)))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True
    )
    # What it does not understand it ignores, with a warning.
    assert (verified.returncode, verified.stderr) == (0, "")
