"""A timed load profile: beside the reference, by turns when the submission disturbs it."""

import json
import math
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from graders.checks.context import Context
from graders.checks.loading import Environ, Loaded, Prepare, Verify, locustfile, offer_load
from graders.errors import CheckFailed, LabError, MachineError, SubmissionError
from graders.load import LoadRun, wait_until_quiet
from graders.manifest import LoadProfile
from graders.model import Feedback, LoadBegun, Outcome, ThresholdResult, load_phase
from graders.samples import REFERENCE, SUBMISSION, Samples
from graders.stand import App
from graders.submission import Submission
from graders.thresholds import (
    alone_p95_ms,
    invalid_reason,
    is_disturbed,
    is_saturated,
    is_too_heavy,
    judge_timed,
    timed_figures,
    void_reason,
)

Result = TypeVar("Result")
VALID_RUNS, INVALID_RUNS = 3, 3
ALONE_S = 1.0
TURNS = 4


@dataclass
class Progress:
    """What the runs of a profile have shown so far."""

    name: str
    profile: LoadProfile
    valid: list[Samples] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    alone_ms: float | None = None
    by_turns: bool = False
    results: tuple[ThresholdResult, ...] = ()
    wrong: list[str] = field(default_factory=list)
    acknowledged: tuple[list[str], list[str]] = field(default_factory=lambda: ([], []))

    @property
    def number(self) -> int:
        """How many runs there were, whatever became of them."""
        return len(self.valid) + len(self.invalid) + self.by_turns

    @property
    def ended(self) -> bool:
        """Say if every threshold has its outcome, or no further run will change that."""
        doubts = (Outcome.INCONCLUSIVE, Outcome.ERROR)
        decided = bool(self.valid) and all(one.outcome not in doubts for one in self.results)
        return decided or len(self.valid) == VALID_RUNS or len(self.invalid) > INVALID_RUNS


def run_timed(
    context: Context, name: str, environ: Environ, prepare: Prepare, verify: Verify
) -> Loaded:
    """Run a profile until it is decided: at most VALID_RUNS valid runs, pooled."""
    progress = Progress(name, context.manifest.load[name])
    with ExitStack() as stack:
        stack.enter_context(context.phases.of(load_phase(name)))
        _pause_others(context, stack)
        apps = _start_both(context, stack, environ, progress.profile)
        env = _prepare_both(apps, prepare)
        while not progress.ended:
            take(progress, _offer(context, progress, apps, env))
        _require_proof(progress)
        wrong = _wrong_answer(progress) or _wrong_data(progress, apps, verify)
    return _loaded(progress, wrong)


def _pause_others(context: Context, stack: ExitStack) -> None:
    """Stop the clocks of the apps that other checks left running: they are not measured."""
    for app in context.findings.running:
        stack.enter_context(app.pause())


def _start_both(
    context: Context, stack: ExitStack, environ: Environ, profile: LoadProfile
) -> list[App]:
    """Start submission and reference side by side, each on services of its own."""

    def start(submission: Submission, env: Mapping[str, str]) -> App:
        running = context.stand.run(submission, env=env, faults=profile.disturbed)
        return stack.enter_context(running)

    with _reference_at_fault():
        submissions = (context.submission, context.reference())
    with ThreadPoolExecutor(len(submissions)) as pool:
        starting = [pool.submit(start, one, environ()) for one in submissions]
    return _both(starting)


def _prepare_both(apps: list[App], prepare: Prepare) -> dict[str, str]:
    with ThreadPoolExecutor(len(apps)) as pool:
        preparing = [pool.submit(prepare, app, None) for app in apps]
    return {key: value for one in _both(preparing) for key, value in one.items()}


def _both(futures: list[Future[Result]]) -> list[Result]:
    """Return what was done for the submission and for the reference, each blamed for its own."""
    ours = futures[SUBMISSION].result()
    with _reference_at_fault():
        return [ours, futures[REFERENCE].result()]


@contextmanager
def _reference_at_fault() -> Iterator[None]:
    """Turn what would be the learner's failure into the lab's: the reference did it."""
    try:
        yield
    except (SubmissionError, CheckFailed) as error:
        log = error.log if isinstance(error, SubmissionError) else error.feedback.log
        raise LabError(
            f"The reference solution can't be measured: {error}",
            "Correct the reference solution; `lab grade` it by itself.",
            log,
        ) from error


def next_run(progress: Progress, locustfile: str, seed: int) -> LoadRun:
    """Return what to offer next."""
    profile, probes = progress.profile, progress.profile.probes
    turns = math.ceil(profile.duration_s) if profile.faults else TURNS
    return LoadRun(
        locustfile=locustfile,
        user=profile.user,
        rate_rps=profile.rate_rps,
        duration_s=turns if progress.by_turns else profile.duration_s,
        warmup_s=profile.warmup_s,
        seed=seed * 1000 + progress.number,
        alone_s=ALONE_S,
        by_turns=progress.by_turns,
        probe_user=probes.user if probes else "",
        probe_share=probes.share if probes else 0.0,
    )


def _offer(
    context: Context, progress: Progress, apps: list[App], env: Mapping[str, str]
) -> Samples:
    """Offer one run, which both apps must survive."""
    run = next_run(progress, locustfile(context), context.order.seed)
    context.progress(LoadBegun(progress.name, progress.number + 1, run.planned_s))
    name = f"{progress.name}-{progress.number}"
    samples = offer_load(context, name, run, apps, env, progress.profile.faults)
    if how := apps[REFERENCE].ended():
        raise LabError(
            f"The reference solution did not survive the load profile {progress.name!r}: {how}.",
            "Correct the reference solution; its last lines are below.",
            apps[REFERENCE].log_tail(),
        )
    if how := apps[SUBMISSION].ended():
        expected = f"the service keeps running under the load profile {progress.name!r}"
        step = "Find out from its last lines why it ended."
        raise CheckFailed(Feedback(expected, how, "", step, apps[SUBMISSION].log_tail()))
    return samples


def take(progress: Progress, samples: Samples) -> None:
    """Judge one more run with those before it; start anew, by turns, when it was disturbed."""
    profile = progress.profile
    progress.wrong += samples.wrong[SUBMISSION]
    for kept, new in zip(progress.acknowledged, samples.acknowledged, strict=True):
        kept.extend(new)
    reason = invalid_reason(samples, profile, by_turns=progress.by_turns)
    if not progress.by_turns:
        progress.alone_ms = alone_p95_ms(samples)
        if is_saturated(samples, profile) if reason else is_disturbed(samples):
            progress.by_turns, progress.valid = True, []
            return
    if reason:
        if is_too_heavy(samples):
            raise LabError(
                f"The load profile {progress.name!r} is too heavy for one generator: {reason}.",
                "Lower its rate_rps, or make the tasks of its user cheaper.",
            )
        progress.invalid.append(reason)
        wait_until_quiet()
        return
    progress.valid.append(samples)
    progress.results = tuple(
        judge_timed(one, progress.name, progress.valid) for one in profile.thresholds
    )


def _require_proof(progress: Progress) -> None:
    """Raise when the runs say nothing about the submission."""
    if not progress.valid:
        raise MachineError(
            f"This machine was too busy to measure the load profile {progress.name!r}: "
            f"{progress.invalid[-1]}.",
            "Close what keeps it busy and grade again; nothing was held against the submission.",
        )
    if reason := void_reason(progress.valid, progress.profile):
        raise LabError(
            f"The load profile {progress.name!r} proves nothing: {reason}.", "Correct the lab."
        )


def _wrong_answer(progress: Progress) -> Feedback | None:
    if not progress.wrong:
        return None
    expected = f"right answers also while the load profile {progress.name!r} runs"
    got = f"{len(progress.wrong)} wrong answers to probes, the first: {progress.wrong[0]}"
    return Feedback(expected, got, "", "Look for state that requests share.")


def _wrong_data(progress: Progress, apps: list[App], verify: Verify) -> Feedback | None:
    """Look at what the submission stored; what the reference fails as well is the lab's fault."""
    if not progress.profile.probes:
        return None
    seen = [[json.loads(text) for text in one] for one in progress.acknowledged]
    try:
        verify(apps[SUBMISSION], seen[SUBMISSION])
    except CheckFailed as failure:
        try:
            with apps[SUBMISSION].pause():
                verify(apps[REFERENCE], seen[REFERENCE])
        except CheckFailed as same:
            raise LabError(
                f"After the load profile {progress.name!r} the reference solution is wrong as "
                f"well: {same}.",
                "Correct verify_load or the reference solution.",
            ) from same
        return failure.feedback
    return None


def _loaded(progress: Progress, wrong: Feedback | None) -> Loaded:
    figures = timed_figures(
        progress.name,
        progress.profile,
        progress.valid,
        progress.invalid,
        progress.alone_ms,
        by_turns=progress.by_turns,
    )
    return Loaded(progress.profile, figures, progress.results, wrong)
