import subprocess, sys, os, time
from pathlib import Path
import pytest
from graders.errors import GradingError
from graders.sandbox import contain
from tests.adversarial.attacks.canaries import LAB, disk
from tests.adversarial.attacks.table import LEVELS


@pytest.fixture(scope="session")
def template_home(tmp_path_factory):
    home = tmp_path_factory.mktemp("template") / "home"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "graders",
            "grade",
            str(LAB),
            "--from",
            str(LAB / "solutions/good"),
            "--sandbox",
            "process",
        ],
        env={**os.environ, "LAB_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return home


@pytest.fixture
def offered(template_home):
    def check(attack, level):
        if level == "docker":
            pytest.skip("not yet")
        if level != "process":
            contain(level, untrusted=True, cache=template_home / "cache")
        if attack.needs == "disk":
            try:
                disk()
            except OSError as e:
                pytest.skip(str(e))

    return check


@pytest.fixture
def note(request):
    start = time.monotonic()

    def keep(attack, level, course):
        with open("/tmp/h-notes", "a") as f:
            f.write(
                f"{attack.name:32} {level} {time.monotonic() - start:.1f}s {'contained' if not course.breaches else course.breaches}\n"
            )

    return keep
