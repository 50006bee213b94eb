-- Definitions: tables, indexes, views, functions, types, triggers; made, changed, described and dropped.
CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('open', 'paid', 'sent');
CREATE DOMAIN shop.amount AS numeric(12, 2) CHECK (VALUE >= 0);
CREATE TABLE shop.customer (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  born date
);
CREATE TABLE shop.purchase (
  id bigserial PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES shop.customer ON DELETE CASCADE,
  state shop.state NOT NULL DEFAULT 'open',
  total shop.amount NOT NULL,
  tags text[] NOT NULL DEFAULT '{}',
  details jsonb
) WITH (fillfactor = 70);
CREATE INDEX purchase_state ON shop.purchase (state) WHERE state <> 'sent';
CREATE INDEX purchase_details ON shop.purchase USING gin (details);
CREATE VIEW shop.due AS SELECT c.name, sum(p.total) AS due FROM shop.customer c JOIN shop.purchase p ON p.customer_id = c.id WHERE p.state = 'open' GROUP BY c.name;
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.tags := NEW.tags || 'touched'::text;
  RETURN NEW;
END $$;
CREATE TRIGGER purchase_touch BEFORE UPDATE ON shop.purchase FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE PROCEDURE shop.pay(which bigint) LANGUAGE sql AS 'UPDATE shop.purchase SET state = ''paid'' WHERE id = which';
COMMENT ON TABLE shop.customer IS 'who buys';
\dn shop
\dt shop.*
\d shop.customer
\d+ shop.purchase
\d shop.due
\df shop.*
\dT shop.*
\dD shop.*
\di shop.*
\ds shop.*
\sf shop.touch
\sv shop.due
INSERT INTO shop.customer (name, born) VALUES ('Ada', '1815-12-10'), ('Grace', '1906-12-09') RETURNING *;
INSERT INTO shop.purchase (customer_id, total, details) SELECT 1 + n % 2, n * 1.25, jsonb_build_object('n', n) FROM generate_series(1, 6) n;
CALL shop.pay(2);
SELECT * FROM shop.due ORDER BY name;
SELECT id, state, total, tags, details FROM shop.purchase ORDER BY id;
ALTER TABLE shop.purchase ADD COLUMN note text DEFAULT 'none';
ALTER TABLE shop.purchase ALTER COLUMN note TYPE varchar(20);
ALTER TABLE shop.purchase RENAME COLUMN note TO remark;
\d shop.purchase
BEGIN;
CREATE TABLE shop.passing (id int);
ALTER TABLE shop.customer ADD COLUMN passing int;
SELECT pg_sleep(0.1);
INSERT INTO shop.passing SELECT generate_series(1, 3);
SELECT count(*) FROM shop.passing;
TRUNCATE shop.passing;
SELECT count(*) FROM shop.passing;
ROLLBACK;
\d shop.customer
SELECT * FROM shop.passing;
VACUUM shop.purchase;
ANALYZE shop.purchase;
REINDEX TABLE shop.purchase;
DROP TABLE shop.customer;
DROP SCHEMA shop CASCADE;
\dn shop
