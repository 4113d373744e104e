-- Your migrations go into this folder. They run in the order of their names, statement by statement,
-- as the role that owns the tables; outside of a transaction, unless you write BEGIN.
ANALYZE customers;
