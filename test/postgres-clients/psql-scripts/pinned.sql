-- What a session cannot take along: temporary tables, session locks, large objects, sequences' last values.
CREATE TEMPORARY TABLE passing (id int);
INSERT INTO passing SELECT generate_series(1, 10);
SELECT pg_sleep(0.2);
SELECT count(*) FROM passing;
BEGIN;
INSERT INTO passing VALUES (11);
SELECT pg_sleep(0.1);
ROLLBACK;
SELECT count(*) FROM passing;
DROP TABLE passing;
SELECT pg_sleep(0.2);
SELECT pg_advisory_lock(7);
SELECT pg_sleep(0.1);
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND pid = pg_backend_pid();
SELECT pg_advisory_unlock(7);
SELECT pg_sleep(0.1);
SELECT pg_advisory_unlock(7);
CREATE SEQUENCE counter;
SELECT nextval('counter');
SELECT pg_sleep(0.1);
SELECT currval('counter'), lastval();
SELECT setval('counter', 100);
SELECT nextval('counter');
SELECT pg_sleep(0.1);
SELECT currval('counter');
SELECT setseed(0.5);
SELECT random() BETWEEN 0 AND 1;
BEGIN;
SELECT 1 INTO TEMPORARY TABLE selected;
SELECT pg_sleep(0.1);
SELECT count(*) FROM selected;
COMMIT;
SELECT pg_sleep(0.1);
SELECT * FROM selected;
DISCARD TEMPORARY;
SELECT * FROM selected;
\! printf 'a large object' > object.txt
\lo_import object.txt 'by the client'
SELECT :LASTOID <> 0 AS imported;
\lo_export :LASTOID copy.txt
\! cat copy.txt
\lo_unlink :LASTOID
CREATE TABLE counted (id serial, name text);
INSERT INTO counted (name) VALUES ('a'), ('b') RETURNING id;
SELECT currval('counted_id_seq');
SELECT pg_sleep(0.1);
SELECT currval('counted_id_seq');
DISCARD SEQUENCES;
SELECT currval('counted_id_seq');
