-- Transaction blocks: kept, rolled back, failed, nested by savepoints, chained, read only, prepared for two phases.
CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL CHECK (balance >= 0));
INSERT INTO account SELECT n, 100 FROM generate_series(1, 10) n;
\set wait 'SELECT pg_sleep(0.04);'
BEGIN;
UPDATE account SET balance = balance - 10 WHERE id = 1;
:wait
UPDATE account SET balance = balance + 10 WHERE id = 2;
:wait
SELECT * FROM account ORDER BY id LIMIT 3;
:wait
COMMIT;
BEGIN;
DELETE FROM account;
:wait
SELECT count(*) FROM account;
ROLLBACK;
SELECT count(*) FROM account;
BEGIN;
INSERT INTO account VALUES (11, 5);
:wait
INSERT INTO account VALUES (11, 6);
SELECT 'never shown';
:wait
INSERT INTO account VALUES (12, 6);
COMMIT;
SELECT max(id) FROM account;
BEGIN;
SAVEPOINT one;
UPDATE account SET balance = 1 WHERE id = 1;
:wait
SAVEPOINT two;
UPDATE account SET balance = -1 WHERE id = 2;
:wait
ROLLBACK TO SAVEPOINT two;
:wait
SELECT * FROM account WHERE id <= 2 ORDER BY id;
SAVEPOINT three;
UPDATE account SET balance = 3 WHERE id = 3;
RELEASE SAVEPOINT three;
:wait
ROLLBACK TO SAVEPOINT one;
UPDATE account SET balance = 77 WHERE id = 4;
:wait
RELEASE SAVEPOINT one;
ROLLBACK TO SAVEPOINT one;
ROLLBACK;
SELECT * FROM account ORDER BY id LIMIT 4;
BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE;
SELECT sum(balance) FROM account;
:wait
SHOW transaction_isolation;
UPDATE account SET balance = 0;
ROLLBACK;
START TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SELECT sum(balance) FROM account;
:wait
SHOW transaction_isolation;
UPDATE account SET balance = balance + 1 WHERE id = 5;
COMMIT AND CHAIN;
SHOW transaction_isolation;
:wait
UPDATE account SET balance = balance + 1 WHERE id = 5;
ROLLBACK AND CHAIN;
SELECT balance FROM account WHERE id = 5;
END;
COMMIT;
ROLLBACK;
BEGIN;
BEGIN;
ABORT;
SAVEPOINT outside;
BEGIN;
LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE;
:wait
SELECT * FROM account WHERE id = 6 FOR UPDATE;
:wait
UPDATE account SET balance = 66 WHERE id = 6 RETURNING *;
COMMIT;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
SELECT pg_advisory_xact_lock(42);
:wait
UPDATE account SET balance = 67 WHERE id = 6;
COMMIT;
BEGIN;
UPDATE account SET balance = 99 WHERE id = 7;
:wait
PREPARE TRANSACTION 'first';
SELECT balance FROM account WHERE id = 7;
COMMIT PREPARED 'first';
SELECT balance FROM account WHERE id = 7;
BEGIN;
DELETE FROM account WHERE id = 7;
PREPARE TRANSACTION 'second';
ROLLBACK PREPARED 'second';
ROLLBACK PREPARED 'second';
\set ON_ERROR_ROLLBACK on
BEGIN;
INSERT INTO account VALUES (1, 1);
:wait
INSERT INTO account VALUES (20, 1);
COMMIT;
\set AUTOCOMMIT off
INSERT INTO account VALUES (21, 1);
:wait
ROLLBACK;
INSERT INTO account VALUES (22, 1);
COMMIT;
\set AUTOCOMMIT on
SELECT * FROM account ORDER BY id;
