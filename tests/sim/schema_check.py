#!/usr/bin/python3
"""Validates scenario files against scenarios/schema.json, as an editor would.

usage: schema_check.py SCHEMA FILE...

Prints one line a file: "valid FILE" or "invalid FILE: the first reason". Exit status 0
when it could judge them all.
"""

import json
import sys
from pathlib import Path

import jsonschema
import yaml


def main() -> int:
    schema = json.loads(Path(sys.argv[1]).read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    for name in sys.argv[2:]:
        errors = [
            error.message
            for error in validator.iter_errors(yaml.safe_load(Path(name).read_text()))
        ]
        print(f"invalid {name}: {errors[0]}" if errors else f"valid {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
