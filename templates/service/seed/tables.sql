CREATE TABLE counter (name text PRIMARY KEY, count bigint NOT NULL DEFAULT 0);
