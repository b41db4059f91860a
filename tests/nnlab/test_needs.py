"""No test is left out in silence: what is missing is named once, with its remedy, or fails where it is required."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_without_torch(tmp_path, **environment):
    (tmp_path / "torch.py").write_text("raise ImportError('hidden for this test')")
    env = os.environ | {"PYTHONPATH": str(tmp_path), "NNLAB_REQUIRE": "", **environment}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/oracle"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


def test_a_missing_torch_is_one_line_that_names_the_fix(tmp_path):
    run = run_without_torch(tmp_path)
    assert run.returncode == 0, run.stdout
    assert run.stdout.count("missing: torch") == 1
    assert "pip install torch==2.13.0" in run.stdout


def test_a_missing_torch_is_a_failure_where_it_is_required(tmp_path):
    run = run_without_torch(tmp_path, NNLAB_REQUIRE="browser,torch")
    assert run.returncode != 0
    assert "NNLAB_REQUIRE demands it" in run.stdout
