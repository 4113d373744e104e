CREATE TABLE note (key text PRIMARY KEY, text text NOT NULL);
