"""The report of an attempt, written for people and machines."""

from graders.report.plain import plain_lines
from graders.report.terminal import TerminalReport
from graders.report.write import write_all

__all__ = ["TerminalReport", "plain_lines", "write_all"]
