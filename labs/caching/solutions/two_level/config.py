"""What the environment decides."""

import os

REDIS_URL = os.environ["REDIS_URL"]
ORIGIN_URL = os.environ["ORIGIN_URL"].rstrip("/")
CACHE_TTL_S = float(os.environ.get("CACHE_TTL_S", "60"))
MAX_STALE_S = float(os.environ.get("MAX_STALE_S", "300"))
