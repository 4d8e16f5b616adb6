"""The scripts of ci/: that lint sees what it claims to see, and packages are left alone."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = ["install_packages", "run_scenario", "test", "lint"]


def run(command: list, **options) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, **options)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_shows_an_example(script):
    done = run([PROJECT / "ci" / script, "--help"])
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ci/" + script)
    assert f"Example: ci/{script}" in done.stdout


@pytest.mark.parametrize("script", ["install_packages", "test", "lint"])
def test_unknown_arguments_are_refused(script):
    done = run([PROJECT / "ci" / script, "--wrong"])
    assert done.returncode == 2
    assert "unknown argument '--wrong'" in done.stderr


def test_run_scenario_without_a_file_says_how_to_call_it():
    done = run([PROJECT / "ci" / "run_scenario"])
    assert done.returncode == 2
    assert "Usage:" in done.stderr


# --- install_packages, with programs of our own in place of Debian's


@pytest.fixture
def debian(tmp_path):
    """A PATH where every package but those in `missing` is installed; apt-get writes
    down how it was called."""

    def make(missing: str) -> dict:
        programs = tmp_path / "bin"
        programs.mkdir()
        texts = {
            "dpkg-query": f'case " {missing} " in *" ${{!#}} "*) exit 1 ;; esac\n'
            "printf installed",
            "apt-get": f'echo "$@" >> {tmp_path}/apt-calls',
            "id": "echo 0",
        }
        for name, text in texts.items():
            (programs / name).write_text(f"#!/bin/bash\n{text}\n")
            (programs / name).chmod(0o755)
        return os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}

    return make


def test_nothing_is_done_when_all_packages_are_there(debian, tmp_path):
    done = run([PROJECT / "ci" / "install_packages"], env=debian(missing=""))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "apt-calls").exists()


def test_only_missing_packages_are_installed(debian, tmp_path):
    done = run([PROJECT / "ci" / "install_packages"], env=debian("mold libuv1-dev"))
    assert done.returncode == 0, done.stderr
    update, install = (tmp_path / "apt-calls").read_text().splitlines()
    assert update.startswith("update")
    assert set(install.split()[1:]) >= {"-y", "mold", "libuv1-dev"}
    assert "cmake" not in install


# --- lint, on a small tree of its own

CLEAN = {
    "node/CMakeLists.txt": "target_link_libraries(shoal_core PUBLIC shoal_flags)\n",
    "node/base/id.h": "#pragma once\n",
    "node/dht/table.h": '#pragma once\n\n#include "node/base/id.h"\n',
    "reports/page.py": '"""Nothing."""\n',
}

FAULTS = {
    "an include that points up": (
        "node/base/id.h",
        '#pragma once\n\n#include "node/dht/table.h"\n',
        "node/base/id.h:3: base must not include dht",
    ),
    "a folder without a rank": (
        "node/new/x.h",
        '#include "node/base/id.h"\n',
        "a folder that ci/lint does not know",
    ),
    "tests included by the product": (
        "node/dht/table.h",
        '#include "tests/support/host.h"\n',
        "includes tests/support/host.h, which is no part of the product",
    ),
    "the simulator in the core": (
        "node/dht/table.h",
        "#include <ns3/simulator.h>\n",
        "use a port",
    ),
    "a library the core must not link": (
        "node/CMakeLists.txt",
        "target_link_libraries(shoal_core PUBLIC shoal_flags\n  PRIVATE PkgConfig::UV)\n",
        "shoal_core links what the core must not know",
    ),
    "a wall clock": (
        "node/dht/table.h",
        "auto now = std::chrono::system_clock::now();\n",
        "take the time from the Clock port",
    ),
    "time()": ("node/dht/table.h", "auto now = time(nullptr);\n", "the Clock port"),
    "entropy": ("node/dht/table.h", "std::random_device device;\n", "node's Rng"),
    "a thread": ("node/dht/table.h", "std::thread thread;\n", "no locks"),
    "an exception": ("node/dht/table.h", "void f() {\n  throw 1;\n}\n", "is a Result"),
    "a hash map in its own order": (
        "node/dht/table.h",
        "std::unordered_map<int, int> of_;\nvoid f() {\n  for (auto& x : of_) g(x);\n}\n",
        "node/dht/table.h:3:",
    ),
    "C++ out of format": ("node/base/id.h", "int  x ;\n", "clang-format"),
    "Python out of format": ("reports/page.py", "x = 'y'\n", "black would change"),
    "unused Python": ("reports/page.py", "import os\n", "flake8 found"),
}

INNOCENT = {
    "comments and text": "// try { std::thread } and throw\n"
    'const char* text = "try again at that time (or throw it away)";\n',
    "names that only look like it": "int lifetime(int x);\nint y = wall_time(1) + c.time();\n",
    "an ordered map": "std::map<int, int> of_;\nvoid f() {\n  for (auto& x : of_) g(x);\n}\n",
}


def lint(root: Path, files: dict[str, str]) -> subprocess.CompletedProcess:
    shutil.copytree(PROJECT / "ci", root / "ci")
    for name in (".clang-format", ".flake8"):
        shutil.copy(PROJECT / name, root)
    for name, text in (CLEAN | files).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    run(["git", "init", "-q", root], check=True)
    return run([root / "ci" / "lint"])


def test_lint_lets_a_clean_tree_pass(tmp_path):
    done = lint(tmp_path, {})
    assert done.returncode == 0, done.stderr
    assert done.stdout == "lint: 2 C++ and 1 Python files are clean\n"


@pytest.mark.parametrize("fault", FAULTS)
def test_lint_sees(fault, tmp_path):
    name, text, message = FAULTS[fault]
    done = lint(tmp_path, {name: text})
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.splitlines()[-1] == "lint: 1 problem(s)"


@pytest.mark.parametrize("text", INNOCENT)
def test_lint_does_not_mind(text, tmp_path):
    done = lint(tmp_path, {"node/dht/table.h": INNOCENT[text]})
    assert done.returncode == 0, done.stderr
