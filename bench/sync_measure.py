"""What bench/sync_peers.py measures with: processes, the wire, and whether two trees are the same."""

import ctypes
import fcntl
import os
import resource
import socket
import stat
import struct
import threading
import time
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SAMPLE_PERIOD_S = 0.05
CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def enter_own_network() -> None:
    """A network namespace with nothing but loopback, so that its counters are ours. Error OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        done = libc.unshare(CLONE_NEWNET)
    else:
        done = libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
    if done != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"no network namespace: {os.strerror(error)}")
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        name = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, SIOCGIFFLAGS, name))[1]
        fcntl.ioctl(
            control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP)
        )


def wire_bytes() -> int:
    """Sent over loopback so far, with the headers of IP and of Ethernet."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == "lo":
            return int(numbers.split()[8])
    raise RuntimeError("no loopback interface")


def process_tree(roots: list[int]) -> list[int]:
    pids, rest = [], list(roots)
    while rest:
        pid = rest.pop()
        try:
            # Of each thread: programs in Go start theirs from any of them.
            for task in Path(f"/proc/{pid}/task").iterdir():
                rest += [
                    int(child) for child in (task / "children").read_text().split()
                ]
        except OSError:
            continue
        pids.append(pid)
    return pids


def cpu_seconds(roots: list[int]) -> float:
    """Of our own children that have ended, and of these processes and all theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    for pid in process_tree(roots):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return used.ru_utime + used.ru_stime + ticks / TICKS_PER_S


def resident_bytes() -> int:
    """Of all that we have started."""
    pages = 0
    for pid in process_tree([os.getpid()]):
        try:
            if pid != os.getpid():
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            pass
    return pages * PAGE_BYTES


class Usage:
    """What a tool takes until stop(): CPU, peak memory of all its processes together, bytes on the wire."""

    def __init__(self, roots):
        self.roots = (
            roots  # a function: the processes that there are now, besides our children
        )
        self.cpu_before, self.wire_before = cpu_seconds(roots()), wire_bytes()
        self.peak_bytes = 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self) -> None:
        while not self.stopped.is_set():
            self.peak_bytes = max(self.peak_bytes, resident_bytes())
            self.stopped.wait(SAMPLE_PERIOD_S)

    def stop(self) -> dict:
        self.stopped.set()
        self.thread.join()
        return {
            "cpu_s": cpu_seconds(self.roots()) - self.cpu_before,
            "peak_memory_bytes": self.peak_bytes,
            "wire_bytes": wire_bytes() - self.wire_before,
        }


def touch_memory(wanted_bytes: int) -> None:
    """Memory that the machine has not used before is slow: use as much as a run will, once."""
    available = os.sysconf("SC_AVPHYS_PAGES") * PAGE_BYTES
    block = 64 << 20
    held = []
    for _ in range(min(wanted_bytes, available // 2) // block):
        memory = bytearray(block)
        memory[::PAGE_BYTES] = bytes(len(range(0, block, PAGE_BYTES)))
        held.append(memory)


def read_tree(root: Path, own_names: frozenset[str]) -> dict[bytes, tuple]:
    """Path to what must be equal: type and mode, and of files mtime and size, of symlinks the target."""
    found: dict[bytes, tuple] = {}
    rest = [os.fsencode(root)]
    while rest:
        directory = rest.pop()
        for entry in os.scandir(directory):
            if os.fsdecode(entry.name) in own_names:
                continue
            status = entry.stat(follow_symlinks=False)
            name = os.path.relpath(entry.path, os.fsencode(root))
            if stat.S_ISDIR(status.st_mode):
                rest.append(entry.path)
                found[name] = (status.st_mode,)
            elif stat.S_ISLNK(status.st_mode):
                found[name] = (stat.S_IFLNK, os.readlink(entry.path))
            else:
                found[name] = (status.st_mode, status.st_mtime_ns, status.st_size)
    return found


def same_content(one: bytes, other: bytes) -> bool:
    with open(one, "rb", buffering=0) as left, open(other, "rb", buffering=0) as right:
        while True:
            a, b = left.read(1 << 20), right.read(1 << 20)
            if a != b:
                return False
            if not a:
                return True


def differences(source: Path, target: Path, own_names: frozenset[str]) -> list[str]:
    """Which paths differ, and in what: content, names, modes, mtimes in ns, symlinks."""
    here, there = read_tree(source, own_names), read_tree(target, own_names)
    told = []
    for name in sorted(here.keys() | there.keys()):
        text = repr(os.fsdecode(name))
        if name not in there or name not in here:
            told.append(
                f"{text} is missing at the {'source' if name in there else 'target'}"
            )
        elif here[name] != there[name]:
            told.append(
                f"{text} is {here[name]} at the source, {there[name]} at the target"
            )
        elif stat.S_ISREG(here[name][0]) and not same_content(
            os.path.join(os.fsencode(source), name),
            os.path.join(os.fsencode(target), name),
        ):
            told.append(f"{text} has another content")
    return told


def wait_until(condition, timeout_s: float, what: str) -> float:
    """Asks again and again, a tenth of the time at most; when it had become true, by time.monotonic()."""
    deadline = time.monotonic() + timeout_s
    while True:
        begun = time.monotonic()
        if condition():
            return time.monotonic()
        took = time.monotonic() - begun
        if begun > deadline:
            raise TimeoutError(f"after {timeout_s:.0f} s still not: {what}")
        time.sleep(max(0.001, 9 * took))
