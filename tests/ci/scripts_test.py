"""The scripts of ci/: that lint sees what it claims to see, and packages are left alone."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = [
    "install_packages",
    "run_scenario",
    "test",
    "lint",
    "compare_fidelities",
    "compare_builds",
    "profile",
]


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


@pytest.mark.parametrize("script", ["record", "regress", "report"])
def test_help_of_the_commands_in_python_shows_an_example(script):
    done = run([PROJECT / "ci" / script, "--help"])
    assert done.returncode == 0
    assert done.stdout.startswith("usage: ci/" + script)
    assert f"Example: ci/{script}" in done.stdout


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
    "a thread": ("node/dht/table.h", "std::thread thread;\n", "no locks"),
    "an exception": ("node/dht/table.h", "void f() {\n  throw 1;\n}\n", "is a Result"),
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
    assert done.stdout == "lint: 2 C++ and 2 Python files are clean\n"


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


# --- lint_determinism.py: what would make a run more than a function of scenario, seed and build

# what: (code, the line it must name, the rule)
UNREPEATABLE = {
    "a wall clock": ("auto now = std::chrono::system_clock::now();\n", 1, "clock"),
    "a clock by another name": ("using C = std::chrono::steady_clock;\n", 1, "clock"),
    "time()": ("auto now = time(nullptr);\n", 1, "clock"),
    "entropy": ("std::random_device device;\n", 1, "entropy"),
    "libsodium's entropy": (
        "void f(char* p) {\n  randombytes_buf(p, 8);\n}\n",
        2,
        "entropy",
    ),
    "ns-3's streams": ("ns3::Ptr<ns3::UniformRandomVariable> draws;\n", 1, "entropy"),
    "a library's law": (
        "std::uniform_int_distribution<int> law;\n",
        1,
        "library-random",
    ),
    "a library's shuffle": (
        "void f(V& v, R& r) {\n  std::shuffle(v.begin(), v.end(), r);\n}\n",
        2,
        "library-random",
    ),
    "the environment": ('auto home = std::getenv("HOME");\n', 1, "environment"),
    "a range-for over a hash map": (
        "std::unordered_map<int, int> of_;\nvoid f() {\n  for (auto& x : of_) g(x);\n}\n",
        3,
        "hash-order",
    ),
    "a hash map within another value": (
        "struct S {\n  tsl::robin_map<int, std::vector<int>> of;\n};\n"
        "void f(S* s) {\n  for (const auto& [key, value] : s->of) {\n    g(key);\n  }\n}\n",
        5,
        "hash-order",
    ),
    "a hash set by an alias": (
        "using Seen = tsl::robin_set<int>;\nSeen seen_{0};\nauto first = *seen_.begin();\n",
        3,
        "hash-order",
    ),
    "a hash map as a parameter": (
        "void f(const std::unordered_set<int>& of) {\n  std::ranges::copy(of, out);\n}\n",
        2,
        "hash-order",
    ),
    "a hash map of an included header": (
        '#include "node/base/held.h"\n\nvoid f() {\n  for (int x : held_) g(x);\n}\n',
        4,
        "hash-order",
    ),
    "a map of pointers": ("std::map<const Node*, int> of_;\n", 1, "pointer-order"),
    "a set of shared pointers": (
        "std::set<std::shared_ptr<Node>> of_;\n",
        1,
        "pointer-order",
    ),
    "a hash of pointers": ("tsl::robin_set<Node*> of_;\n", 1, "pointer-order"),
    "an order of pointers": ("std::less<Node*> before_;\n", 1, "pointer-order"),
    "sorted pointers": (
        "std::vector<Node*> of_;\nvoid f() {\n  std::sort(of_.begin(), of_.end());\n}\n",
        3,
        "pointer-order",
    ),
    "a pointer as a number": (
        "auto x = reinterpret_cast<std::uintptr_t>(this);\n",
        1,
        "pointer-order",
    ),
}

REPEATABLE = {
    "comments and text": "// time(0), std::rand() and system_clock::now()\n"
    'const char* text = "rand() at that time (now)";\n',
    "names that only look like it": "int lifetime(int x);\nint y = wall_time(1) + c.time();\n"
    "int operand(int x);\n",
    "an ordered map": "std::map<int, Node*> of_;\nvoid f() {\n  for (auto& x : of_) g(x);\n}\n",
    "a hash map that is only asked": "std::unordered_map<int, int> of_;\nvoid f() {\n"
    "  if (of_.find(3) == of_.end()) g();\n}\n",
    "pointers by what they point at": "std::vector<Node*> of_;\nvoid f() {\n"
    "  std::sort(of_.begin(), of_.end(), by_index);\n}\n",
    "what a comment allows": "// lint-allow(clock): how long it takes a person\n// to see it\n"
    "using C = std::chrono::steady_clock;\n"
    "auto t = time(nullptr);  // lint-allow(clock): the same\n",
}

USELESS_ALLOWANCES = {
    "without a reason": (
        "auto t = time(nullptr);  // lint-allow(clock):\n",
        "a reason",
    ),
    "of no rule": ("int x;  // lint-allow(clocks): why not\n", "needs a known rule"),
    "of another rule": (
        "auto t = time(nullptr);  // lint-allow(entropy): no\n",
        "clock: reads a clock",
    ),
    "of nothing": ("int x;  // lint-allow(clock): once it was one\n", "allows nothing"),
}


def lint_determinism(root: Path, text: str) -> subprocess.CompletedProcess:
    (root / "node" / "base").mkdir(parents=True)
    (root / "node" / "base" / "held.h").write_text("tsl::robin_set<int> held_;\n")
    (root / "x.cpp").write_text(text)
    return run([PROJECT / "ci" / "lint_determinism.py", "x.cpp"], cwd=root)


@pytest.mark.parametrize("what", UNREPEATABLE)
def test_lint_names_by_file_and_line(what, tmp_path):
    text, line, rule = UNREPEATABLE[what]
    done = lint_determinism(tmp_path, text)
    assert done.returncode == 1
    assert done.stdout.startswith(f"x.cpp:{line}: {rule}: ")
    assert done.stdout.count("\n") == 1, done.stdout


@pytest.mark.parametrize("what", REPEATABLE)
def test_lint_takes_for_repeatable(what, tmp_path):
    done = lint_determinism(tmp_path, REPEATABLE[what])
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("what", USELESS_ALLOWANCES)
def test_lint_refuses_an_allowance(what, tmp_path):
    text, message = USELESS_ALLOWANCES[what]
    done = lint_determinism(tmp_path, text)
    assert done.returncode == 1
    assert message in done.stdout


@pytest.mark.parametrize("folder", ["node/dht", "node/store", "sim"])
def test_lint_looks_for_it_in_all_that_a_run_is_made_of(folder, tmp_path):
    done = lint(tmp_path, {f"{folder}/x.h": "auto now = time(nullptr);\n"})
    assert done.returncode == 1
    assert f"{folder}/x.h:1: clock: reads a clock" in done.stderr


def test_lint_leaves_the_clock_to_the_operating_system(tmp_path):
    done = lint(tmp_path, {"node/os/x.h": "auto now = time(nullptr);\n"})
    assert done.returncode == 0, done.stderr
