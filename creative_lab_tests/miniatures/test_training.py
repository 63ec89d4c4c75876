"""Training that survives a kill, keeps to its time, and draws the same pictures whoever draws them."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.checkpoints import Progress, load_checkpoint
from creative_lab.miniatures.pools import Pool
from creative_lab.miniatures.training import COOLING, Run, rate_at
from creative_lab_tests.miniatures.tiny import PLAN, RECIPE, TinyTrainer, begin


def _steps(state: Path) -> int:
    path = state / "state.json"
    return json.loads(path.read_text())["progress"]["step"] if path.exists() else 0


def test_a_run_that_was_killed_continues_with_the_very_losses_of_an_undisturbed_one(tmp_path: Path) -> None:
    cache = tmp_path / "pictures"
    undisturbed = begin(tmp_path / "whole", cache)
    expected = undisturbed.train().losses

    command = [sys.executable, "-m", "creative_lab_tests.miniatures.tiny", str(tmp_path / "killed"), str(cache)]
    child = subprocess.Popen(command)
    deadline = time.monotonic() + 120
    while _steps(tmp_path / "killed") < 3 and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert 3 <= _steps(tmp_path / "killed") <= RECIPE.steps

    continued = begin(tmp_path / "killed", cache)
    assert continued.progress.step >= 3
    assert continued.train().losses == expected
    for key, value in undisturbed.averaged.items():
        assert torch.equal(continued.averaged[key], value), key


def test_only_the_last_checkpoint_is_kept_and_nothing_in_it_is_a_pickle(tmp_path: Path) -> None:
    begin(tmp_path / "run", tmp_path / "pictures").train(save_every_s=0.0)
    names = sorted(path.name for path in (tmp_path / "run").iterdir() if path.is_file())
    assert names == ["state.json", f"step-{RECIPE.steps:07d}.safetensors"]


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    begin(tmp_path / "run", tmp_path / "pictures").train()
    tensors = next((tmp_path / "run").glob("*.safetensors"))
    data = bytearray(tensors.read_bytes())
    data[-3] ^= 1
    tensors.write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        load_checkpoint(FileSystem(tmp_path / "run"))


def test_a_run_is_not_continued_with_other_numbers(tmp_path: Path) -> None:
    begin(tmp_path / "run", tmp_path / "pictures").train()
    other = dataclasses.replace(RECIPE, rate=0.5)
    with pytest.raises(ValueError, match="another rate"):
        Run(TinyTrainer(tmp_path), other, FileSystem(tmp_path / "run"), Pool(PLAN, tmp_path / "pictures", workers=0))


def test_a_time_budget_ends_the_run_with_its_cooling(tmp_path: Path) -> None:
    progress = begin(tmp_path / "run", tmp_path / "pictures").train(budget_s=0.3)
    assert progress.cool_from is not None
    assert progress.step == progress.total == round(progress.cool_from / (1 - COOLING))


def test_the_rate_rises_stays_and_falls_to_nothing() -> None:
    recipe = dataclasses.replace(RECIPE, warm_up=10, rate=1.0)
    progress = Progress(cool_from=30, total=40)
    rates = [rate_at(step, recipe, progress) for step in range(41)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10:30] == [1.0] * 20
    assert rates[30:] == sorted(rates[30:], reverse=True)
    assert rates[40] == 0


def test_a_worker_draws_what_this_process_would_have_drawn(tmp_path: Path) -> None:
    with Pool(PLAN, tmp_path / "a", workers=1) as drawn, Pool(PLAN, tmp_path / "b", workers=0) as here:
        for index in range(PLAN.shards):
            for key, value in here.shard(index).items():
                assert np.array_equal(drawn.shard(index)[key], value)
        taken = here.take(np.array([17, 0, 17]))
    assert np.array_equal(taken["pixels"][0], taken["pixels"][2])
    assert np.array_equal(taken["pixels"][1], here.shard(0)["pixels"][0])


def test_a_finished_run_that_is_given_more_time_goes_on_and_cools_down_again(tmp_path: Path) -> None:
    run = begin(tmp_path / "run", tmp_path / "pictures")
    run.train()
    assert run.progress.step == run.progress.total == RECIPE.steps
    again = begin(tmp_path / "run", tmp_path / "pictures")
    again.train()  # without more time nothing is left to do
    assert again.progress.step == RECIPE.steps
    again.train(budget_s=again.progress.seconds / (1 - COOLING) + 1.0)
    assert again.progress.step > RECIPE.steps and again.progress.step == again.progress.total
