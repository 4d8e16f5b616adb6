"""Tests marked `long` take minutes: they run with --long, as in ci/test --long."""


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also tests of minutes")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; runs with --long")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=long)
