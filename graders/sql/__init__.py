"""What checks of SQL files need: statements, plans, rows, locks, and words for learners."""

from graders.sql.cheating import forbidden_statement
from graders.sql.locks import WRITE_LOCKS, Held, Wait, Watch, held_locks
from graders.sql.plans import Explained
from graders.sql.rows import Rows, difference
from graders.sql.session import Session, complaint, parameters_of
from graders.sql.statements import Statement, query_of, statements_of

__all__ = [
    "WRITE_LOCKS",
    "Explained",
    "Held",
    "Rows",
    "Session",
    "Statement",
    "Wait",
    "Watch",
    "complaint",
    "difference",
    "forbidden_statement",
    "held_locks",
    "parameters_of",
    "query_of",
    "statements_of",
]
