CREATE TABLE kept (key text PRIMARY KEY, text text NOT NULL);
