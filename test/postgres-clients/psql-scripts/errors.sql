-- Errors with all their fields, as psql shows them when it is told to be verbose, and what goes on after them.
\set VERBOSITY verbose
CREATE TABLE parent (id int CONSTRAINT parent_key PRIMARY KEY, size int CONSTRAINT size_is_small CHECK (size < 10));
CREATE TABLE child (parent_id int CONSTRAINT child_of REFERENCES parent, name varchar(3) NOT NULL);
INSERT INTO parent VALUES (1, 5);
INSERT INTO parent VALUES (1, 5);
INSERT INTO parent VALUES (2, 50);
INSERT INTO child VALUES (7, 'abc');
INSERT INTO child VALUES (1, 'abcd');
INSERT INTO child VALUES (1, NULL);
SELECT * FROM nowhere;
SELECT nothing FROM parent;
SELEC 1;
SELECT 'unfinished;
';
SELECT 1 / 0;
SELECT 'x'::int;
SELECT f(1);
SELECT (SELECT 1 UNION SELECT 2);
DO $$ BEGIN RAISE EXCEPTION 'own' USING ERRCODE = 'AB123', DETAIL = 'the detail', HINT = 'the hint', CONSTRAINT = 'a constraint', DATATYPE = 'a type'; END $$;
CREATE FUNCTION deep(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF n = 0 THEN RETURN 1 / 0; END IF; RETURN deep(n - 1); END $$;
SELECT deep(3);
SET statement_timeout = '50ms';
SELECT pg_sleep(10);
RESET statement_timeout;
\errverbose
\set VERBOSITY sqlstate
SELECT 1 / 0;
\set VERBOSITY terse
SELECT deep(1);
BEGIN;
SELECT 1 / 0;
SELECT pg_sleep(0.1);
SELECT 1;
SELECT pg_sleep(0.1);
ROLLBACK;
\set VERBOSITY default
SELECT format('SELECT 1 / %s', n % 2) FROM generate_series(1, 40) n \gexec
SELECT 'still here';
