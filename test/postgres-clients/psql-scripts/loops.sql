-- Many short statements, one after the other: outside of transactions, inside, and each in one of its own.
CREATE TABLE step (id int PRIMARY KEY, note text);
SELECT format('INSERT INTO step VALUES (%s, pg_sleep(0.005)::text)', n) FROM generate_series(1, 200) n \gexec
SELECT count(*), sum(id) FROM step;
BEGIN;
SELECT format('UPDATE step SET note = %L WHERE id = %s RETURNING *', 'note ' || n, n) FROM generate_series(1, 100) n \gexec
SELECT pg_sleep(0.1);
SELECT count(*) FROM step WHERE note LIKE 'note%';
SELECT pg_sleep(0.1);
COMMIT;
SELECT 'BEGIN', format('INSERT INTO step VALUES (%s, %L)', n, n), 'SELECT pg_sleep(0.005)', format('DELETE FROM step WHERE id = %s', n - 1000), CASE WHEN n % 3 = 0 THEN 'ROLLBACK' ELSE 'COMMIT' END FROM generate_series(1001, 1100) n \gexec
SELECT count(*), sum(id) FROM step;
SELECT format('SELECT %s / (%s - 25)', n, n) FROM generate_series(1, 50) n \gexec
