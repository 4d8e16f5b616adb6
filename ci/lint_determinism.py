#!/usr/bin/python3
"""Finds C++ that would make a simulated run depend on more than scenario, seed and build.

Banned: clocks, entropy, random numbers that a library defines, the environment, iteration over
hash maps, and anything that orders or hashes pointers. Comments and literals do not count.

Where one is right, a comment says which rule and why, at the end of the line or alone above it:

    // lint-allow(clock): the progress line shows how fast the run goes

Prints one line for each finding, FILE:LINE: what it is, and what to do instead.
Exit status: 0 nothing found, 1 something was.

Example: ci/lint_determinism.py sim/*.cpp sim/*.h
"""

import argparse
import re
import sys
from pathlib import Path

# rule: (pattern, what it is, what to do instead)
RULES = {
    "clock": (
        r"\b(steady|high_resolution)_clock\b|\bsystem_clock\s*::\s*now\b"
        r"|\b(clock_gettime|gettimeofday|timespec_get|SystemWallClock\w*)\b"
        r"|(?<![\w.>])(time|clock)\s*\(",
        "reads a clock",
        "take the time from the Clock port, or from Network::now()",
    ),
    "entropy": (
        r"\brandom_device\b|(?<![\w.>])(s?rand|rand_r|[dl]rand48|getrandom|getentropy)\s*\("
        r"|\b(randombytes_|arc4random)\w*|\b\w*RandomVariable\w*",
        "draws outside the run's streams",
        "draw from the node's Rng, or from Rng::keyed(seed, name, purpose)",
    ),
    "library-random": (
        r"\bstd\s*::\s*(mt19937\w*|minstd_\w+|ranlux\w+|knuth_b|default_random_engine"
        r"|\w+_distribution|shuffle|sample)\b|\bstd\s*::\s*ranges\s*::\s*(shuffle|sample)\b",
        "draws by a law that each standard library defines anew",
        "use Rng, Distribution or shuffle() of sim/deal.h",
    ),
    "environment": (
        r"\b(secure_)?getenv\b|\bsetlocale\b|\bstd\s*::\s*locale\b",
        "depends on the environment",
        "a scenario, or an option of the command line, says it",
    ),
    "pointer-order": (
        r"\bu?intptr_t\b|\bfmt\s*::\s*ptr\b|\bowner_(less|before)\b",
        "makes a pointer a number or an order",
        "order by an index, an id or a guid",
    ),
}
HASH_MAP = re.compile(
    r"\b(?:tsl\s*::\s*)?(?:robin|unordered)_(?:pg_)?(?:multi)?(?:map|set)\s*<"
)
ORDERED = re.compile(r"\bstd\s*::\s*(?:multi)?(?:map|set)\s*<")
FUNCTOR = re.compile(r"\bstd\s*::\s*(?:less|greater|less_equal|greater_equal|hash)\s*<")
SEQUENCE = re.compile(r"\bstd\s*::\s*(?:vector|deque|array|span)\s*<")
HASH_ORDER = ("hash-order", "iterates a hash map, whose order is no part of a run")
KEEP_ORDER = "iterate a std::map, a sorted copy, or the order of insertion"
BY_POINTER = "orders or hashes pointers, which differ from run to run"
ALLOW = re.compile(r"//\s*lint-allow\((?P<rule>[\w-]*)\):?\s*(?P<why>.*)")
NOT_CODE = re.compile(
    r'R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'|//[^\n]*|/\*.*?\*/",
    re.DOTALL,
)


def code_of(text: str) -> str:
    """The text with comments and literals blanked, line by line where it was."""
    return NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def arguments_after(code: str, opened: int) -> tuple[list[str], int]:
    """The template arguments after a '<' that ends at `opened`, and where the '>' ends."""
    depth, start, arguments = 1, opened, []
    for at in range(opened, len(code)):
        character = code[at]
        if character in "<([{":
            depth += 1
        elif character in ")]}" or (character == ">" and code[at - 1] != "-"):
            depth -= 1
        if character == "," and depth == 1 or depth == 0:
            arguments.append(code[start:at].strip())
            start = at + 1
        if depth == 0:
            return arguments, at + 1
        if character == ";":
            break
    return [], opened


def is_pointer(type_name: str) -> bool:
    smart = re.match(
        r"(?:const\s+)?std\s*::\s*(?:shared|unique|weak)_ptr\s*<", type_name
    )
    return bool(smart) or bool(re.search(r"\*(?:\s*const)?$", type_name))


def names_of_type(code: str, template: re.Pattern, wanted) -> set[str]:
    """Variables and members declared as the template, directly or by an alias, whose
    arguments are `wanted`."""
    names: set[str] = set()
    aliases: set[str] = set()
    for found in template.finditer(code):
        arguments, end = arguments_after(code, found.end())
        if not arguments or not wanted(arguments):
            continue
        declared = re.match(r"[\s&*]*(?:const\s*&\s*)?(\w+)\s*(?=[;{=,)(])", code[end:])
        if declared:
            names.add(declared.group(1))
        alias = re.search(r"\busing\s+(\w+)\s*=\s*$", code[: found.start()])
        if alias:
            aliases.add(alias.group(1))
    for alias in aliases:
        names |= set(re.findall(rf"\b{alias}\s*&?\s+(\w+)\s*(?=[;{{=,)(])", code))
    return names


class File:
    def __init__(self, path: Path):
        self.path = path
        text = path.read_text(encoding="utf-8")
        self.lines = text.split("\n")
        self.code = code_of(text)
        self.findings: list[tuple[int, str, str]] = []  # line, rule, message

    def add(self, offset: int, rule: str, what: str, instead: str) -> None:
        self.findings.append(
            (self.code.count("\n", 0, offset) + 1, rule, f"{what}: {instead}")
        )

    def visible_code(self) -> str:
        """Its own code, and that of the project's headers that it includes itself."""
        visible = self.code
        for name in re.findall(r'^#include "([^"]+)"', "\n".join(self.lines), re.M):
            if Path(name).is_file():
                visible += code_of(Path(name).read_text(encoding="utf-8"))
        return visible

    def check(self) -> None:
        for rule, (pattern, what, instead) in RULES.items():
            for found in re.finditer(pattern, self.code):
                self.add(found.start(), rule, what, instead)
        visible = self.visible_code()
        self.check_iteration(names_of_type(visible, HASH_MAP, lambda _: True))
        self.check_pointers(
            names_of_type(visible, SEQUENCE, lambda arguments: is_pointer(arguments[0]))
        )

    def check_iteration(self, names: set[str]) -> None:
        for name in names:
            pattern = (
                rf"\bfor\s*\([^;{{}}]*?:\s*[^;{{}}]*?\b{name}\s*\)\s*[^;)]"
                rf"|\b{name}\s*(?:\.|->)\s*c?begin\s*\("
                rf"|\bc?begin\s*\(\s*{name}\s*\)|\branges\s*::\s*\w+\s*\(\s*{name}\b"
            )
            for found in re.finditer(pattern, self.code):
                self.add(found.start(), *HASH_ORDER, KEEP_ORDER)

    def check_pointers(self, sequences: set[str]) -> None:
        instead = RULES["pointer-order"][2]
        for template in (ORDERED, FUNCTOR, HASH_MAP):
            for found in template.finditer(self.code):
                arguments, _ = arguments_after(self.code, found.end())
                if arguments and is_pointer(arguments[0]):
                    self.add(found.start(), "pointer-order", BY_POINTER, instead)
        for name in sequences:
            # With a comparison of its own it is a third argument.
            pattern = (
                rf"\b(?:stable_)?sort\s*\(\s*{name}\s*\.\s*begin\(\)\s*,\s*{name}\s*\.\s*end\(\)\s*\)"
                rf"|\bsort\s*\(\s*{name}\s*\)"
            )
            for found in re.finditer(pattern, self.code):
                self.add(found.start(), "pointer-order", BY_POINTER, instead)

    def report(self) -> list[str]:
        """What is not allowed, and what is allowed in vain, in the order of lines."""
        left = []
        allowed: dict[tuple[int, str], int] = {}  # (line it speaks of, rule): its own
        for number, line in enumerate(self.lines, 1):
            allow = ALLOW.search(line)
            if not allow:
                continue
            if not allow["why"].strip() or allow["rule"] not in [*RULES, HASH_ORDER[0]]:
                left.append(
                    (number, "lint-allow(RULE): WHY needs a known rule and a reason")
                )
                continue
            alone = line.lstrip().startswith("//")
            allowed[
                (self.next_code(number) if alone else number, allow["rule"])
            ] = number
        used = set()
        for number, rule, message in self.findings:
            if (number, rule) in allowed:
                used.add((number, rule))
            else:
                left.append((number, f"{rule}: {message}"))
        for key, number in allowed.items():
            if key not in used:
                left.append((number, f"lint-allow({key[1]}) allows nothing; remove it"))
        return [
            f"{self.path}:{number}: {message}" for number, message in sorted(set(left))
        ]

    def next_code(self, number: int) -> int:
        """The first line after `number` that is more than a comment."""
        while number < len(self.lines) and self.lines[number].lstrip().startswith("//"):
            number += 1
        return number + 1


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE")
    found = 0
    for path in parser.parse_args(arguments).files:
        file = File(path)
        file.check()
        for line in file.report():
            print(line)
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
