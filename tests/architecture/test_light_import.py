"""`import gauger` and `gauger --help` answer at once: no kernel, no engine, no table library is loaded."""

import json
import subprocess
import sys

HEAVY = (
    "numba",
    "llvmlite",
    "duckdb",
    "ibis",
    "pyarrow.compute",
    "pyarrow.dataset",
    "scipy",
    "sqlalchemy",
    "torch",
    "pyspark",
)

REPORT = "import json, sys; print('LOADED', json.dumps([name for name in {heavy!r} if name in sys.modules]))"

HELP = """
import sys
sys.argv = ["gauger", "--help"]
from gauger.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


def _loaded(code: str) -> list[str]:
    """Return the heavy modules that are loaded after `code` in a fresh interpreter."""
    program = f"{code}\n{REPORT.format(heavy=HEAVY)}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("LOADED "), done.stdout
    return json.loads(last.removeprefix("LOADED "))


def test_the_probe_sees_a_heavy_import():
    assert "duckdb" in _loaded("import duckdb")


def test_import_gauger_loads_nothing_heavy():
    assert _loaded("import gauger") == []


def test_help_loads_nothing_heavy():
    assert _loaded(HELP) == []
