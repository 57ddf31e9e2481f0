"""What every test may use: a cache for compiled kernels, one hypothesis profile, and the public data sets.

The environment is set before anything imports numba, which reads it once.
"""

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir(), "numba-cache-tests")))

import hypothesis
import pytest
from tests.object_store import ObjectStore, forget_connections, object_store

#: The same examples on every machine and every run; compiling a kernel may take longer than hypothesis's deadline.
hypothesis.settings.register_profile("gauger", deadline=None, derandomize=True)
hypothesis.settings.load_profile("gauger")

NOT_RUN = "not run: GAUGER_DATA is not set"
STRICT_VALUES = {"1", "true", "yes"}


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of public data sets; absent data is a skipped test, or a failed one under GAUGER_TEST_STRICT=1."""
    folder = os.environ.get("GAUGER_DATA", "")
    if folder:
        if not Path(folder).is_dir():
            pytest.fail(f"GAUGER_DATA={folder} is no folder")
        return Path(folder)
    return _not_run(NOT_RUN)


@pytest.fixture(scope="session")
def spark_installed() -> None:
    """Spark and Java; without them a test is skipped, or failed under GAUGER_TEST_STRICT=1."""
    if importlib.util.find_spec("pyspark") is None or not ("JAVA_HOME" in os.environ or shutil.which("java")):
        _not_run("not run: pyspark or Java is not installed (make test-slow installs pyspark)")


@pytest.fixture(scope="session")
def tokenizers_installed() -> None:
    """The extra `proof`; without it a test is skipped, or failed under GAUGER_TEST_STRICT=1."""
    _need("tokenizers")


@pytest.fixture(scope="session")
def torch_installed() -> None:
    """PyTorch; without it a test is skipped, or failed under GAUGER_TEST_STRICT=1."""
    _need("torch")


@pytest.fixture(scope="session")
def transformers_installed(torch_installed: None) -> None:
    """Transformers, with PyTorch; without them a test is skipped, or failed under GAUGER_TEST_STRICT=1."""
    _need("transformers")


@pytest.fixture(scope="session")
def store_server() -> Iterator[ObjectStore]:
    """A server of S3; where it is not installed a test is skipped, or failed under GAUGER_TEST_STRICT=1."""
    python = os.environ.get("GAUGER_TEST_MOTO", str(Path(sys.prefix, "moto", "bin", "python")))
    if not Path(python).is_file():
        _not_run("not run: moto is not installed (make test installs it)")
    with object_store(python) as opened:
        yield opened


@pytest.fixture
def store(store_server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """A bucket with nothing in it, and this process a reader of it."""
    for name, value in store_server.environment.items():
        monkeypatch.setenv(name, value)
    store_server.empty()
    forget_connections()
    yield store_server
    forget_connections()


def _need(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        _not_run(f"not run: {package} is not installed (make test-slow installs it)")


def _not_run(why: str) -> Any:
    if os.environ.get("GAUGER_TEST_STRICT", "").lower() in STRICT_VALUES:
        pytest.fail(why)
    return pytest.skip(why)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests did not run for want of data, so that a green line does not hide them."""
    skipped = terminalreporter.stats.get("skipped", [])
    n_not_run = sum("not run:" in str(report.longrepr) for report in skipped)
    terminalreporter.write_line(f"not run: {n_not_run}")
