"""The submission's query, beside the slow one, before and after its migrations."""

from pathlib import Path

import pytest

from graders.checks import expect, requirement

SLOW = Path(__file__).with_name("slow.sql").read_text()
FEW_BLOCKS = 20


@pytest.fixture(scope="session")
def newest(submission_dir):
    return (submission_dir / "queries/newest.sql").read_text()


@requirement("migrates")
def test_the_migrations_run_as_the_applications_own_role(migrated):
    owners = migrated.execute(
        "SELECT tableowner = current_user FROM pg_tables WHERE tablename = 'orders'"
    ).fetchall()
    expect(owners == [(True,)], "the table orders, still the role's own", owners)


@requirement("same-rows")
def test_the_rewritten_query_returns_the_same_rows(migrated, untouched, newest, rng):
    for customer in rng.sample(range(500), 10):
        wanted = untouched.execute(SLOW, {"customer": customer}).fetchall()
        got = migrated.execute(newest, {"customer": customer}).fetchall()
        expect(sorted(got) == sorted(wanted), f"{sorted(wanted)}", sorted(got))


@requirement("less-work")
def test_the_query_reads_few_blocks(migrated, newest):
    [(plan,)] = migrated.execute(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {newest}", {"customer": 7}
    ).fetchall()
    work = plan[0]["Plan"]
    blocks = work["Shared Hit Blocks"] + work["Shared Read Blocks"]
    expect(blocks <= FEW_BLOCKS, f"at most {FEW_BLOCKS} blocks", blocks)
