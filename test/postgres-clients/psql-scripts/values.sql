-- Values of many types, as text.
SELECT true, 1::int2, 2::int4, 3::int8, 1.5::float4, 2.5::float8, 12345678901234567890.12345::numeric, 'NaN'::float8, '-Infinity'::float8;
SELECT 'text', 'c'::char, 'name'::name, 'padded'::char(10), E'line\nbreak\ttab', '', U&'\00e9\2713\+01F600';
SELECT '\xdeadbeef'::bytea, B'1010', '00:00:00:00:00:01'::macaddr, '10.0.0.0/8'::cidr, '::1'::inet;
SELECT date '2024-02-29', time '12:34:56.789', timetz '12:34:56+02', timestamp '2024-02-29 12:34:56', interval '1 year 2 months 3 days 04:05:06';
SELECT '{"a": [1, null, {"b": "c"}]}'::json, '{"b": 1, "a": 2}'::jsonb, '<a>b</a>'::text, '550e8400-e29b-41d4-a716-446655440000'::uuid;
SELECT ARRAY[1, 2, NULL], ARRAY[['a', 'b'], ['c', 'd']], '[2:3]={1,2}'::int[], ROW(1, 'two', NULL), int4range(1, 10), '{[1,2), [5,6)}'::int4multirange;
SELECT point '(1,2)', box '((0,0),(1,1))', '(1,2),3'::circle, 'a & b'::tsquery, 'the fat cats'::tsvector, '1.50'::money;
SELECT 'pg_class'::regclass, 'int4'::regtype, 'sum(int4)'::regprocedure, '16/B374D848'::pg_lsn;
SELECT;
SELECT FROM generate_series(1, 3);
SELECT 1 AS "a column with a long name that is cut at sixty-three bytes by the server of course", 2 AS "ünïcödé";
VALUES (1, 'a'), (2, NULL);
TABLE pg_catalog.pg_am ORDER BY amname;
EXPLAIN (COSTS OFF) SELECT * FROM pg_class WHERE oid = 1;
;
SELECT 1; ; SELECT 2;
