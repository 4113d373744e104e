-- New machines are ordered.
ANALYZE returns;
