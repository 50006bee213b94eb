-- Notices of every level, of the server's own and raised, with all their fields, and what client_min_messages lets through.
DROP TABLE IF EXISTS never_there;
DO $$ BEGIN RAISE NOTICE 'a notice: %', 42; END $$;
DO $$ BEGIN RAISE WARNING 'a warning' USING DETAIL = 'the detail', HINT = 'the hint', ERRCODE = '01A42'; END $$;
DO $$ BEGIN RAISE INFO 'information'; RAISE LOG 'a log line'; RAISE DEBUG 'a debug line'; END $$;
SET client_min_messages = debug1;
DO $$ BEGIN RAISE DEBUG 'a debug line'; END $$;
SET client_min_messages = warning;
DO $$ BEGIN RAISE NOTICE 'not shown'; END $$;
RESET client_min_messages;
\set VERBOSITY verbose
DO $$ BEGIN RAISE NOTICE 'verbose' USING SCHEMA = 'a schema', TABLE = 'a table', COLUMN = 'a column'; END $$;
\set VERBOSITY default
\set SHOW_CONTEXT always
CREATE FUNCTION noisy(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. n LOOP
    RAISE NOTICE 'step % of %', i, n;
  END LOOP;
  RETURN n;
END $$;
SELECT noisy(5);
BEGIN;
SELECT noisy(2);
SELECT pg_sleep(0.1);
SELECT noisy(3);
SELECT pg_sleep(0.1);
ROLLBACK;
SELECT format('SELECT noisy(%s)', n) FROM generate_series(1, 20) n \gexec
SELECT noisy(2000);
