"""What an orchestrator costs per step: one chain of no-op steps on ours, on stock Dagster, on Prefect and Metaflow.

    .venv/bin/python benchmarks/orchestration.py [--peers] [--contenders …] [--rounds 3] [--scale 1.0]

Every contender runs the chain of 20 steps once per partition, 100 partitions in all for ours; slower ones run a sample,
whose size the table states. The contenders take turns (A B C, A B C, …), each in a process of its own, with their homes
on one file system; start-up and one warm-up run are not counted, except for Metaflow, which has no process to warm
up. ``--peers`` installs Prefect and Metaflow with uv into an environment below the temporary directory and removes it.
"""

import argparse
import json
import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
STEPS = 20
SAMPLE = {"ours": 100, "sqlite": 20, "postgres": 20, "multiprocess": 1, "prefect": 20, "metaflow": 1}
PEERS = {"prefect", "metaflow"}
LABEL = {
    "ours": "Creative Lab (in-process, embedded Postgres)",
    "postgres": "stock dagster-postgres (in-process, same server)",
    "sqlite": "stock Dagster, default storage (in-process, SQLite)",
    "multiprocess": "stock Dagster, default storage and executor (multiprocess, SQLite)",
    "prefect": "Prefect (in-process, temporary server, SQLite)",
    "metaflow": "Metaflow (local)",
}


def definitions(partitions: int, executor: str = "in_process"):
    """A chain of no-op assets over ``partitions`` keys."""
    import dagster as dg

    keys = dg.StaticPartitionsDefinition([f"p{number}" for number in range(partitions + 1)])

    def make(number: int):
        @dg.asset(name=f"step_{number}", deps=[f"step_{number - 1}"] if number else [], partitions_def=keys)
        def step() -> dg.MaterializeResult:
            return dg.MaterializeResult()

        return step

    assets = [make(number) for number in range(STEPS)]
    chosen = dg.multiprocess_executor if executor == "multiprocess" else dg.in_process_executor
    return dg.Definitions(assets=assets, jobs=[dg.define_asset_job("chain")], executor=chosen)


def multiprocess_job():
    """Entry point for the step processes of the multiprocess executor."""
    return definitions(SAMPLE["multiprocess"], "multiprocess").resolve_job_def("chain")


def run_dagster(name: str, partitions: int, home: Path) -> dict[str, float]:
    """Run in this process; the home holds whatever the storage writes."""
    import dagster as dg
    from dagster._core.instance.ref import InstanceRef

    logging.disable(logging.CRITICAL)
    if name == "ours":
        from creative_lab.launch.instance import lab_instance

        instance = lab_instance()
    else:
        text = "telemetry: {enabled: false}\n"
        if name == "postgres":
            from creative_lab.state.postgres import database_url

            text += json.dumps({"storage": {"postgres": {"postgres_url": database_url("stock")}}})[1:-1]
        (home / "dagster.yaml").write_text(text)
        instance = dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home)))

    if name == "multiprocess":
        job = dg.reconstructable(multiprocess_job)

        def run(number: int) -> None:
            tags = {"dagster/partition": f"p{number}"}
            with dg.execute_job(job, instance=instance, tags=tags) as result:
                assert result.success
    else:
        job_def = definitions(partitions).resolve_job_def("chain")

        def run(number: int) -> None:
            assert job_def.execute_in_process(instance=instance, partition_key=f"p{number}").success

    if name != "multiprocess":
        run(partitions)
    began = time.perf_counter()
    for number in range(partitions):
        run(number)
    return {"steps": STEPS * partitions, "seconds": time.perf_counter() - began}


def run_metaflow(python: Path, partitions: int, home: Path) -> dict[str, float]:
    """One flow run per partition; a run is a process, and so is each of its steps."""
    lines = ["from metaflow import FlowSpec, step", "class Chain(FlowSpec):"]
    names = ["start", *[f"step_{number}" for number in range(1, STEPS - 1)], "end"]
    for name, following in zip(names, [*names[1:], None], strict=True):
        body = f"self.next(self.{following})" if following else "pass"
        lines += ["    @step", f"    def {name}(self):", f"        {body}"]
    lines += ["if __name__ == '__main__':", "    Chain()", ""]
    (home / "chain.py").write_text("\n".join(lines))
    environment = os.environ | {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(home), "METAFLOW_HOME": str(home)}
    environment |= {"USER": "benchmark", "METAFLOW_DEFAULT_METADATA": "local"}
    began = time.perf_counter()
    for _ in range(partitions):
        subprocess.run(
            [python, "chain.py", "--quiet", "run"], cwd=home, env=environment, check=True, stdout=subprocess.DEVNULL
        )
    return {"steps": STEPS * partitions, "seconds": time.perf_counter() - began}


def peers_environment(folder: Path) -> Path:
    """Interpreter of a throw-away environment with Prefect and Metaflow."""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        raise SystemExit("--peers needs uv (pip install uv)")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    # Prefect 3.8 still passes arguments that newer releases of fastapi refuse.
    wanted = ["prefect>=3.8.8", "metaflow", "fastapi<0.151", "setuptools<81"]
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *wanted], check=True)
    return python


def run_prefect(python: Path, partitions: int, home: Path) -> dict[str, float]:
    """In-process flows against Prefect's own temporary server."""
    environment = os.environ | {
        "PREFECT_HOME": str(home),
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "DO_NOT_TRACK": "1",
    }
    command = [python, ROOT / "benchmarks" / "peer_prefect.py", str(STEPS), str(partitions)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def fsync_median_ms(folder: Path) -> float:
    """Median time to make 8 KiB durable on the file system of the homes."""
    times = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(os.urandom(8192))
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


def versions(python: Path | None) -> str:
    """What was compared."""
    from importlib.metadata import version

    found = [f"dagster {version('dagster')}"]
    if python is not None:
        code = (
            "from importlib.metadata import version as v; print(f\"prefect {v('prefect')}, metaflow {v('metaflow')}\")"
        )
        found.append(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip())
    return ", ".join(found)


def compare(names: list[str], rounds: int, scale: float) -> str:
    """Run everything; returns the section for RESULTS.md."""
    with tempfile.TemporaryDirectory(prefix="creative-lab-orchestration-") as text:
        folder = Path(text)
        python = peers_environment(folder) if PEERS & set(names) else None
        fsync = fsync_median_ms(folder)
        figures: dict[str, list[float]] = {name: [] for name in names}
        counts = dict.fromkeys(names, 0)
        loads = []
        for turn in range(rounds):
            for name in names:
                partitions = max(1, round(SAMPLE[name] * scale / rounds))
                home = folder / f"{name} {turn}"
                home.mkdir()
                runners: dict[str, Callable[[], dict[str, float]]] = {
                    "prefect": lambda p=partitions, h=home: run_prefect(python, p, h),
                    "metaflow": lambda p=partitions, h=home: run_metaflow(python, p, h),
                }
                result = runners[name]() if name in runners else _in_child(name, partitions, home, folder)
                figures[name].append(result["seconds"] / result["steps"] * 1e3)
                counts[name] += int(result["steps"])
                loads.append(os.getloadavg()[0])
                print(
                    f"round {turn + 1}: {name}: {figures[name][-1]:.1f} ms/step over {result['steps']} steps",
                    flush=True,
                )
        return _section(names, figures, counts, fsync, loads, versions(python))


def _in_child(name: str, partitions: int, home: Path, folder: Path) -> dict[str, float]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("CREATIVE_LAB_", "DAGSTER_"))}
    # One embedded server for both contenders that use it, durable as shipped.
    environment = kept | {"CREATIVE_LAB_HOME": str(folder / "lab"), "DAGSTER_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, __file__, "--child", name, "--partitions", str(partitions), "--home", str(home)]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _section(
    names: list[str],
    figures: dict[str, list[float]],
    counts: dict[str, int],
    fsync: float,
    loads: list[float],
    what: str,
) -> str:
    best = {name: min(values) for name, values in figures.items()}
    machine = f"{os.cpu_count()} cores, load average {min(loads):.1f}–{max(loads):.1f} while it ran"
    lines = [
        f"A chain of {STEPS} no-op steps, once per partition; contenders in turn, {len(loads) // len(names)} rounds; "
        f"homes on one file system with an fsync of {fsync:.2f} ms (median of 200 × 8 KiB); {machine}; "
        f"{what}, Python {sys.version.split()[0]}.",
        "",
        "| contender | steps run | ms per step, best round | all rounds | against ours |",
        "|---|---:|---:|---|---:|",
    ]
    for name in names:
        rounds = ", ".join(f"{value:.1f}" for value in figures[name])
        ratio = f"{best[name] / best['ours']:.1f}×"
        lines.append(f"| {LABEL[name]} | {counts[name]} | {best[name]:.1f} | {rounds} | {ratio} |")
    lines += [
        "",
        "Durable means: when the step is reported as done, its materialization is on the disk (Postgres with fsync, "
        "Dagster's SQLite with full synchronisation); what Prefect and Metaflow guarantee was not examined. Metaflow's "
        "figure includes its process per step, as every run of it does; the others' exclude start-up.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", action="store_true", help="also Prefect and Metaflow, installed for this run")
    parser.add_argument("--contenders", nargs="+", choices=list(SAMPLE), help="only these, beside ours")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full number of partitions")
    parser.add_argument("--dry-run", action="store_true", help="print the section, leave RESULTS.md alone")
    parser.add_argument("--child", choices=list(SAMPLE), help=argparse.SUPPRESS)
    parser.add_argument("--partitions", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(run_dagster(arguments.child, arguments.partitions, arguments.home)))
        return
    names = arguments.contenders or [name for name in SAMPLE if arguments.peers or name not in PEERS]
    names = ["ours", *[name for name in names if name != "ours"]]
    section = compare(names, arguments.rounds, arguments.scale)
    print(section)
    if not arguments.dry_run:
        from benchmarks.results import write_section

        write_section("Orchestration: what a step costs", section)


if __name__ == "__main__":
    main()
