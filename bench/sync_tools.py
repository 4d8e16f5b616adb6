"""The tools that bench/sync_peers.py compares, each between two directories of this machine."""

import getpass
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from sync_measure import process_tree, wait_until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "os"))
import shoal_process  # noqa: E402

QUIET_WITHIN_S = 30


class Missing(Exception):
    """Why a tool cannot be measured here."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def installed(program: str, package: str) -> str:
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise Missing(f"{program} is not installed: apt-get install {package}")
    return path


class Tool:
    """Brings what changes in `source` to `target`, both empty at first. `work` is for files of its own."""

    runs_on = False  # it watches, and brings changes by itself
    sends_changes = True  # it can bring changes to what is there already
    own_names: frozenset[str] = frozenset()  # in the directories, of no interest

    def __init__(self, source: Path, target: Path, work: Path):
        self.source, self.target, self.work = source, target, work

    def start(self) -> None:
        """Until both sides are ready."""

    def push(self) -> None:
        """Has what is in `source` now brought over; those that run on return at once."""

    def indexed_bytes(self) -> int:
        """Of those that run on: bytes of files that the source's side has hashed and indexed."""
        raise NotImplementedError

    def is_quiet(self) -> bool:
        return True

    def settle(self) -> None:
        """Until it has no more to do: what follows the files counts in CPU and bytes, not in time."""
        wait_until(self.is_quiet, QUIET_WITHIN_S, "both sides have no more to do")

    def roots(self) -> list[int]:
        """The processes that run until close()."""
        return []

    def close(self) -> None:
        """Also after a start() that failed."""


class Cp(Tool):
    sends_changes = False

    def push(self) -> None:
        subprocess.run(["cp", "-a", f"{self.source}/.", f"{self.target}/"], check=True)


class Rsync(Tool):
    """Over ssh, by an sshd of our own on loopback."""

    daemon = None

    def start(self) -> None:
        installed("rsync", "rsync")
        self.ssh = installed("ssh", "openssh-client")
        sshd = installed("sshd", "openssh-server")
        port = free_port()
        for name in ("host", "user"):
            key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name]
            subprocess.run(key, cwd=self.work, check=True)
        allowed = self.work / "user.pub"
        (self.work / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{port}\nHostKey {self.work}/host\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {allowed}\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with open(self.work / "sshd.log", "wb") as log:
            self.daemon = subprocess.Popen(
                [sshd, "-D", "-e", "-f", self.work / "sshd_config"], stderr=log
            )
        self.remote_shell = (
            f"{self.ssh} -F none -p {port} -i {self.work}/user -o IdentitiesOnly=yes "
            f"-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        )

        def answers() -> bool:
            if self.daemon.poll() is not None:
                raise Missing(f"sshd: {(self.work / 'sshd.log').read_text().strip()}")
            command = [*self.remote_shell.split(), "127.0.0.1", "true"]
            return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0

        wait_until(answers, 10, "sshd takes a connection")

    def push(self) -> None:
        # It compares whole seconds by itself, and would miss a change within one.
        target = f"{getpass.getuser()}@127.0.0.1:{self.target}/"
        subprocess.run(
            [
                "rsync",
                "-a",
                "--delete",
                "--modify-window=-1",
                "-e",
                self.remote_shell,
                f"{self.source}/",
                target,
            ],
            check=True,
        )

    def is_quiet(self) -> bool:
        return (
            len(process_tree([self.daemon.pid])) == 1
        )  # its sessions have been counted

    def roots(self) -> list[int]:
        return [self.daemon.pid] if self.daemon else []

    def close(self) -> None:
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, so that what is asked does not count as bytes on the wire."""

    def __init__(self, path: Path):
        super().__init__("localhost", timeout=600)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class SyncthingSide:
    """One instance, which speaks to nobody but the other one."""

    KEY = "bench"
    QUIET_OPTIONS = {
        "globalAnnounceEnabled": "false",
        "localAnnounceEnabled": "false",
        "relaysEnabled": "false",
        "natEnabled": "false",
        "urAccepted": "-1",
        "autoUpgradeIntervalH": "0",
        "crashReportingEnabled": "false",
        "startBrowser": "false",
        "stunKeepaliveStartS": "0",
    }

    def __init__(self, program: str, home: Path, folder: Path):
        self.program, self.home, self.folder = program, home, folder
        self.port = free_port()
        # The path of a Unix socket has at most 107 bytes.
        self.sockets = tempfile.TemporaryDirectory(prefix="sync-", dir="/tmp")
        self.socket = Path(self.sockets.name) / "rest"
        self.process = None
        generate = [program, "generate", f"--home={home}", "--no-default-folder"]
        subprocess.run(generate, check=True, capture_output=True)
        self.config = ElementTree.parse(home / "config.xml")
        self.id = self.config.getroot().find("device").get("id")

    def configure(self, other: "SyncthingSide", delay_s: int, fsync: bool) -> None:
        root = self.config.getroot()
        options = root.find("options")
        for name in ("listenAddress", *self.QUIET_OPTIONS):
            for old in options.findall(name):
                options.remove(old)
        for name, value in self.QUIET_OPTIONS.items():
            ElementTree.SubElement(options, name).text = value
        listen = f"tcp://127.0.0.1:{self.port}"
        ElementTree.SubElement(options, "listenAddress").text = listen
        device = ElementTree.SubElement(root, "device", id=other.id, name="other")
        address = f"tcp://127.0.0.1:{other.port}"
        ElementTree.SubElement(device, "address").text = address
        gui = root.find("gui")
        gui.set("enabled", "true")
        gui.find("address").text = str(self.socket)
        gui.find("apikey").text = self.KEY
        # From the defaults: a folder that names less keeps no conflict copies.
        folder = ElementTree.fromstring(
            ElementTree.tostring(root.find("defaults/folder"))
        )
        folder.attrib |= {"id": "bench", "label": "bench", "path": str(self.folder)}
        folder.attrib |= {"fsWatcherDelayS": str(delay_s), "fsWatcherEnabled": "true"}
        folder.find("disableFsync").text = "false" if fsync else "true"
        for side in (self, other):
            if folder.find(f"device[@id='{side.id}']") is None:
                ElementTree.SubElement(folder, "device", id=side.id)
        root.append(folder)
        self.config.write(self.home / "config.xml")

    def start(self) -> None:
        command = [self.program, "serve", f"--home={self.home}", "--no-browser"]
        command += ["--no-restart", "--no-upgrade"]
        with open(self.home / "log", "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def ask(self, path: str, method: str = "GET") -> dict:
        connection = UnixConnection(self.socket)
        try:
            connection.request(method, f"/rest/{path}", headers={"X-API-Key": self.KEY})
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise ConnectionError(f"{path}: {response.status} {body[:200]!r}")
        return json.loads(body) if body else {}

    def answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"syncthing ended: {(self.home / 'log').read_text()}")
        try:
            return self.ask("db/status?folder=bench")["state"] == "idle"
        except (OSError, http.client.HTTPException):
            return False

    def close(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()
        self.sockets.cleanup()


class Syncthing(Tool):
    runs_on = True
    own_names = frozenset({".stfolder", ".stversions", ".stignore"})
    delay_s, fsync = 10, True
    sides: list[SyncthingSide] = []

    def start(self) -> None:
        program = installed("syncthing", "syncthing")
        self.sides = []
        for name, folder in (("a", self.source), ("b", self.target)):
            self.sides.append(SyncthingSide(program, self.work / name, folder))
        a, b = self.sides
        a.configure(b, self.delay_s, self.fsync)
        b.configure(a, self.delay_s, self.fsync)
        for side in self.sides:
            side.start()
        for side in self.sides:
            wait_until(side.answers, 60, "syncthing answers")

        def connected() -> bool:
            connections = a.ask("system/connections")["connections"]
            return connections.get(b.id, {}).get("connected", False)

        wait_until(connected, 60, "the instances are connected")

    def push(self) -> None:
        # The request lasts as long as the scan.
        scan = ("db/scan?folder=bench", "POST")
        threading.Thread(target=self.sides[0].ask, args=scan, daemon=True).start()

    def indexed_bytes(self) -> int:
        return self.sides[0].ask("db/status?folder=bench")["localBytes"]

    def is_quiet(self) -> bool:
        states = [side.ask("db/status?folder=bench") for side in self.sides]
        idle = all(s["state"] == "idle" and s["needTotalItems"] == 0 for s in states)
        return idle and states[0]["globalBytes"] == states[1]["globalBytes"]

    def roots(self) -> list[int]:
        return [side.process.pid for side in self.sides if side.process]

    def close(self) -> None:
        for side in self.sides:
            side.close()


class SyncthingTuned(Syncthing):
    """It waits a second, not ten, before it believes a change, and does not fsync."""

    delay_s, fsync = 1, False


class Shoal(Tool):
    runs_on = True
    own_names = frozenset({".shoal"})
    nodes: list[shoal_process.Node] = []

    def start(self) -> None:
        if not shoal_process.BINARY.exists():
            raise Missing(
                f"{shoal_process.BINARY} is not built; $SHOAL_BINARY says where it is"
            )
        tempfile.tempdir = str(self.work)
        self.nodes = []
        settings = {"lan_ping_interval": "0s"}
        for _ in range(2):
            node = shoal_process.Node("127.0.0.1:0")
            self.nodes.append(node)
            node.start([other.endpoint for other in self.nodes[:-1]], settings)
        tempfile.tempdir = None
        a, b = self.nodes
        key = self.cli(a, "share", str(self.source))["key"]
        self.cli(b, "join", "-", str(self.target), stdin=key.encode())
        wait_until(self.is_connected, 120, "the hosts have met")
        wait_until(self.is_quiet, 60, "the empty folders are in sync")

    @staticmethod
    def cli(node, *arguments: str, stdin: bytes = b"") -> dict:
        done = node.cli(*arguments, "--json", stdin=stdin)
        if done.returncode != 0:
            raise Missing(f"shoal {arguments[0]}: {done.stderr.decode().strip()}")
        return json.loads(done.stdout)

    @staticmethod
    def folder(node) -> dict:
        [folder] = node.ask("folder", verb="list")["folders"]
        return folder

    def folders(self) -> list[dict]:
        return [self.folder(node) for node in self.nodes]

    def indexed_bytes(self) -> int:
        return self.folder(self.nodes[0])["bytes"]

    def is_connected(self) -> bool:
        return all(folder["peers_connected"] > 0 for folder in self.folders())

    def is_quiet(self) -> bool:
        folders = self.folders()
        return (
            all(folder["state"] == "in_sync" for folder in folders)
            and folders[0]["entries"] == folders[1]["entries"]
        )

    def push(self) -> None:
        self.nodes[0].ask("folder", verb="rescan", directory=str(self.source))

    def roots(self) -> list[int]:
        return [node.process.pid for node in self.nodes if node.process]

    def close(self) -> None:
        for node in self.nodes:
            node.close()


class ShoalUnflushed(Shoal):
    """With libeatmydata, so that fsync does nothing: as cp and rsync work."""

    def start(self) -> None:
        libraries = sorted(Path("/usr/lib").glob("*/libeatmydata.so"))
        if not libraries:
            raise Missing("libeatmydata is not installed (Debian's package eatmydata)")
        os.environ["LD_PRELOAD"] = str(libraries[0])
        try:
            super().start()
        finally:
            del os.environ["LD_PRELOAD"]


TOOLS = {
    "cp": Cp,
    "rsync": Rsync,
    "syncthing": Syncthing,
    "syncthing-tuned": SyncthingTuned,
    "shoal": Shoal,
    "shoal-unflushed": ShoalUnflushed,
}
