"""A real standalone cluster on loopback, from the Python package: a master and workers, each a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"


@dataclass(frozen=True)
class Worker:
    """A worker with its executors: one process group, their folder of logs, and the folder they spill to."""

    process: subprocess.Popen
    work: Path
    spill: Path

    @property
    def holds_results(self) -> bool:
        """Whether part of a running query lies here and nowhere else."""
        return any(self.spill.rglob("shuffle_*.data"))

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True)
class Cluster:
    """Its address, its workers, and the environment of a driver."""

    master: str
    workers: tuple[Worker, ...]
    environment: dict[str, str]


@contextmanager
def spark_cluster(folder: Path, *, n_workers: int = 2, memory: str = "1g") -> Iterator[Cluster]:
    """Start a master and workers of one core each; all are gone when the block ends."""
    import pyspark

    home = Path(pyspark.__file__).parent
    port, *ui_ports = _free_ports(2 + n_workers)
    configuration = folder / "conf"
    configuration.mkdir(parents=True)
    (configuration / "spark-defaults.conf").write_text(
        "spark.driver.host 127.0.0.1\n"
        f"spark.executor.memory {memory}\nspark.driver.memory {memory}\n"
        f"spark.executorEnv.PYTHONPATH {os.pathsep.join(path for path in sys.path if path)}\n"
    )
    environment = {
        "SPARK_HOME": str(home),
        "SPARK_CONF_DIR": str(configuration),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
    }
    started: list[subprocess.Popen] = []

    def start(name: str, *command: str, **extra: str) -> subprocess.Popen:
        with (folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(home / "bin" / "spark-class"), *command],
                stdout=log,
                stderr=log,
                env={**os.environ, **environment, **extra},
                start_new_session=True,
            )
        started.append(process)
        return process

    try:
        start("master", _MASTER, "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(ui_ports[0]))
        _wait(lambda: "I have been elected leader" in (folder / "master.log").read_text(), "the master")
        workers = []
        for number in range(n_workers):
            spill = folder / f"spill-{number}"
            work = folder / f"work-{number}"
            place = ["-c", "1", "-m", memory, "-d", str(work)]
            ui = ["--webui-port", str(ui_ports[1 + number])]
            process = start(
                f"worker-{number}",
                _WORKER,
                *("--host", "127.0.0.1", *place, *ui, f"spark://127.0.0.1:{port}"),
                SPARK_LOCAL_DIRS=str(spill),
            )
            workers.append(Worker(process, work, spill))
        _wait(lambda: (folder / "master.log").read_text().count("Registering worker") == n_workers, "the workers")
        yield Cluster(f"spark://127.0.0.1:{port}", tuple(workers), environment)
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _free_ports(n: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait(is_there, what: str, *, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not start")
        time.sleep(0.2)
