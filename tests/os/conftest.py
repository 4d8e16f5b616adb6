"""What tests of real networks share: LANs that are gone when the test ends, and nodes in their hosts."""

import pytest
from namespaces import Lans, why_not_permitted
from shoal_process import Node


@pytest.fixture
def lans():
    if reason := why_not_permitted():
        pytest.skip(f"network namespaces cannot be made here: {reason}")
    made = Lans()
    yield made
    made.remove()


@pytest.fixture
def start():
    """Starts a node in a namespace, listening on all its addresses."""
    started: list[Node] = []

    def run(
        namespace: str,
        listen: str = "[::]:7465",
        bootstrap: list[str] = [],
        **settings: str,
    ) -> Node:
        node = Node(listen, namespace=namespace)
        started.append(node)
        node.start(bootstrap, settings)
        return node

    yield run
    for node in started:
        node.close()
