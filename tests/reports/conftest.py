"""Lets the tests import the report's modules and the model of a run."""

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "reports"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
