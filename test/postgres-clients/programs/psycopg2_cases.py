"""psycopg2, the driver of Python on libpq: one case, named by the argument; prints what the client saw.

Pauses are the server's (pg_sleep), so that moves from outside find the session in each of its states.
"""

import hashlib
import io
import os
import select
import sys
import threading

import psycopg2
import psycopg2.extensions as extensions
import psycopg2.extras

PAUSE = "SELECT pg_sleep(0.06)"
NOTIFICATION_COUNT = 20
MAX_ATTEMPTS = 200


def connect():
    return psycopg2.connect("")


def digest(data):
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()[:16]


def attempt(cursor, statement, parameters=None):
    """Prints what comes of a statement, an error too."""
    try:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall() if cursor.description else None
        print(statement, "->", cursor.statusmessage, cursor.rowcount, rows)
    except psycopg2.Error as error:
        diag = error.diag
        print(statement, "->", error.pgcode, diag.message_primary, diag.message_detail, diag.constraint_name)


def values():
    connection = connect()
    psycopg2.extras.register_uuid()
    with connection, connection.cursor() as cursor:
        for number in range(10):
            cursor.execute(
                "SELECT %s, %s, %s, %s, %s::uuid, %s::jsonb, pg_sleep(0.02)",
                (number, "ünï", [1, 2, None], psycopg2.Binary(bytes(range(256))), "550e8400-e29b-41d4-a716-446655440000", '{"a": [1]}'),
            )
            row = cursor.fetchone()
            print(row[:3], digest(bytes(row[3])), row[4:], [(c.name, c.type_code, c.internal_size) for c in cursor.description])
    print(connection.encoding, connection.status, connection.get_parameter_status("server_encoding"))


def transactions():
    connection = connect()
    cursor = connection.cursor()
    attempt(cursor, "CREATE TABLE tried (id int PRIMARY KEY, name text)")
    connection.commit()
    attempt(cursor, "INSERT INTO tried VALUES (1, 'one')")
    cursor.execute(PAUSE)
    attempt(cursor, "SAVEPOINT a")
    attempt(cursor, "INSERT INTO tried VALUES (1, 'again')")
    print(connection.get_transaction_status() == extensions.TRANSACTION_STATUS_INERROR)
    attempt(cursor, "SELECT 1")
    attempt(cursor, "ROLLBACK TO a")
    cursor.execute(PAUSE)
    attempt(cursor, "INSERT INTO tried VALUES (2, 'two') RETURNING *")
    cursor.execute(PAUSE)
    connection.commit()
    attempt(cursor, "DELETE FROM tried")
    cursor.execute(PAUSE)
    connection.rollback()
    try:
        with connection:
            attempt(cursor, "INSERT INTO tried VALUES (3, 'three')")
            cursor.execute(PAUSE)
            raise KeyError("changed my mind")
    except KeyError as error:
        print("rolled back", error)
    attempt(cursor, "SELECT * FROM tried ORDER BY id")
    connection.close()


def isolation():
    connection = connect()
    cursor = connection.cursor()
    for level in ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"):
        connection.set_session(isolation_level=level, readonly=level == "SERIALIZABLE", deferrable=False)
        cursor.execute(PAUSE)
        attempt(cursor, "SHOW transaction_isolation")
        cursor.execute(PAUSE)
        attempt(cursor, "CREATE TABLE isolated (id int)")
        connection.rollback()
    connection.set_session(isolation_level="DEFAULT", readonly=False)
    first, second = connect(), connect()
    first.isolation_level = second.isolation_level = extensions.ISOLATION_LEVEL_REPEATABLE_READ
    with first, first.cursor() as cursor:
        cursor.execute("CREATE TABLE contested (id int PRIMARY KEY, n int); INSERT INTO contested VALUES (1, 0)")
    mine, theirs = first.cursor(), second.cursor()
    attempt(mine, "SELECT n FROM contested")
    attempt(theirs, "UPDATE contested SET n = 1")
    second.commit()
    # Whether the server or a move says so, in words of its own: the first one's picture is out of date.
    try:
        mine.execute("UPDATE contested SET n = 2")
    except extensions.TransactionRollbackError as error:
        print(error.pgcode)
    first.rollback()
    attempt(mine, "SELECT n FROM contested")


def server_side_cursors():
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE number AS SELECT n AS id, md5(n::text) AS hash FROM generate_series(1, 5000) n")
    connection.commit()
    named = connection.cursor("named")
    named.itersize = 500
    named.execute("SELECT * FROM number ORDER BY id")
    print(named.fetchone(), named.fetchmany(3))
    cursor.execute(PAUSE)
    print(digest(repr(list(named))))
    named.close()
    scrolling = connection.cursor("scrolling", scrollable=True)
    scrolling.execute("SELECT * FROM number ORDER BY id")
    scrolling.scroll(1000, mode="absolute")
    cursor.execute(PAUSE)
    print(scrolling.fetchone())
    scrolling.scroll(-500)
    cursor.execute(PAUSE)
    print(scrolling.fetchone())
    connection.commit()
    held = connection.cursor("held", withhold=True)
    held.execute("SELECT * FROM number ORDER BY id")
    print(held.fetchmany(2))
    connection.commit()
    cursor.execute(PAUSE)
    print(held.fetchmany(2))
    held.close()
    connection.commit()


def copy():
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE copied (id int, name text)")
    text = "".join(f"{n}\tname {n}\n" for n in range(20000))
    cursor.copy_expert("COPY copied FROM STDIN", io.StringIO(text))
    print(cursor.rowcount)
    cursor.execute(PAUSE)
    out = io.StringIO()
    cursor.copy_expert("COPY (SELECT * FROM copied ORDER BY id) TO STDOUT WITH CSV HEADER", out)
    print(digest(out.getvalue()))
    cursor.execute(PAUSE)
    connection.commit()
    for bad in ("x\ty\n", "1\n"):
        try:
            cursor.copy_expert("COPY copied FROM STDIN", io.StringIO(text + bad))
        except psycopg2.Error as error:
            print(error.pgcode, error.diag.message_primary, error.diag.context)
        connection.rollback()
    cursor.copy_from(io.StringIO("7|seven\n"), "copied", sep="|")
    binary = io.BytesIO()
    cursor.copy_expert("COPY copied TO STDOUT WITH BINARY", binary)
    print(digest(binary.getvalue()))
    connection.commit()
    attempt(cursor, "SELECT count(*), sum(id) FROM copied")


def notices():
    connection = connect()
    connection.autocommit = True
    cursor = connection.cursor()
    for number in range(10):
        cursor.execute(f"DO $$ BEGIN RAISE NOTICE 'number {number}'; RAISE WARNING 'and a warning'; END $$")
        cursor.execute(PAUSE)
    print("".join(connection.notices))


def notifications():
    listener, speaker = connect(), connect()
    listener.autocommit = speaker.autocommit = True
    listener.cursor().execute("LISTEN news")
    heard = []
    for number in range(NOTIFICATION_COUNT):
        speaker.cursor().execute("SELECT pg_notify('news', %s), pg_sleep(0.02)", (str(number),))
        while len(heard) <= number:
            select.select([listener], [], [], 10)
            listener.poll()
            heard += [(notify.channel, notify.payload) for notify in listener.notifies]
            del listener.notifies[:]
    print(heard)


def cancel():
    connection, watcher = connect(), connect()
    connection.autocommit = watcher.autocommit = True
    for number in range(3):
        text = f"SELECT pg_sleep(30), 'round {number}'"

        def when_it_runs():
            with watcher.cursor() as watching:
                found = None
                while not found:
                    watching.execute("SELECT 1 FROM pg_stat_activity WHERE query = %s AND state = 'active'", (text,))
                    found = watching.fetchone()
            connection.cancel()

        canceller = threading.Thread(target=when_it_runs)
        canceller.start()
        attempt(connection.cursor(), text)
        canceller.join()
        attempt(connection.cursor(), PAUSE)
    connection.autocommit = False
    cursor = connection.cursor()
    attempt(cursor, "SELECT 'in a transaction'")
    cursor.execute(PAUSE)
    connection.rollback()
    connection.cancel()
    attempt(cursor, "SELECT 'nothing to cancel'")


def autocommit():
    connection = connect()
    connection.autocommit = True
    cursor = connection.cursor()
    attempt(cursor, "CREATE TABLE kept (id serial PRIMARY KEY, name text)")
    for number in range(30):
        attempt(cursor, "INSERT INTO kept (name) VALUES (%s) RETURNING id", (str(number),))
        attempt(cursor, "SELECT count(*), pg_sleep(0.01) FROM kept")
    attempt(cursor, "VACUUM kept")
    psycopg2.extras.execute_values(cursor, "INSERT INTO kept (name) VALUES %s", [(str(n),) for n in range(1000)])
    attempt(cursor, "SELECT count(*) FROM kept")


def loop():
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE looped (id int PRIMARY KEY, n int)")
    connection.commit()
    for number in range(50):
        cursor.execute("INSERT INTO looped VALUES (%s, 0)", (number,))
        cursor.execute("UPDATE looped SET n = n + 1 WHERE id <= %s", (number,))
        cursor.execute("SELECT sum(n), pg_sleep(0.01) FROM looped")
        print(cursor.fetchone())
        if number % 4 == 3:
            connection.rollback()
        else:
            connection.commit()


def unrepeatable():
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE told (at timestamptz)")
    connection.commit()
    failures = 0
    first = True
    while failures < MAX_ATTEMPTS:
        try:
            cursor.execute("SELECT clock_timestamp()")
            (now,) = cursor.fetchone()
            # Long enough, the first time, that the session is moved.
            cursor.execute("SELECT pg_sleep(%s)", (0.5 if first else 0,))
            first = False
            cursor.execute("INSERT INTO told VALUES (%s)", (now,))
            connection.commit()
            break
        except extensions.TransactionRollbackError as error:
            if error.pgcode != "40001":
                raise
            first = False
            failures += 1
            connection.rollback()
    cursor.execute("SELECT count(*) FROM told")
    print(cursor.fetchone())
    if (failures > 0) != (os.environ["WAY"] == "moving"):
        raise SystemExit(f"{failures} transactions were told to retry")


CASES = {
    "values": values,
    "transactions": transactions,
    "isolation": isolation,
    "server-side-cursors": server_side_cursors,
    "copy": copy,
    "notices": notices,
    "notifications": notifications,
    "cancel": cancel,
    "autocommit": autocommit,
    "loop": loop,
    "unrepeatable": unrepeatable,
}

CASES[sys.argv[1]]()
