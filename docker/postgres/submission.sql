-- A role and a database for services that are run by hand. It is no superuser: a superuser can run
-- programs on the server and read its files. A grade makes a role and a database of its own.
CREATE ROLE submission LOGIN PASSWORD 'submission' NOSUPERUSER NOCREATEDB NOCREATEROLE
  CONNECTION LIMIT 60;
ALTER ROLE submission SET temp_file_limit = '512MB';
CREATE DATABASE submission OWNER submission;
REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;
