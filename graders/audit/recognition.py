"""How well the fault dictionary recognises the mutants it was made from, and strangers to it."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graders.audit.findings import Finding
from graders.dictionary import Signature, common_signature, look_alike, signature_of
from graders.manifest import Manifest
from graders.model import Report


@dataclass(frozen=True)
class Recognition:
    """Grades of mutants: recognised, taken for another mutant, or left without a word.

    The latter two again with each mutant's own entry left out: then nothing should be said, unless
    another mutant makes the same mistake.
    """

    recognised: int = 0
    mistaken: int = 0
    silent: int = 0
    strangers_mistaken: int = 0
    strangers_silent: int = 0

    @property
    def sentence(self) -> str:
        """What was measured, in a sentence."""
        grades = self.recognised + self.mistaken + self.silent
        strangers = self.strangers_mistaken + self.strangers_silent
        return (
            f"Of {grades} grades of mutants {self.recognised} were recognised, {self.mistaken} "
            f"taken for another one, {self.silent} left without a word. With a mutant's own entry "
            f"left out, {self.strangers_mistaken} of {strangers} were taken for another one."
        )


def recognise(manifest: Manifest, findings: Sequence[Finding]) -> Recognition:
    """Look every grade of every mutant up in a dictionary made of the other grades."""
    mutants = [one for one in findings if one.subject.role == "mutant"]
    whole = {one.subject.name: _entry(one.reports) for one in mutants}
    counts = Recognition()
    for one in mutants:
        name = one.subject.name
        for index, report in enumerate(one.reports):
            others = [*one.reports[:index], *one.reports[index + 1 :]] or one.reports
            known: Mapping[str, Signature] = {**whole, name: _entry(others)}
            found = look_alike(report.requirements, known, manifest)
            which = "silent"
            if found:
                which = "recognised" if found.mutant == name else "mistaken"
            strangers = {key: entry for key, entry in whole.items() if key != name}
            stranger = look_alike(report.requirements, strangers, manifest)
            what = "strangers_mistaken" if stranger else "strangers_silent"
            changes = {key: getattr(counts, key) + 1 for key in (which, what)}
            counts = dataclasses.replace(counts, **changes)
    return counts


def _entry(reports: Sequence[Report]) -> Signature:
    return common_signature([signature_of(report.requirements) for report in reports])
