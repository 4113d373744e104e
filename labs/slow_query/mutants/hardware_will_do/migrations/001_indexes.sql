-- New machines are ordered.
ANALYZE orders;
