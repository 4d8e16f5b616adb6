#!/usr/bin/python3
"""Floods one node on loopback while others ask it honestly, and says what that does to either.

Starts a node, `--honest` others that it knows, each at an address of its own (limits are per
address), and then, one after the other for `--seconds` each:
  nothing       what honest requests take without a flood
  strangers     datagrams of random keys, from `--sources` addresses (127.x.y.z), `--rate` a second
  replays       datagrams that an honest host sent before, from its own address and from others
  keys          valid pings under ever fresh keys, `--valid` a second, beside such datagrams of strangers
  half_open     TCP connections that send nothing, or half of a first message, as fast as they are taken
Throughout, the honest hosts ping the node, each twenty times a second at most. With `--newcomers`, so many
hosts that nobody knows start when each flood has begun, with the node's address as all they know. Prints a
table: honest requests, their success and round-trip times, what the flood sent a second, the bytes it got
back for each that it sent (of all addresses, and of the worst), and the node's memory; below, how many of
the newcomers were in the network when the flood ended, and after how long, and what the node dropped.

Exit status: 0 measured, 1 an address got more than three times what it sent, or something failed, 2 the
command line is wrong.

Examples: bench/flood.py --rate 50000 --seconds 10
          bench/flood.py --seconds 120 --newcomers 20
"""

import argparse
import ctypes
import ctypes.util
import multiprocessing
import os
import random
import selectors
import socket
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "os"))
from shoal_process import Node, Refused, wait_until  # noqa: E402

VERSION = b"\x01"
DATAGRAM_BYTES = 400
HONEST_PERIOD_S = 0.05


def sources(count: int) -> list[socket.socket]:
    made = []
    for _ in range(count):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        address = ".".join(["127", *(str(random.randrange(1, 255)) for _ in range(3))])
        udp.bind((address, 0))
        udp.setblocking(False)
        made.append(udp)
    return made


def send_at(rate: int, until: float, udps, datagrams, target, counts) -> None:
    """Sends at this rate, and takes what comes back: [sent, bytes sent, bytes got, worst ratio]."""
    sent_by = [0] * len(udps)
    got_by = [0] * len(udps)
    sent, begun = 0, time.monotonic()
    while (now := time.monotonic()) < until:
        due = int((now - begun) * rate) - sent
        for _ in range(min(due, 256)):
            which = sent % len(udps)
            datagram = datagrams[sent % len(datagrams)]
            try:
                udps[which].sendto(datagram, target)
                sent_by[which] += len(datagram)
            except BlockingIOError:
                pass
            sent += 1
        which = random.randrange(len(udps))
        try:
            while True:
                got_by[which] += len(udps[which].recv(2048))
        except BlockingIOError:
            pass
        if due <= 0:
            time.sleep(0.0002)
    for which, udp in enumerate(udps):
        try:
            while True:
                got_by[which] += len(udp.recv(2048))
        except BlockingIOError:
            pass
    counts[0], counts[1], counts[2] = sent, sum(sent_by), sum(got_by)
    counts[3] = max((got / max(1, out) for out, got in zip(sent_by, got_by)), default=0)


def flood_strangers(options, target, recorded, counts) -> None:
    datagrams = [VERSION + os.urandom(DATAGRAM_BYTES - 1) for _ in range(20_000)]
    until = time.monotonic() + options.seconds
    send_at(options.rate, until, sources(options.sources), datagrams, target, counts)


class Seal:
    """Seals pings for one host under keys that are made for each (node/secure/sealed_datagram.h)."""

    LABEL = b"shoal datagram 1"
    NONCE_BYTES, TAG_BYTES = 24, 16

    def __init__(self, target: bytes):
        self.sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
        self.sodium.sodium_init()
        self.target = target
        self.target_x25519 = ctypes.create_string_buffer(32)
        self.sodium.crypto_sign_ed25519_pk_to_curve25519(self.target_x25519, target)

    def fresh_ping(self) -> bytes:
        public, secret = (ctypes.create_string_buffer(n) for n in (32, 64))
        self.sodium.crypto_sign_ed25519_keypair(public, secret)
        x25519, shared, key = (ctypes.create_string_buffer(32) for _ in range(3))
        self.sodium.crypto_sign_ed25519_sk_to_curve25519(x25519, secret)
        self.sodium.crypto_scalarmult(shared, x25519, self.target_x25519)
        bound = shared.raw + public.raw + self.target
        self.sodium.crypto_generichash(
            key,
            ctypes.c_size_t(32),
            bound,
            ctypes.c_ulonglong(len(bound)),
            self.LABEL,
            ctypes.c_size_t(len(self.LABEL)),
        )
        # Message.request { id (fixed64), ping {} }
        request = b"\x09" + os.urandom(8) + b"\x82\x01\x00"
        message = b"\x0a" + bytes([len(request)]) + request
        nonce = os.urandom(self.NONCE_BYTES)
        sealed = ctypes.create_string_buffer(len(message) + self.TAG_BYTES)
        associated = VERSION + public.raw + self.target
        self.sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
            sealed,
            None,
            message,
            ctypes.c_ulonglong(len(message)),
            associated,
            ctypes.c_ulonglong(len(associated)),
            None,
            nonce,
            key,
        )
        return VERSION + public.raw + nonce + sealed.raw


def flood_keys(options, target, recorded, counts) -> None:
    seal = Seal(bytes.fromhex(options.target_host))
    forged = [VERSION + os.urandom(DATAGRAM_BYTES - 1) for _ in range(20_000)]
    valid = [seal.fresh_ping() for _ in range(int(options.valid * options.seconds))]
    step = max(1, options.rate // options.valid)
    datagrams = []
    for number, ping in enumerate(valid):
        datagrams.append(ping)
        datagrams += [
            forged[(number * step + i) % len(forged)] for i in range(step - 1)
        ]
    until = time.monotonic() + options.seconds
    send_at(options.rate, until, sources(options.sources), datagrams, target, counts)


def flood_replays(options, target, recorded, counts) -> None:
    until = time.monotonic() + options.seconds
    send_at(options.rate, until, sources(options.sources), recorded, target, counts)


def flood_half_open(options, target, recorded, counts) -> None:
    until = time.monotonic() + options.seconds
    held: list[socket.socket] = []
    while time.monotonic() < until:
        tcp = socket.socket()
        tcp.settimeout(0.2)
        try:
            tcp.connect(target)
            if counts[0] % 2 == 1:
                counts[1] += tcp.send(VERSION + b"\x00\x20" + os.urandom(16))
            held.append(tcp)
        except OSError:
            tcp.close()
        counts[0] += 1
        if len(held) > 500:
            held.pop(0).close()


FLOODS = {
    "nothing": None,
    "strangers": flood_strangers,
    "replays": flood_replays,
    "keys": flood_keys,
    "half_open": flood_half_open,
}


class Relay:
    """Stands between an honest host and the node for a while, and keeps what it sent."""

    def __init__(self, target):
        self.target = target
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.udp.getsockname()[1]
        self.recorded: list[bytes] = []

    def run(self, seconds: float) -> None:
        client = None
        selector = selectors.DefaultSelector()
        selector.register(self.udp, selectors.EVENT_READ)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not selector.select(0.1):
                continue
            datagram, sender = self.udp.recvfrom(2048)
            if sender == self.target:
                if client:
                    self.udp.sendto(datagram, client)
            else:
                client = sender
                self.recorded.append(datagram)
                self.udp.sendto(datagram, self.target)


def memory_mib(node: Node) -> float:
    for line in Path(f"/proc/{node.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the node has ended")


def ask_honestly(
    honest: list[Node], target: Node, seconds: float
) -> list[float | None]:
    """Round-trip times in ms, in turn from each host; None for a ping that failed."""
    times: list[float | None] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        next_round = time.monotonic() + HONEST_PERIOD_S
        for node in honest:
            try:
                times.append(node.ask("ping", host=target.host)["rtt_ms"])
            except Refused:
                times.append(None)
        time.sleep(max(0, next_round - time.monotonic()))
    return times


class Newcomers:
    """Hosts that start in the midst of it, and how long each takes to get its first contact."""

    def __init__(self, count: int, target: Node, seconds: float):
        self.count, self.target = count, target
        self.until = time.monotonic() + seconds
        self.took_s: list[float] = []
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        time.sleep(1)
        nodes: dict[Node, float] = {}
        try:
            for index in range(self.count):
                node = Node(f"127.2.{index}.1:0")
                nodes[node] = 0
                node.launch([self.target.endpoint])
                node.wait_ready()
                nodes[node] = time.monotonic()
            waiting = set(nodes)
            while waiting and time.monotonic() < self.until:
                for node in list(waiting):
                    if node.ask("status")["contacts"] > 0:
                        self.took_s.append(time.monotonic() - nodes[node])
                        waiting.remove(node)
                time.sleep(0.1)
        finally:
            for node in nodes:
                node.close()

    def told(self) -> str:
        self.thread.join()
        took = sorted(self.took_s)
        text = f"{len(took)} of {self.count} newcomers joined"
        if took:
            text += f", after {statistics.median(took):.1f} s in the median, {took[-1]:.1f} s at most"
        return text


def measure(name: str, options, target: Node, honest: list[Node], recorded) -> bool:
    address, port = target.endpoint.rsplit(":", 1)
    counts = multiprocessing.Array("d", 4)
    flood = None
    if FLOODS[name]:
        arguments = (options, (address, int(port)), recorded, counts)
        flood = multiprocessing.Process(target=FLOODS[name], args=arguments)
        flood.start()
    newcomers = Newcomers(options.newcomers, target, options.seconds)
    before = target.ask("status")["counters"]
    times = ask_honestly(honest, target, options.seconds)
    if flood:
        flood.join()
    after = target.ask("status")["counters"]
    answered = sorted(t for t in times if t is not None)
    quantiles = statistics.quantiles(answered, n=100) if len(answered) > 1 else [0] * 99
    print(
        f"{name:10} {len(times):6} {100 * len(answered) / len(times):8.2f} %"
        f" {quantiles[49]:8.2f} {quantiles[98]:8.2f} {counts[0] / options.seconds:10.0f}"
        f" {counts[2] / max(1, counts[1]):8.4f} {counts[3]:8.2f} {memory_mib(target):8.1f}"
    )
    if options.newcomers:
        print(f"           {newcomers.told()}")
    changed = {
        key: after[key] - before[key]
        for key in sorted(after)
        if after[key] != before[key] and key.startswith(("dropped", "sessions_refused"))
    }
    for key, value in changed.items():
        print(f"           {key} {value}")
    sys.stdout.flush()
    return counts[3] <= 3


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=50_000, help="datagrams a second")
    parser.add_argument(
        "--valid", type=int, default=800, help="datagrams of valid fresh keys a second"
    )
    parser.add_argument("--seconds", type=float, default=10, help="of each flood")
    parser.add_argument("--honest", type=int, default=4, help="hosts that ask honestly")
    parser.add_argument("--sources", type=int, default=200, help="addresses of a flood")
    parser.add_argument(
        "--newcomers", type=int, default=0, help="hosts that start in it"
    )
    options = parser.parse_args()

    nodes: list[Node] = []
    try:
        target = Node()
        nodes.append(target)
        target.start()
        address, port = target.endpoint.rsplit(":", 1)
        relay = Relay((address, int(port)))
        for index in range(options.honest + 1):
            node = Node(f"127.1.{index}.1:0")
            nodes.append(node)
            node.start([relay.address if index == 0 else target.endpoint])
            if index == 0:
                relay.run(5)
        honest = nodes[2:]
        options.target_host = target.host
        for node in honest:
            wait_until(
                lambda: target.host
                in [c["host"] for c in node.ask("table")["contacts"]],
                20,
                "the honest hosts know the node",
            )
        print(
            f"{'flood':10} {'pings':>6} {'answered':>10} {'p50 ms':>8} {'p99 ms':>8} {'flood/s':>10}"
            f" {'back/out':>8} {'worst':>8} {'MiB':>8}"
        )
        bounded = [
            measure(name, options, target, honest, relay.recorded) for name in FLOODS
        ]
        return 0 if all(bounded) else 1
    finally:
        for node in nodes:
            node.close()


if __name__ == "__main__":
    sys.exit(main())
