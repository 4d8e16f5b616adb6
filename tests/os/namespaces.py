"""Network namespaces as hosts, bridges with veth pairs as LANs, for the tests of real networks."""

import os
import subprocess


def ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


class Lans:
    """Namespaces and bridges of one test, gone when it ends.

    No name is used twice: the kernel takes its time to clear away what is deleted.
    """

    made = 0

    def __init__(self):
        Lans.made += 1
        self.prefix = f"sl{os.getpid() % 100000}x{Lans.made}"
        self.namespaces: list[str] = []
        self.bridges: list[str] = []
        self.links = 0

    def add_lan(self) -> str:
        bridge = f"{self.prefix}b{len(self.bridges)}"
        # Snooping would need a querier, which no small switch has either.
        ip("link", "add", bridge, "type", "bridge", "mcast_snooping", "0")
        self.bridges.append(bridge)
        ip("link", "set", bridge, "up")
        return bridge

    def add_host(self) -> str:
        namespace = f"{self.prefix}h{len(self.namespaces)}"
        ip("netns", "add", namespace)
        self.namespaces.append(namespace)
        ip("-n", namespace, "link", "set", "lo", "up")
        return namespace

    def plug(self, namespace: str, lan: str, *addresses: str, v6: bool = True) -> str:
        """Gives the host one more interface, on this LAN; its name."""
        outside = f"{self.prefix}v{self.links}"
        inside = f"eth{self.links}"
        self.links += 1
        ip("link", "add", outside, "type", "veth", "peer", inside, "netns", namespace)
        ip("link", "set", outside, "master", lan, "up")
        if not v6:
            ip("-n", namespace, "link", "set", inside, "addrgenmode", "none")
        for address in addresses:
            ip("-n", namespace, "addr", "add", address, "dev", inside)
        ip("-n", namespace, "link", "set", inside, "up")
        return inside

    def add_router(self, *lans_and_addresses: tuple[str, str]) -> str:
        """A host that forwards between these LANs, at these addresses. RuntimeError: not permitted."""
        router = self.add_host()
        for lan, address in lans_and_addresses:
            self.plug(router, lan, address, v6=False)
        forward = "echo 1 > /proc/sys/net/ipv4/ip_forward"
        command = ["ip", "netns", "exec", router, "sh", "-c", forward]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"no forwarding: {done.stderr.strip()}")
        return router

    def remove(self) -> None:
        for namespace in self.namespaces:
            ip("netns", "del", namespace)
        for bridge in self.bridges:
            ip("link", "del", bridge)


def why_not_permitted() -> str:
    name = f"sl{os.getpid() % 100000}probe"
    try:
        ip("netns", "add", name)
        ip("-n", name, "link", "add", name + "b", "type", "bridge")
        ip("netns", "del", name)
    except (RuntimeError, FileNotFoundError) as error:
        return str(error)
    return ""
