"""Everything that the environment decides."""

import os

DATABASE_URL = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
REDIS_URL = os.environ["REDIS_URL"]

SECRET_KEY = bytes.fromhex(os.environ["SECRET_KEY"])
DATA_KEY = bytes.fromhex(os.environ["DATA_KEY"])

PUBLIC_URL = os.environ["PUBLIC_URL"]
ALLOWED_ORIGIN = os.environ["ALLOWED_ORIGIN"]
MAIL_URL = os.environ["MAIL_URL"]
RESOLVER_URL = os.environ["RESOLVER_URL"]
EGRESS_PROXY = os.environ["EGRESS_PROXY"]
FILES_DIR = os.environ["FILES_DIR"]

STAFF_EMAIL = os.environ["STAFF_EMAIL"]
STAFF_PASSWORD = os.environ["STAFF_PASSWORD"]

ACCESS_TTL_S = int(os.environ.get("ACCESS_TTL_S", "900"))
REFRESH_TTL_S = int(os.environ.get("REFRESH_TTL_S", "1209600"))
RESET_TTL_S = int(os.environ.get("RESET_TTL_S", "900"))

RATE_LIMIT = int(os.environ.get("RATE_LIMIT", "600"))
RATE_WINDOW_S = int(os.environ.get("RATE_WINDOW_S", "60"))
LOGIN_WINDOW_S = int(os.environ.get("LOGIN_WINDOW_S", "60"))
ACCOUNT_FAILURES = 10
SOURCE_FAILURES = 20
