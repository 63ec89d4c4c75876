"""Tiny assets: partitioned, slow, failing, on a card, with a child process, and a sensor."""

import os
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg

HOME = Path(os.environ["CREATIVE_LAB_HOME"])
MARKETS = dg.StaticPartitionsDefinition(["at", "ch", "de"])


def note(context: dg.AssetExecutionContext, what: str) -> None:
    """Append a line to a journal that the tests read: the only thing these assets write."""
    with (HOME / "journal.txt").open("a") as journal:
        journal.write(f"{context.asset_key.to_user_string()} {what} {context.run_id}\n")


def wait_for_file(name: str, limit_s: float = 120) -> None:
    """Hold the asset until the test creates a file."""
    deadline = time.monotonic() + limit_s
    while not (HOME / name).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(name)
        time.sleep(0.05)


@dg.asset(partitions_def=MARKETS)
def spots(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    note(context, context.partition_key)
    return dg.MaterializeResult(metadata={"length": len(context.partition_key)})


@dg.asset(partitions_def=MARKETS, deps=[spots])
def scripts(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    note(context, context.partition_key)
    return dg.MaterializeResult()


@dg.asset_check(asset=scripts)
def scripts_are_short() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset
def slow(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    note(context, "began")
    wait_for_file("go")
    note(context, "ended")
    return dg.MaterializeResult()


@dg.asset
def failing() -> dg.MaterializeResult:
    raise dg.Failure("the row 3 of spot.json has no timecode", allow_retries=False)


@dg.asset
def stubborn(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Has a child that ignores SIGINT, and waits for it as native code does."""
    code = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(300)"
    child = subprocess.Popen([sys.executable, "-c", code])
    (HOME / "child.pid").write_text(str(child.pid))
    note(context, "began")
    while child.poll() is None:
        try:
            time.sleep(0.1)
        except BaseException:
            continue
    return dg.MaterializeResult()


def on_a_card(context: dg.AssetExecutionContext, go: str) -> dg.MaterializeResult:
    note(context, f"device={os.environ.get('CUDA_VISIBLE_DEVICES', 'unset')}")
    wait_for_file(go)
    return dg.MaterializeResult()


@dg.asset(pool="h100")
def card_a(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    return on_a_card(context, "go_a")


@dg.asset(pool="h100")
def card_b(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    return on_a_card(context, "go_b")


@dg.asset(pool="h100")
def card_c(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    return on_a_card(context, "go_c")


@dg.asset
def on_the_processor(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    note(context, f"device={os.environ.get('CUDA_VISIBLE_DEVICES', 'unset')}")
    return dg.MaterializeResult()


@dg.asset
def arrivals(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    note(context, "arrived")
    return dg.MaterializeResult()


@dg.sensor(target=[arrivals], minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def arrivals_sensor() -> dg.SensorResult | dg.SkipReason:
    found = sorted(path.name for path in HOME.glob("arrival_*"))
    if not found:
        return dg.SkipReason("nothing arrived")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=name) for name in found])


defs = dg.Definitions(
    assets=[
        spots,
        scripts,
        slow,
        failing,
        stubborn,
        card_a,
        card_b,
        card_c,
        on_the_processor,
        arrivals,
    ],
    asset_checks=[scripts_are_short],
    sensors=[arrivals_sensor],
    executor=dg.in_process_executor,
)
