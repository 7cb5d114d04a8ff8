"""What is installed and run on our behalf: pinned versions, hashes, actions, permissions."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PIN = r"([a-z0-9._-]+)==([0-9][A-Za-z0-9.]*)(?: ; .+)?"
"""A version that any index that mirrors the public one has: no address, nothing local."""
WRITES = {("book.yml", "deploy"): {"pages", "id-token"}}
"""The one job that may write anything, and what."""


def lines(name: str) -> list[str]:
    """Lines of a requirements file, each with the hashes that follow it."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", "")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def pins(name: str) -> dict[str, str]:
    found = [re.fullmatch(PIN, line.split(" --hash")[0].rstrip()) for line in lines(name)]
    assert all(found), [line for line, pin in zip(lines(name), found, strict=True) if not pin]
    return {pin[1]: pin[2] for pin in found}


def asked(*extras: str) -> set[str]:
    optional = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *(d for e in extras for d in optional[e])]
    names = {re.match(r"[\w.-]+", requirement)[0] for requirement in wanted}
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names} - {"plateaus"}


def test_everything_asked_for_is_pinned() -> None:
    every = PROJECT["project"]["optional-dependencies"]
    assert asked(*every) <= set(pins("constraints.txt")), "run `make constraints`"
    assert asked("book", "test") - {"torch"} <= set(pins("requirements.txt"))


def test_both_files_have_the_same_versions() -> None:
    constraints, requirements = pins("constraints.txt"), pins("requirements.txt")
    assert {name: constraints.get(name) for name in requirements} == requirements


def test_every_file_of_every_package_but_torch_is_known_by_its_hash() -> None:
    assert all(
        re.search(r" --hash=sha256:[0-9a-f]{64}", line) for line in lines("requirements.txt")
    )
    assert "torch" not in pins("requirements.txt") and "torch" in pins("constraints.txt")
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--no-deps --require-hashes -r requirements.txt" in recipe


def test_build_requirements_are_pinned_and_among_the_hashes() -> None:
    for requirement in PROJECT["build-system"]["requires"]:
        name, version = re.fullmatch(PIN, requirement).groups()
        assert pins("requirements.txt")[name] == version


def steps(workflow: Path) -> list[dict]:
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def faults(text: str, name: str) -> list[str]:
    """What a workflow may do that it should not be able to."""
    content = yaml.safe_load(text)
    found = []
    if content.get("permissions") != {"contents": "read"}:
        found.append("the workflow's own permissions are to read the contents")
    for job, body in content["jobs"].items():
        writes = {k for k, v in body.get("permissions", {}).items() if v == "write"}
        if writes != WRITES.get((name, job), set()):
            found.append(f"{job} may write {writes}")
        if writes and any("run" in step for step in body["steps"]):
            found.append(f"{job} may write and runs code of the repository")
        if "timeout-minutes" not in body and not writes:
            found.append(f"{job} may run for ever")
    uses = re.findall(r"uses: (\S+)(.*)", text)
    for action, comment in uses:
        if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) or "# v" not in comment:
            found.append(f"{action} is not named by its commit, with its version beside it")
        if action.startswith("actions/checkout") and "persist-credentials: false" not in text:
            found.append("the checkout keeps its credentials")
    return found


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda p: p.name)
def test_workflows_can_do_what_they_must_and_no_more(workflow: Path) -> None:
    assert faults(workflow.read_text(encoding="utf-8"), workflow.name) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("permissions:\n  contents: read\n", ""),
        ("contents: read", "contents: write"),
        ("@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2", "@v4"),
        ("persist-credentials: false", "fetch-depth: 1"),
        ("    timeout-minutes: 30\n", ""),
        (
            "    timeout-minutes: 30\n",
            "    timeout-minutes: 30\n    permissions: {packages: write}\n",
        ),
    ],
    ids=["no permissions", "may write", "by tag", "credentials", "for ever", "job may write"],
)
def test_lax_workflow_is_caught(old: str, new: str) -> None:
    text = (ROOT / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8")
    assert old in text and faults(text.replace(old, new), "book.yml")


def test_checks_that_need_a_network_run_every_night() -> None:
    text = (ROOT / ".github" / "workflows" / "nightly.yml").read_text(encoding="utf-8")
    assert "pip_audit --strict" in text and "PLATEAUS_MODELS:" in text and "PINNED=no" in text


def test_continuous_integration_compares_the_chapters_on_two_sets_of_instructions() -> None:
    runs = [step.get("run", "") for step in steps(ROOT / ".github" / "workflows" / "test.yml")]
    assert ".ci/run" in runs and "make test-plain" in runs
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    for setting in ("ATEN_CPU_CAPABILITY := default", "ONEDNN_MAX_CPU_ISA := SSE41"):
        assert f"test-plain: export {setting}" in recipe
