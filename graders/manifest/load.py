"""What `lab.toml` may say about load."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from graders.manifest.part import Part, RequirementId

COUNTED_METRICS = (
    "sql_per_request",
    "redis_per_request",
    "blocks_per_request",
    "rows_per_request",
    "temp_blocks_per_request",
    "wal_bytes_per_request",
    "bytes_per_request",
)
GENERATOR_LIMIT_RPS = 1500.0
METRICS_WITHOUT_RATIO = ("error_fraction", "over_slo_fraction", *COUNTED_METRICS)


class Threshold(Part):
    """`[[load.NAME.thresholds]]`: a limit on one metric of a load profile; it becomes a check."""

    requirement: RequirementId
    """The requirement it belongs to."""
    metric: Literal[
        "p50_ms",
        "p95_ms",
        "p99_ms",
        "error_fraction",
        "over_slo_fraction",
        "cpu_ms_per_request",
        "sql_per_request",
        "redis_per_request",
        "blocks_per_request",
        "rows_per_request",
        "temp_blocks_per_request",
        "wal_bytes_per_request",
        "bytes_per_request",
    ]
    """What is limited; the first six in timed profiles, the others in counted ones."""
    endpoint: str | None = None
    """Of a counted profile: only this class of requests; without it the worst one counts."""
    slo_ms: Annotated[float, Field(gt=0)] | None = None
    """The time limit whose excess over_slo_fraction counts."""
    max: Annotated[float, Field(ge=0)] | None = None
    """An absolute limit; of over_slo_fraction: beyond the reference solution's share."""
    max_ratio: Annotated[float, Field(gt=0)] | None = None
    """A multiple of what the reference solution shows in the same run."""
    max_slope: Annotated[float, Field(gt=0)] | None = None
    """The exponent of growth with `sizes`: 0 is flat, 1 is linear; a figure below 1 counts as 1."""

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.max is None and self.max_ratio is None and self.max_slope is None:
            raise ValueError("give a limit: `max`, `max_ratio` or `max_slope`")
        if (self.metric == "over_slo_fraction") != (self.slo_ms is not None):
            raise ValueError(
                "`slo_ms` goes with the metric over_slo_fraction, and it with `slo_ms`"
            )
        if self.max_ratio is not None and self.metric in METRICS_WITHOUT_RATIO:
            raise ValueError(f"{self.metric} is judged by `max` alone; take `max_ratio` out")
        return self


class Probes(Part):
    """`[load.NAME.probes]`: a share of the arrivals whose answers are looked at closely."""

    requirement: RequirementId
    """Failed by one wrong answer, and by a wrong database afterwards."""
    user: str
    """Another user of the locustfile, who asks for keys nobody else touches."""
    share: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    """The share of arrivals that are its tasks."""


class Fault(Part):
    """`[[load.NAME.faults]]`: a span in which both sides meet a service that is out of order."""

    service: str
    """One of the lab's services."""
    kind: Literal["cut", "delay", "black_hole"]
    """cut: refused; delay: each answer is held back; black_hole: nothing comes through."""
    from_s: Annotated[float, Field(ge=0)]
    """When it begins, from the end of the warm-up."""
    for_s: Annotated[float, Field(gt=0)]
    """How long it lasts."""
    delay_s: Annotated[float, Field(gt=0)] | None = None
    """Of a delay: how long each answer is held back."""

    @property
    def until_s(self) -> float:
        """When it ends, from the end of the warm-up."""
        return self.from_s + self.for_s

    @property
    def what(self) -> str:
        """What is out of order, in words."""
        words = {
            "cut": "is cut off",
            "delay": f"answers {self.delay_s} s late",
            "black_hole": "lets nothing through",
        }
        return f"{self.service} {words[self.kind]}"

    @model_validator(mode="after")
    def _is_delayed_by_something(self) -> Self:
        if (self.kind == "delay") != (self.delay_s is not None):
            raise ValueError('`delay_s` goes with kind = "delay", and it with `delay_s`')
        return self


class LoadProfile(Part):
    """`[load.NAME]`: who asks, how often, how long."""

    user: str
    """A user class of `load/locustfile.py`."""
    mode: Literal["timed", "counted"] = "timed"
    """timed: beside the reference solution; counted: work per request, without any clock."""
    rate_rps: Annotated[float, Field(gt=0)] = 100
    """Of a timed profile: arrivals a second for submission and reference each, at most 750."""
    duration_s: Annotated[float, Field(gt=0)] = 8
    """Of a timed profile: how long one run measures."""
    warmup_s: Annotated[float, Field(ge=0)] = 1
    """Of a timed profile: how long before that is not measured."""
    requests: Annotated[int, Field(gt=0)] = 400
    """Of a counted profile: how many requests of each class are counted."""
    sizes: list[Annotated[int, Field(gt=0)]] = []
    """Of a counted profile: it is counted at each of them; `prepare_load` makes so much data."""
    classes: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    """Names of requests with the least share each must have; of a counted profile: tasks."""
    thresholds: list[Threshold] = []
    """The limits."""
    probes: Probes | None = None
    """Of a timed profile: who looks closely."""
    faults: list[Fault] = []
    """Of a timed profile: what is out of order, and when."""

    @property
    def judged(self) -> set[str]:
        """The requirements that its thresholds and probes judge."""
        probed = {self.probes.requirement} if self.probes else set()
        return probed | {threshold.requirement for threshold in self.thresholds}

    @property
    def disturbed(self) -> set[str]:
        """The services that its faults put out of order."""
        return {fault.service for fault in self.faults}

    @model_validator(mode="after")
    def _has_faults_while_it_measures(self) -> Self:
        if self.faults and self.mode == "counted":
            raise ValueError("`faults` go with a timed profile")
        ends_s = dict.fromkeys(self.disturbed, 0.0)
        for one in sorted(self.faults, key=lambda fault: fault.from_s):
            span = f"the fault of {one.service} from second {one.from_s:g} to {one.until_s:g}"
            if one.until_s > self.duration_s:
                raise ValueError(f"{span} ends after duration_s = {self.duration_s:g}")
            if one.from_s < ends_s[one.service]:
                raise ValueError(f"{span} begins before the one before it has ended")
            ends_s[one.service] = one.until_s
        return self

    @model_validator(mode="after")
    def _measures_what_it_limits(self) -> Self:
        for one in self.thresholds:
            if (one.metric in COUNTED_METRICS) != (self.mode == "counted"):
                raise ValueError(f"a {self.mode} profile does not measure {one.metric}")
            if one.max_slope is not None and len(self.sizes) < 2:
                raise ValueError("`max_slope` needs at least two `sizes`")
            if one.endpoint is not None:
                self._require_counted_class(one.endpoint)
        if self.mode == "counted" and not self.classes:
            raise ValueError("a counted profile names its `classes`: tasks of the user")
        if self.mode == "counted" and self.probes:
            raise ValueError("`probes` go with a timed profile")
        if self.mode == "timed" and 2 * self.rate_rps > GENERATOR_LIMIT_RPS:
            raise ValueError(
                f"rate_rps = {self.rate_rps:g} is too much: submission and reference get it both, "
                f"and one generator offers {GENERATOR_LIMIT_RPS:g} requests/s"
            )
        return self

    def _require_counted_class(self, endpoint: str) -> None:
        if self.mode == "timed":
            raise ValueError("`endpoint` goes with a counted profile: a timed one is judged whole")
        if endpoint not in self.classes:
            known = ", ".join(map(repr, self.classes)) or "none"
            raise ValueError(f"endpoint {endpoint!r} is none of the profile's `classes`: {known}")
