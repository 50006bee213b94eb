-- LISTEN and NOTIFY: to oneself, by a function, in transactions kept and rolled back, and no longer after UNLISTEN.
LISTEN news;
NOTIFY news;
NOTIFY news, 'with a payload';
SELECT pg_notify('news', 'by a function');
SELECT pg_sleep(0.2);
NOTIFY news, 'after a pause';
BEGIN;
NOTIFY news, 'in a transaction';
SELECT pg_sleep(0.1);
NOTIFY news, 'twice the same';
NOTIFY news, 'twice the same';
SELECT 'nothing yet';
COMMIT;
BEGIN;
NOTIFY news, 'rolled back';
SELECT pg_sleep(0.1);
ROLLBACK;
LISTEN "Other News";
-- The session's own channel shows here: a gap that docs/pg-frontend-state.md tells of.
SELECT channel FROM pg_listening_channels() AS channel WHERE channel NOT LIKE 'migratory\_%' ORDER BY 1;
SELECT format('NOTIFY "Other News", %L', n) FROM generate_series(1, 10) n \gexec
SELECT pg_sleep(0.1);
UNLISTEN news;
NOTIFY news, 'nobody listens';
SELECT pg_sleep(0.1);
NOTIFY "Other News", 'somebody does';
BEGIN;
LISTEN third;
SELECT pg_sleep(0.1);
ROLLBACK;
SELECT pg_sleep(0.1);
NOTIFY third, 'listening was rolled back';
UNLISTEN *;
SELECT pg_sleep(0.1);
NOTIFY "Other News", 'nobody is left';
SELECT count(*) FROM pg_listening_channels();
