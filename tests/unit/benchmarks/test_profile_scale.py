"""The profile's clock: every moment belongs to the innermost stage, and the stages it names are there."""

import pytest
from benchmarks.profile_scale import STAGES, Stopwatch, table, watched


def ticking():
    moments = iter(range(1000))
    return lambda: ((moment := next(moments)), 10 * moment)


def test_a_moment_belongs_to_the_innermost_stage():
    watch = Stopwatch(now=ticking())
    with watch.stage("outer"), watch.stage("inner"):
        pass
    with watch.stage("inner"):
        pass
    # A tick each: into "inner", out of it, out of "outer", in and out again. Nobody is charged between the stages.
    assert {name: spent.tolist() for name, spent in watch.spent.items()} == {"outer": [2, 20], "inner": [2, 20]}


def test_a_stage_that_fails_ends():
    watch = Stopwatch(now=ticking())
    with watch.stage("outer"):
        with pytest.raises(ValueError, match="no"), watch.stage("inner"):
            raise ValueError("no")
        with watch.stage("inner"):
            pass
    assert set(watch.spent) == {"outer", "inner"}
    assert watch.spent["inner"].tolist() == [2, 20]


def test_steps_of_a_generator_count_and_what_is_done_between_them_does_not():
    watch = Stopwatch(now=ticking())
    steps = watch.timed("reading", lambda: iter([1, 2]))
    with watch.stage("command"):
        for _ in steps():
            with watch.stage("work"):
                pass
    # The call and three steps, the last of which finds nothing; two pieces of work; the rest is the command's.
    assert watch.spent["reading"].tolist() == [4, 40]
    assert watch.spent["work"].tolist() == [2, 20]


def test_every_stage_is_a_function_of_the_product():
    with watched(Stopwatch()):
        pass
    assert all(STAGES.values())


def test_a_share_is_the_limit_over_the_stage():
    stages = {"ingest": {"kernel": {"cpu_s": 2.0, "wall_s": 8.0}, "writing": {"cpu_s": 6.0, "wall_s": 10.0}}}
    limit = {
        "kernel": {"what": "words", "by": "cpu_s", "cpu_s": 1.0, "wall_s": 9.0},
        "writing": {"what": "disk", "by": "wall_s", "cpu_s": 0.1, "wall_s": 1.0},
    }
    writing, kernel = table(stages, limit)
    assert (writing["stage"], writing["share_of_cpu"], writing["share_of_limit"]) == ("writing", 0.75, 0.1)
    assert (kernel["stage"], kernel["share_of_cpu"], kernel["share_of_limit"]) == ("kernel", 0.25, 0.5)
