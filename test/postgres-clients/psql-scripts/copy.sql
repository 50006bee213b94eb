-- COPY in all its forms: inline, by \copy, in CSV and binary, inside a transaction, with a bad line.
-- psql 15 sends the end mark of CSV data as data, which servers from 18 on take for a line: an error, and the same one on every way.
CREATE TABLE thing (id int PRIMARY KEY, name text, size numeric);
COPY thing FROM STDIN;
1	one	1.5
2	two	\N
3	tab\there	3
\.
SELECT * FROM thing ORDER BY id;
COPY thing (id, name) FROM STDIN WITH (FORMAT csv, HEADER true);
id,name
4,"four, quoted"
5,"a ""word"""
\.
COPY thing TO STDOUT;
COPY (SELECT name, id FROM thing ORDER BY id DESC) TO STDOUT WITH (FORMAT csv, HEADER, FORCE_QUOTE *);
COPY thing FROM STDIN;
6	six	6
6	again	6
\.
SELECT count(*) FROM thing;
COPY thing FROM STDIN;
seven	no number	7
\.
SELECT count(*) FROM thing;
\copy thing to 'thing.txt'
\copy thing to 'thing.csv' with (format csv, header)
\copy thing to 'thing.bin' with (format binary)
DELETE FROM thing;
\copy thing from 'thing.txt'
SELECT count(*), sum(size) FROM thing;
TRUNCATE thing;
\copy thing from 'thing.csv' with (format csv, header)
SELECT count(*), sum(size) FROM thing;
TRUNCATE thing;
\copy thing from 'thing.bin' with (format binary)
SELECT count(*), sum(size) FROM thing;
\copy thing from 'missing.txt'
\copy nothing from 'thing.txt'
BEGIN;
COPY thing FROM STDIN;
100	hundred	100
\.
SELECT pg_sleep(0.1);
SELECT count(*) FROM thing;
COPY thing TO STDOUT;
SELECT pg_sleep(0.1);
SELECT count(*) FROM thing;
ROLLBACK;
SELECT count(*) FROM thing;
BEGIN;
INSERT INTO thing VALUES (200, 'two hundred', 200);
SELECT pg_sleep(0.1);
COPY thing (id, name) FROM STDIN;
201	two hundred and one
\.
SELECT pg_sleep(0.1);
COPY (SELECT * FROM thing WHERE id >= 200 ORDER BY id) TO STDOUT;
COMMIT;
CREATE TABLE many (id int, filling text);
INSERT INTO many SELECT n, repeat('x', n % 100) FROM generate_series(1, 100000) n;
\copy many to 'many.txt'
TRUNCATE many;
\copy many from 'many.txt'
SELECT count(*), sum(id), sum(length(filling)) FROM many;
\copy (select n, pg_sleep(0.01) is null from generate_series(1, 30) n) to stdout
