-- Large rows and large results.
\pset format unaligned
\pset tuples_only on
SELECT repeat('twenty megabytes ', 1200000) \g large.txt
\! md5sum large.txt
SELECT n, md5(n::text) FROM generate_series(1, 100000) n \g rows.txt
\! md5sum rows.txt
BEGIN;
SELECT n, md5(n::text) FROM generate_series(1, 100000) n \g rows.txt
\! md5sum rows.txt
SELECT pg_sleep(0.1);
SELECT repeat('five megabytes ', 350000) \g large.txt
\! md5sum large.txt
SELECT pg_sleep(0.1);
SELECT count(*) FROM generate_series(1, 10);
COMMIT;
CREATE TABLE large (id int, body text);
INSERT INTO large SELECT n, repeat(md5(n::text), 100000) FROM generate_series(1, 5) n;
SELECT id, length(body), md5(body) FROM large ORDER BY id;
SELECT body FROM large ORDER BY id \g large.txt
\! md5sum large.txt
SELECT body AS sent FROM large WHERE id = 1 \gset
INSERT INTO large VALUES (6, :'sent');
SELECT a.body = b.body FROM large a, large b WHERE a.id = 1 AND b.id = 6;
SELECT n % 7, pg_sleep(0.0005) IS NULL FROM generate_series(1, 1000) n \g rows.txt
\! md5sum rows.txt
