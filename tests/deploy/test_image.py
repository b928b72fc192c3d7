"""The Dockerfile, as far as it can be judged without Docker."""

import re

from support.deploy import DEPLOY, ROOT

TEXT = (DEPLOY / "Dockerfile").read_text()
BUILD, FINAL = re.split(r"^FROM ", TEXT, flags=re.MULTILINE)[1:]


def test_runs_as_nobody_in_particular() -> None:
    assert re.findall(r"^USER (.+)$", FINAL, re.MULTILINE) == ["10001:10001"]


def test_dependencies_come_from_the_lock() -> None:
    installs = re.findall(r"uv pip install (.+?)(?<!\\)\n", BUILD, re.DOTALL)
    assert len(installs) == 2
    assert "--constraint requirements.lock" in installs[0]
    assert "--no-deps" in installs[1]


def test_build_tools_stay_behind() -> None:
    copied = re.findall(r"^COPY (.+)$", FINAL, re.MULTILINE)
    assert copied == ["--from=build /opt/ebbtide /opt/ebbtide"]


def test_health_is_asked_on_the_admin_port() -> None:
    assert "/healthz" in FINAL
    assert "EBBTIDE_ADMIN__PORT" in FINAL[FINAL.index("HEALTHCHECK") :]


def test_everything_that_is_copied_is_in_the_context() -> None:
    shown = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = {
        source for line in re.findall(r"^COPY (?!--from)(.+)$", TEXT, re.MULTILINE) for source in line.split()[:-1]
    }
    assert copied == shown
    assert all((ROOT / source).exists() for source in copied)


def test_system_packages_are_one_a_line_with_a_reason() -> None:
    lines = (DEPLOY / "system-packages.txt").read_text().splitlines()
    packages = [line for line in lines if not line.startswith("#")]
    assert packages
    assert all(re.fullmatch(r"[a-z0-9.+-]+ # .+", line) for line in packages)
