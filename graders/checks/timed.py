"""A timed load profile: beside the reference, by turns when the submission disturbs it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

from graders.checks.context import Context
from graders.checks.loading import Loaded, Prepare, locustfile, offer_load
from graders.errors import LabError, MachineError
from graders.load import LoadRun, wait_until_quiet
from graders.manifest import LoadProfile
from graders.model import Outcome, ThresholdResult
from graders.samples import Samples
from graders.stand import App
from graders.submission import Submission
from graders.thresholds import (
    alone_p95_ms,
    invalid_reason,
    is_disturbed,
    judge_timed,
    timed_figures,
    void_reason,
)

VALID_RUNS, INVALID_RUNS = 3, 3
ALONE_S = 1.5
TURNS = 4


@dataclass
class Progress:
    """What the runs of a profile have shown so far."""

    valid: list[Samples] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    alone_ms: float | None = None
    by_turns: bool = False
    results: tuple[ThresholdResult, ...] = ()

    @property
    def number(self) -> int:
        """How many runs there were, whatever became of them."""
        return len(self.valid) + len(self.invalid) + self.by_turns

    @property
    def decided(self) -> bool:
        """Say if every threshold has its outcome."""
        doubts = (Outcome.INCONCLUSIVE, Outcome.ERROR)
        return bool(self.valid) and all(one.outcome not in doubts for one in self.results)


def run_timed(context: Context, name: str, prepare: Prepare) -> Loaded:
    """Run a profile until it is decided: at most VALID_RUNS valid runs, pooled."""
    profile = context.manifest.load[name]
    progress = Progress()
    with ExitStack() as stack:
        apps = _start_both(context, stack)
        env = {key: value for app in apps for key, value in prepare(app, None).items()}
        while len(progress.valid) < VALID_RUNS and len(progress.invalid) <= INVALID_RUNS:
            run = _load_run(context, profile, progress)
            samples = offer_load(context, f"{name}-{progress.number}", run, apps, env)
            _take(progress, samples, name, profile)
            if progress.decided:
                break
    return _loaded(name, profile, progress)


def _start_both(context: Context, stack: ExitStack) -> list[App]:
    """Start submission and reference side by side, each on services of its own."""
    submissions = (context.submission, context.reference())
    with ThreadPoolExecutor(len(submissions)) as pool:
        starting = [pool.submit(_enter, context, stack, one) for one in submissions]
    return [one.result() for one in starting]


def _enter(context: Context, stack: ExitStack, submission: Submission) -> App:
    return stack.enter_context(context.stand.run(submission))


def _load_run(context: Context, profile: LoadProfile, progress: Progress) -> LoadRun:
    return LoadRun(
        locustfile=locustfile(context),
        user=profile.user,
        rate_rps=profile.rate_rps,
        duration_s=TURNS if progress.by_turns else profile.duration_s,
        warmup_s=profile.warmup_s,
        seed=context.order.seed * 1000 + progress.number,
        alone_s=ALONE_S,
        by_turns=progress.by_turns,
    )


def _take(progress: Progress, samples: Samples, name: str, profile: LoadProfile) -> None:
    """Judge one more run with those before it; start anew, by turns, when it was disturbed."""
    if reason := invalid_reason(samples, profile):
        progress.invalid.append(reason)
        wait_until_quiet()
        return
    if not progress.by_turns:
        progress.alone_ms = alone_p95_ms(samples)
        if is_disturbed(samples):
            progress.by_turns, progress.valid = True, []
            return
    progress.valid.append(samples)
    progress.results = tuple(judge_timed(one, name, progress.valid) for one in profile.thresholds)


def _loaded(name: str, profile: LoadProfile, progress: Progress) -> Loaded:
    if not progress.valid:
        raise MachineError(
            f"This machine was too busy to measure the load profile {name!r}: "
            f"{progress.invalid[-1]}.",
            "Close what keeps it busy and grade again; nothing was held against the submission.",
        )
    if reason := void_reason(progress.valid, profile):
        raise LabError(f"The load profile {name!r} proves nothing: {reason}.", "Correct the lab.")
    figures = timed_figures(
        name,
        profile,
        progress.valid,
        progress.invalid,
        progress.alone_ms,
        by_turns=progress.by_turns,
    )
    return Loaded(profile, figures, progress.results)
