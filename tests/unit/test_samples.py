"""What a load run measured: written to a file, read back, and recorded row by row."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import gevent
import numpy as np
import pytest

from graders import samples
from graders.load.machine import Foreign
from graders.load.plan import Kind, Phase
from graders.load.recorder import KEPT_ERRORS, Recorder
from graders.samples import OVERFLOW, REFERENCE, SUBMISSION, TIMED_OUT, Samples


def assert_same(one: Samples, other: Samples) -> None:
    for field in dataclasses.fields(Samples):
        np.testing.assert_equal(getattr(one, field.name), getattr(other, field.name), field.name)


def test_a_run_is_read_back_as_it_was_saved(
    tmp_path: Path, make_run: Callable[..., Samples]
) -> None:
    run = make_run(
        [[1.0, 2.5, math.inf], [4.0, 5.0]], failed=[2], classes=["page", "päge", "a b", "page", ""]
    )
    kept = dataclasses.replace(
        run, probes=(2, 1), wrong=(("no",), ()), acknowledged=((), ('{"ä"}',))
    )
    samples.save(tmp_path / "run.npz", kept)
    assert_same(samples.load(tmp_path / "run.npz"), kept)


def test_a_run_without_requests_is_read_back_too(
    tmp_path: Path, make_run: Callable[..., Samples]
) -> None:
    run = make_run([[]])
    samples.save(tmp_path / "run.npz", run)
    assert_same(samples.load(tmp_path / "run.npz"), run)


def test_a_file_with_pickles_in_it_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "run.npz", target=np.array([{"hostile": 1}], dtype=object))
    with pytest.raises(ValueError, match="pickle"):
        samples.load(tmp_path / "run.npz")


class Answers:
    """A recorder that was given phases, and a way to answer their arrivals."""

    def __init__(self, *phases: tuple[Kind, list[float], list[int]]) -> None:
        self.recorder = Recorder(
            [Phase(kind, 2.0, np.array(times_s), np.array(to)) for kind, times_s, to in phases]
        )

    def send(self, arrival: int, late_s: float = 0.0) -> None:
        self.recorder.sent(arrival, late_s)

    def samples(self) -> Samples:
        return self.recorder.samples(np.zeros((2, 2)), 0.1, Foreign(0.5, 0.0, ("hog",)))

    def answer(
        self,
        arrival: int,
        took_ms: float,
        error: str = "",
        name: str = "page",
        probes: bool = False,
        status: int = 200,
        context: dict[str, object] | None = None,
    ) -> None:
        def task() -> None:
            gevent.getcurrent().arrival = arrival
            if probes:
                self.recorder.probe(arrival)
            exception = ConnectionError(error) if error else None
            self.recorder.on_request(
                name=name,
                response_time=took_ms,
                response_length=7,
                exception=exception,
                response=SimpleNamespace(status_code=status),
                context=context or {},
            )

        gevent.spawn(task).join()


def measured(times_s: list[float], targets: list[int]) -> Answers:
    return Answers((Kind.MEASURED, times_s, targets))


class TestARecorder:
    def test_keeps_the_reference_alone_apart_from_what_is_judged(self) -> None:
        run = Answers(
            *((kind, [0.1], [REFERENCE]) for kind in (Kind.BEFORE, Kind.MEASURED, Kind.AFTER))
        )
        for arrival, took_ms in ((0, 4.0), (1, 9.0), (2, 5.0)):
            run.send(arrival, late_s=took_ms / 1000)
            run.answer(arrival, took_ms)
        found = run.samples()
        times_ms = (found.before_ms, found.latency_ms, found.after_ms)
        assert [one.tolist() for one in times_ms] == [[4.0], [9.0], [5.0]]
        assert (found.before_lag_p99_ms, found.send_lag_p99_ms) == pytest.approx((4.0, 9.0))
        assert (found.foreign_cores, found.foreign) == (0.5, ("hog",))
        assert found.received_bytes.tolist() == [7]

    def test_looks_closely_at_the_answers_to_probes_in_every_phase(self) -> None:
        run = Answers(
            (Kind.WARM_UP, [0.1, 0.2], [SUBMISSION, REFERENCE]),
            (Kind.MEASURED, [0.1, 0.2, 0.3], [SUBMISSION] * 3),
        )
        for arrival in range(5):
            run.send(arrival)
        run.answer(0, 1.0, error="41 is not 42", probes=True)
        run.answer(1, 1.0, probes=True)
        run.answer(2, 1.0, error="refused", probes=True, status=503)  # said so honestly
        run.answer(3, 1.0, error="no connection", probes=True, status=0)
        run.answer(4, 1.0, error="43 is not 42")  # no probe
        found = run.samples()
        assert found.probes == (3, 1)
        assert found.wrong == (("41 is not 42",), ())

    def test_counts_a_probe_that_was_never_answered(self) -> None:
        run = measured([0.1], [SUBMISSION])
        run.send(0)
        run.recorder.probe(0)
        run.recorder.timed_out(0)
        found = run.samples()
        assert (found.probes, found.wrong) == ((1, 0), ((), ()))

    def test_keeps_what_was_acknowledged_in_every_phase(self) -> None:
        run = Answers(
            (Kind.WARM_UP, [0.1], [REFERENCE]), (Kind.MEASURED, [0.1] * 2, [SUBMISSION] * 2)
        )
        for arrival, error in ((0, ""), (1, ""), (2, "wrong")):
            run.send(arrival)
            run.answer(arrival, 1.0, error=error, context={"acknowledged": {"key": arrival}})
        assert run.samples().acknowledged == (('{"key": 1}',), ('{"key": 0}',))

    def test_keeps_target_class_and_time_of_each_request_in_the_order_of_their_ends(self) -> None:
        run = measured([0.5, 1.0], [REFERENCE, SUBMISSION])
        for arrival in (0, 1):
            run.send(arrival, late_s=0.002)
        run.answer(1, 12.3456, name="post")
        run.answer(0, 3.5)
        found = run.samples()
        assert found.target.tolist() == [SUBMISSION, REFERENCE]
        assert found.latency_ms.tolist() == [12.3456, 3.5]
        assert [found.classes[index] for index in found.class_index] == ["post", "page"]
        assert found.late_ms.tolist() == pytest.approx([2.0, 2.0])
        assert found.sent_s.tolist() == pytest.approx([1.002, 0.502])
        assert (found.offered, found.ok.tolist()) == ((1, 1), [True, True])

    def test_drops_the_warm_up(self) -> None:
        run = Answers(
            (Kind.WARM_UP, [0.2], [SUBMISSION]),
            (Kind.MEASURED, [0.0, 0.5], [SUBMISSION, REFERENCE]),
        )
        for arrival, took_ms in ((0, 900.0), (1, 2.0), (2, 3.0)):
            run.send(arrival, late_s=0.9 if arrival == 0 else 0.0)
            run.answer(arrival, took_ms)
        found = run.samples()
        assert found.latency_ms.tolist() == [2.0, 3.0]
        assert found.sent_s.tolist() == pytest.approx([0.0, 0.5])
        assert found.offered == (1, 1)
        assert found.send_lag_p99_ms == pytest.approx(0.0)

    def test_tells_failed_requests_from_good_ones_and_keeps_some_of_their_errors(self) -> None:
        count = 2 * KEPT_ERRORS
        run = measured([0.1 * n for n in range(count)], [SUBMISSION] * count)
        for arrival in range(count):
            run.send(arrival)
            run.answer(arrival, 1.0, error=f"error {arrival // 2}" if arrival else "")
        found = run.samples()
        assert found.ok.tolist() == [True] + [False] * (count - 1)
        assert found.errors == (tuple(f"error {n}" for n in range(KEPT_ERRORS)), ())

    def test_counts_what_was_never_answered_once_and_as_infinitely_slow(self) -> None:
        run = measured([0.1, 0.2, 0.3], [SUBMISSION] * 3)
        for arrival in range(3):
            run.send(arrival)
        run.answer(0, 5.0)
        run.recorder.timed_out(0)  # the task went on after its request was answered
        run.recorder.timed_out(1)
        run.recorder.overflow(2)
        found = run.samples()
        assert found.latency_ms.tolist() == [5.0, math.inf, math.inf]
        assert found.ok.tolist() == [True, False, False]
        assert found.requests_by_class(SUBMISSION) == {"page": 1, TIMED_OUT: 1, OVERFLOW: 1}

    def test_leaves_out_requests_that_are_no_arrivals(self) -> None:
        run = measured([0.1], [SUBMISSION])
        run.send(0)
        run.recorder.on_request("login", response_time=9.0, response_length=7, exception=None)
        assert len(run.samples().latency_ms) == 0

    def test_that_never_sent_an_arrival_does_not_call_itself_punctual(self) -> None:
        run = measured([0.1, 0.2], [SUBMISSION, SUBMISSION])
        run.send(0)
        assert not run.samples().send_lag_p99_ms <= 1e9

    def test_accuses_itself_by_the_99th_percentile_of_its_lateness(self) -> None:
        run = measured([0.01 * n for n in range(200)], [SUBMISSION] * 200)
        for arrival in range(200):
            run.send(arrival, late_s=0.05 if arrival % 20 == 0 else 0.001)
        assert run.samples().send_lag_p99_ms == pytest.approx(50.0)

    def test_keeps_the_first_break_of_a_task(self) -> None:
        run = measured([0.1], [SUBMISSION])
        run.recorder.broken_task("first")
        run.recorder.broken_task("second")
        assert run.recorder.task_error == "first"


def test_samples_of_several_generators_are_merged_exactly(
    make_run: Callable[..., Samples],
) -> None:
    one = make_run([[1.0, 2.0], [3.0]], classes=["page", "post", "page"])
    other = make_run([[4.0], [5.0, 6.0]], failed=[1], classes=["post", "page", "page"], lag_ms=4.0)
    one = dataclasses.replace(one, probes=(1, 2), wrong=(("no",), ()))
    other = dataclasses.replace(other, probes=(3, 4), wrong=((), ("nor",)))
    merged = samples.merge([one, other])
    assert (merged.probes, merged.wrong) == ((4, 6), (("no",), ("nor",)))
    assert sorted(merged.latency_ms[merged.target == SUBMISSION].tolist()) == [1.0, 2.0, 4.0]
    assert merged.requests_by_class(SUBMISSION) == {"page": 1, "post": 2}
    assert merged.requests_by_class(REFERENCE) == {"page": 3, "post": 0}
    assert (merged.offered, int((~merged.ok).sum())) == ((3, 3), 1)
    assert merged.send_lag_p99_ms == 4.0
