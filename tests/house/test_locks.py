"""The locks: every package hashed, no address of an index, the two in agreement, nothing of pyproject.toml left out."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAB, TEST = "requirements.lock", "requirements-test.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def read(name: str) -> dict[str, set[str]]:
    """{"package==version ; marker": its hashes}"""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    entries: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=", line.strip())
            entries[requirement.strip()] = set(hashes)
    return entries


def names(requirements) -> set[str]:
    """The packages named, as the index spells them: `Jupyter_Client>=8 ; marker` is jupyter-client."""
    found = {re.match(r"[\w.-]+", requirement)[0] for requirement in requirements}
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found}


@pytest.mark.parametrize("name", [LAB, TEST])
def test_every_package_is_pinned_exactly_and_hashed(name):
    entries = read(name)
    assert len(entries) > 100
    for requirement, hashes in entries.items():
        assert re.match(r"[a-z0-9.-]+==[\w.]+( ;|$)", requirement), requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", text) for text in hashes), requirement


@pytest.mark.parametrize("name", [LAB, TEST])
def test_a_lock_holds_no_address_and_says_how_it_is_made(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^-", text, re.M), "an option to pip, such as an index"
    assert "python tools/lock.py" in text.splitlines()[2]


@pytest.mark.parametrize("name", [LAB, TEST])
def test_packages_that_are_compiled_have_files_for_many_platforms(name):
    """A lock made on one machine from its own wheels would have one or two hashes each."""
    hashes = {requirement.split("==")[0]: found for requirement, found in read(name).items()}
    for compiled in ("numpy", "matplotlib", "pyzmq", "kiwisolver", "pillow"):
        assert len(hashes[compiled]) > 20, compiled


def test_the_test_lock_is_the_lab_lock_and_more():
    lab, test = read(LAB), read(TEST)
    assert {requirement: test.get(requirement) for requirement in lab} == lab
    assert len(test) > len(lab)


def test_what_pyproject_asks_for_is_locked():
    extras, groups = PROJECT["project"]["optional-dependencies"], PROJECT["dependency-groups"]
    lab = names(PROJECT["project"]["dependencies"] + extras["lab"] + groups["build"])
    assert lab <= names(read(LAB))
    assert lab | names(extras["teach"] + groups["test"] + groups["site"]) - {"nnlab"} <= names(read(TEST))


def test_the_build_backend_is_locked_so_that_installing_nnlab_needs_nothing_else():
    assert PROJECT["build-system"]["requires"] == PROJECT["dependency-groups"]["build"]
    assert "hatchling" in names(read(LAB))


def test_the_library_itself_needs_numpy_and_nothing_else():
    assert names(PROJECT["project"]["dependencies"]) == {"numpy"}
