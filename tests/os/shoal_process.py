"""Real `shoal run` processes and their control sockets, for the process tests."""

import base64
import json
import os
import selectors
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
BINARY = Path(
    os.environ.get("SHOAL_BINARY", PROJECT / "build" / "release" / "bin" / "shoal")
)
READY_WITHIN_S = 60.0


class Refused(Exception):
    """The node's own error answer."""

    def __init__(self, error: dict):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]


class Control:
    """One connection to a control socket, with many commands in flight."""

    def __init__(self, path: Path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self.socket.setblocking(False)
        self.unread = b""
        self.unsent = b""
        self.next_id = 1

    def close(self) -> None:
        self.socket.close()

    def begin(self, command: dict) -> int:
        number = self.next_id
        self.next_id += 1
        self.unsent += json.dumps({"id": number, **command}).encode() + b"\n"
        self.flush()
        return number

    def flush(self) -> None:
        try:
            while self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent) :]
        except BlockingIOError:
            pass

    def answers(self) -> list[dict]:
        """Those that have arrived."""
        try:
            while True:
                data = self.socket.recv(1 << 20)
                if not data:
                    raise ConnectionError("the node hung up")
                self.unread += data
                if len(data) < 1 << 16:
                    break
        except BlockingIOError:
            pass
        *lines, self.unread = self.unread.split(b"\n")
        return [json.loads(line) for line in lines]


class Node:
    """One process. Its data directory stays when it stops or is killed, until close()."""

    def __init__(self, listen: str = "127.0.0.1:0", namespace: str = ""):
        self.listen = listen
        self.namespace = namespace  # of the network, as `ip netns` names it
        self.directory = tempfile.TemporaryDirectory(prefix="shoal-")
        self.data = Path(self.directory.name)
        self.process: subprocess.Popen | None = None
        self.control: Control | None = None
        self.host = ""
        self.endpoint = ""

    def launch(
        self,
        bootstrap: list[str] = [],
        settings: dict[str, str] = {},
        environment: dict[str, str] = {},
    ) -> None:
        """Without waiting until it is ready; wait_ready() does."""
        command = ["ip", "netns", "exec", self.namespace] if self.namespace else []
        command += [BINARY, "run", "--data", self.data, "--listen", self.listen]
        for endpoint in bootstrap:
            command += ["--bootstrap", endpoint]
        for key, value in {"log_level": "warn", **settings}.items():
            command += ["--set", f"{key}={value}"]
        with open(self.data / "log", "ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **environment},
            )

    def wait_ready(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self.process.stdout, selectors.EVENT_READ)
        assert selector.select(READY_WITHIN_S), f"not ready; log: {self.log()}"
        line = self.process.stdout.readline()
        assert line.startswith("ready: host "), f"{line!r}; log: {self.log()}"
        words = line.split()
        self.host = words[2]
        self.endpoint = words[words.index("on") + 1].rstrip(",")
        self.control = Control(self.data / "control")

    def start(self, bootstrap: list[str] = [], settings: dict[str, str] = {}) -> None:
        self.launch(bootstrap, settings)
        self.wait_ready()

    def log(self) -> str:
        return (self.data / "log").read_text()

    def ask(self, command: str, timeout_s: float = 30.0, **fields) -> dict:
        [answer] = ask_all([(self, {"command": command, **fields})], timeout_s)
        if isinstance(answer, Refused):
            raise answer
        return answer

    def kill(self) -> None:
        self.control.close()
        self.process.kill()
        self.process.wait()

    def terminate(self, number: int = signal.SIGTERM) -> int:
        """Asks it to stop; its exit status."""
        self.control.close()
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        if self.process is not None:
            self.process.stdout.close()
        self.directory.cleanup()

    def cli(
        self, *arguments: str, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        return cli(*arguments, "--data", str(self.data), stdin=stdin)


def cli(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [BINARY, *arguments], input=stdin, capture_output=True, timeout=60
    )


def connected(node: Node) -> set[str]:
    """The peers of all its groups that it has sessions with."""
    groups = node.ask("peers")["groups"]
    return {
        peer["host"] for group in groups for peer in group["peers"] if peer["connected"]
    }


def ask_all(
    commands: list[tuple[Node, dict]], timeout_s: float = 60.0, in_flight: int = 16
) -> list[dict | Refused]:
    """All answers, in the order of the commands; at most `in_flight` at a time per node."""
    waiting: dict[Node, list[tuple[int, dict]]] = {}
    for index, (node, command) in enumerate(commands):
        waiting.setdefault(node, []).append((index, command))
    for queue in waiting.values():
        queue.reverse()
    running: dict[tuple[Node, int], int] = {}
    answers: list = [None] * len(commands)
    selector = selectors.DefaultSelector()

    def fill(node: Node) -> None:
        own = sum(1 for other, _ in running if other is node)
        while waiting[node] and own < in_flight:
            index, command = waiting[node].pop()
            running[(node, node.control.begin(command))] = index
            own += 1
        events = selectors.EVENT_READ
        events |= selectors.EVENT_WRITE if node.control.unsent else 0
        selector.modify(node.control.socket, events, node)

    deadline = time.monotonic() + timeout_s
    for node in waiting:
        selector.register(node.control.socket, selectors.EVENT_READ, node)
        fill(node)
    while running:
        left = deadline - time.monotonic()
        assert left > 0, f"{len(running)} commands unanswered after {timeout_s} s"
        for key, _ in selector.select(left):
            node = key.data
            node.control.flush()
            for answer in node.control.answers():
                index = running.pop((node, answer["id"]))
                ok = "ok" in answer
                answers[index] = answer["ok"] if ok else Refused(answer["error"])
            fill(node)
    selector.close()
    return answers


def wait_until(condition, timeout_s: float, what: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"after {timeout_s} s still not: {what}"
        time.sleep(0.05)


def to_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def from_base64(value: str) -> bytes:
    return base64.b64decode(value, validate=True)
