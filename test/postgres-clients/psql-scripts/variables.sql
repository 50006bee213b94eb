-- psql's own means that need answers of the server: \gset, \gexec, \gdesc, \crosstabview, \if.
SELECT 1 AS first, 'two' AS second, NULL AS third \gset
\echo :first :second :third
SELECT :first + 41 AS answer \gset got_
\if :{?got_answer}
\echo answer :got_answer
\else
\echo no answer
\endif
SELECT 1, 2 WHERE false \gset
SELECT n FROM generate_series(1, 2) n \gset
SELECT 1 AS number, 'text'::varchar(9) AS name, now() AS time, '{}'::int[] AS list, 1.5::numeric(9, 3) AS amount \gdesc
CREATE TABLE made (id int) \gdesc
SELECT nothing FROM nowhere \gdesc
SELECT format('CREATE TABLE made_%s (id int)', n) FROM generate_series(1, 3) n \gexec
SELECT format('INSERT INTO made_1 VALUES (%s)', n), format('SELECT count(*) FROM made_1') FROM generate_series(1, 3) n \gexec
SELECT * FROM (VALUES ('a', 'x', 1), ('a', 'y', 2), ('b', 'x', 3)) v (down, across, value) \crosstabview
\set list '\'quoted\''
SELECT :list, :'list', :"second" FROM (SELECT 5 AS two) t;
SELECT 'before' \; SELECT 'between' \; SELECT 'after';
\echo :ROW_COUNT :SQLSTATE :ERROR
SELECT 1 / 0;
\echo :ROW_COUNT :SQLSTATE :ERROR :LAST_ERROR_MESSAGE
\encoding
\pset null '(null)'
SELECT NULL;
SELECT 1 AS one, 2 AS two \gx
SELECT 3 \g wrote.txt
\! cat wrote.txt
\conninfo
\d made_1
