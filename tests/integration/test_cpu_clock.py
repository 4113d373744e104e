"""CPU time of families of processes, against what their members say they used."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graders.load.cpu import CpuClock
from graders.processes import Supervised

# Waits for a line, works, says what it used, waits for another line before it ends.
BEGINNING = """
import os, subprocess, sys, threading, time
def work(clock=time.process_time):
    begin = clock()
    while clock() < begin + 0.3:
        pass
    return clock() - begin
CHILD = "import time; b = time.process_time()\\nwhile time.process_time() < b + 0.3: pass"
def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.01)
def say(name, text=""):
    open(name + ".partial", "w").write(str(text))
    os.rename(name + ".partial", name)
say("ready")
wait_for("go")
"""
ENDING = """
say("used", used)
wait_for("end")
"""
KINDS = {
    "itself": "used = work()",
    "threads that have ended": """
found = []
for _ in range(3):
    one = threading.Thread(target=lambda: found.append(work(time.thread_time)))
    one.start()
    one.join()
used = sum(found)
""",
    "children it waited for": """
for _ in range(3):
    subprocess.run([sys.executable, "-c", CHILD], check=True)
used = sum(os.times()[2:4])
""",
    "a child that still runs": """
child = subprocess.Popen([sys.executable, "-c", CHILD + "\\nprint(flush=True)\\ninput()"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
fields = open(f"/proc/{child.pid}/schedstat").read().split()
used = int(fields[0]) / 1e9
""",
    "an orphan that has ended": """
read, write = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        while os.getppid() != GUARD:  # its parent's end makes it the guard's
            time.sleep(0.001)
        os.write(write, str(work()).encode())
    os._exit(0)
used = float(os.read(read, 100))
""",
}


@pytest.fixture
def wait_for(tmp_path: Path) -> Callable[[str, Supervised], str]:
    def wait(name: str, process: Supervised) -> str:
        path = tmp_path / name
        while not path.exists():
            assert process.exit_code(0.01) is None, process.log_tail()
        return path.read_text()

    return wait


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Supervised]]:
    started = []

    def run(program: str) -> Supervised:
        guard = "GUARD = os.getppid()\n"
        code = BEGINNING + guard + program + ENDING
        env = {"PATH": os.environ["PATH"]}
        process = Supervised(
            [sys.executable, "-c", code], env=env, cwd=tmp_path, log=tmp_path / "log"
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell no CPU time of a family")
@pytest.mark.parametrize("who", KINDS)
def test_what_a_family_uses_is_counted_also_when_the_one_who_used_it_has_ended(
    who: str,
    tmp_path: Path,
    start: Callable[[str], Supervised],
    wait_for: Callable[[str, Supervised], str],
) -> None:
    process = start(KINDS[who])
    wait_for("ready", process)
    clock = CpuClock(process.process_ids())
    before_ms = clock.read_ms()
    (tmp_path / "go").touch()
    used_ms = 1000 * float(wait_for("used", process))
    counted_ms = clock.read_ms() - before_ms
    (tmp_path / "end").touch()
    # Starting interpreters and threads costs something as well; nothing may be lost but a tick.
    assert used_ms - 20 <= counted_ms <= 2 * used_ms + 100


def test_processes_that_are_gone_count_nothing_and_break_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    clock = CpuClock([gone.pid])
    assert clock.read_ms() == clock.read_ms()
