"""Statements that change the rules of a measurement instead of the work that is measured."""

import re

from graders.sql.statements import Statement

HARMLESS_SETTINGS = (
    *("lock_timeout", "statement_timeout", "maintenance_work_mem", "client_min_messages"),
    *("search_path", "idle_in_transaction_session_timeout", "max_parallel_maintenance_workers"),
)
REASONS = {
    r"ALTER\s+(SYSTEM|ROLE|USER|DATABASE)\b": "changes settings of the server, not of the shop",
    r"(CREATE|DROP)\s+(ROLE|USER|DATABASE|SERVER|EXTENSION|FOREIGN)\b": "reaches beyond the tables",
    r"SET_CONFIG\s*\(": "sets what the planner believes, not what is true",
    r"PG_SLEEP(_FOR|_UNTIL)?\s*\(": "sleeps",
    r"(DBLINK\w*|LO_IMPORT|LO_EXPORT|PG_READ_\w*FILE|PG_LS_DIR)\s*\(": "calls out",
    r"^COPY\b": "reads or writes files",
    r"DISABLE\s+(TRIGGER|RULE)\b": "switches off what keeps the data right",
    r"DROP\s+CONSTRAINT\b": "drops a constraint",
    r"(LISTEN|NOTIFY|LOAD)\s": "calls out",
}
PATTERNS = {re.compile(one, re.DOTALL): why for one, why in REASONS.items()}
SETTING = re.compile(r"\b(?:SET|RESET)\s+(?:SESSION\s+|LOCAL\s+)?(\w+)\s*(?:=|TO\b|;|$|FROM\b)")
PLANNER = (
    *("enable_", "random_page_cost", "seq_page_cost", "cpu_", "parallel_", "effective_"),
    *("work_mem", "hash_mem", "jit", "plan_cache", "min_parallel", "max_parallel", "geqo"),
    *("join_collapse", "from_collapse", "cursor_tuple", "default_statistics", "constraint_excl"),
    *("session_replication_role", "row_security", "role", "session", "statement_", "track_"),
)
"""How names of settings begin that decide about plans, or about what a role may do."""


def forbidden_statement(statement: Statement) -> str | None:
    """Say why a statement is refused, also for what stands in the texts it executes; None if not.

    It reads words and not effects: what is put together at run time has to be seen in the catalog.
    """
    text = " ".join(one.text for one in statement.tokens).upper()
    for pattern, why in PATTERNS.items():
        if pattern.search(text):
            return why
    return _setting(statement, text)


def _setting(statement: Statement, text: str) -> str | None:
    """Say which setting it sets that a measurement depends on."""
    begins_so = statement.words[:1] in (("SET",), ("RESET",))
    makes_function = bool(re.match(r"(CREATE|ALTER)\b.*\b(FUNCTION|PROCEDURE|ROUTINE)\b", text))
    if not (begins_so or makes_function or text.startswith("DO ")):
        return None
    for name in SETTING.findall(text):
        lowered = name.lower()
        if lowered in HARMLESS_SETTINGS:
            continue
        if begins_so or lowered.startswith(PLANNER) or lowered == "all":
            return f"sets {lowered}: what the planner believes, not what is true"
    return None
