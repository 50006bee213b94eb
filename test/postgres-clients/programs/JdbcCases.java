// PostgreSQL's JDBC driver: one case, named by the argument; prints what the client saw.
//
// It talks the extended protocol throughout and is not built on libpq. Pauses are the server's (pg_sleep), so that moves
// from outside find the session in each of its states.

import java.io.StringReader;
import java.io.StringWriter;
import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.PGStatement;
import org.postgresql.copy.CopyManager;

public class JdbcCases {
  static final String PAUSE = "SELECT pg_sleep(0.06)";
  static final int MAX_ATTEMPTS = 200;

  static Connection connect(String options) throws SQLException {
    Map<String, String> given = System.getenv();
    String url = "jdbc:postgresql://" + given.get("PGHOST") + ":" + given.get("PGPORT") + "/" + given.get("PGDATABASE");
    return DriverManager.getConnection(url + "?user=" + given.get("PGUSER") + options);
  }

  static void print(Object... what) {
    System.out.println(Arrays.deepToString(what));
  }

  static List<List<String>> rows(ResultSet result) throws SQLException {
    List<List<String>> all = new ArrayList<>();
    int width = result.getMetaData().getColumnCount();
    while (result.next()) {
      List<String> row = new ArrayList<>();
      for (int column = 1; column <= width; column++) row.add(result.getString(column));
      all.add(row);
    }
    return all;
  }

  /** Prints what comes of a statement, an error too. */
  static void attempt(Connection connection, String text) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      boolean hasRows = statement.execute(text);
      print(text, hasRows ? rows(statement.getResultSet()) : statement.getUpdateCount());
    } catch (SQLException error) {
      print(text, error.getSQLState(), error.getMessage().lines().findFirst().orElse(""));
    }
  }

  static void values() throws Exception {
    for (String options : List.of("", "&binaryTransfer=true&prepareThreshold=-1", "&prepareThreshold=0")) {
      try (Connection connection = connect(options);
          PreparedStatement statement = connection.prepareStatement(
              "SELECT ?::int4, ?::int8, ?::float8, ?::numeric, ?::text, ?::bytea, ?::timestamp, ?::bool, ?::int4[], pg_sleep(0.02)")) {
        for (int round = 0; round < 10; round++) {
          statement.setInt(1, round);
          statement.setLong(2, Long.MAX_VALUE - round);
          statement.setDouble(3, 1.0 / 3);
          statement.setBigDecimal(4, new java.math.BigDecimal("12345678901234567890.125"));
          statement.setString(5, "ünï " + round);
          statement.setBytes(6, new byte[] {0, 1, -1});
          statement.setTimestamp(7, Timestamp.valueOf("2024-02-29 12:34:56.789"));
          statement.setBoolean(8, round % 2 == 0);
          statement.setArray(9, connection.createArrayOf("int4", new Integer[] {1, null, round}));
          try (ResultSet result = statement.executeQuery()) {
            result.next();
            print(result.getInt(1), result.getLong(2), result.getDouble(3), result.getBigDecimal(4), result.getString(5),
                result.getBytes(6), result.getTimestamp(7), result.getBoolean(8), (Object[]) result.getArray(9).getArray());
          }
        }
      }
    }
  }

  static void prepareThreshold() throws Exception {
    try (Connection connection = connect("&prepareThreshold=3")) {
      attempt(connection, "CREATE TABLE prepared (id int PRIMARY KEY, name text)");
      PreparedStatement put = connection.prepareStatement("INSERT INTO prepared VALUES (?, ?)");
      PreparedStatement get = connection.prepareStatement("SELECT *, pg_sleep(0.02) FROM prepared WHERE id = ?");
      for (int id = 1; id <= 20; id++) {
        connection.setAutoCommit(id % 5 != 0);
        put.setInt(1, id % 18);
        put.setString(2, "name " + id);
        try {
          print(put.executeUpdate());
        } catch (SQLException error) {
          print(error.getSQLState());
          if (!connection.getAutoCommit()) connection.rollback();
        }
        get.setInt(1, id);
        try (ResultSet result = get.executeQuery()) {
          print(rows(result), ((PGStatement) get).isUseServerPrepare());
        }
        if (!connection.getAutoCommit()) connection.commit();
      }
      attempt(connection, "ALTER TABLE prepared ADD COLUMN more int DEFAULT 9");
      try (ResultSet result = get.executeQuery()) {
        print(rows(result));
      } catch (SQLException error) {
        print(error.getSQLState(), error.getMessage());
      }
    }
  }

  static void batch() throws Exception {
    try (Connection connection = connect("")) {
      attempt(connection, "CREATE TABLE batched (id int PRIMARY KEY, name text)");
      for (String mode : List.of("autocommit", "transaction")) {
        connection.setAutoCommit(mode.equals("autocommit"));
        try (PreparedStatement put = connection.prepareStatement("INSERT INTO batched SELECT ?, ? FROM pg_sleep(0.001)")) {
          for (int round = 0; round < 4; round++) {
            for (int n = 0; n < 50; n++) {
              put.setInt(1, round * 50 + n + (mode.equals("autocommit") ? 0 : 1000));
              put.setString(2, "name");
              put.addBatch();
            }
            print(mode, Arrays.stream(put.executeBatch()).sum());
            attempt(connection, PAUSE);
          }
          put.setInt(1, 5000);
          put.setString(2, "good");
          put.addBatch();
          put.setInt(1, 1);
          put.setString(2, "twice");
          put.addBatch();
          try {
            print((Object) put.executeBatch());
          } catch (BatchUpdateException error) {
            print(error.getSQLState(), error.getUpdateCounts());
          }
        }
        if (!connection.getAutoCommit()) connection.rollback();
        attempt(connection, "SELECT count(*), sum(id) FROM batched");
      }
      connection.commit();
    }
    try (Connection connection = connect("&reWriteBatchedInserts=true");
        PreparedStatement put = connection.prepareStatement("INSERT INTO batched VALUES (?, ?)")) {
      for (int n = 0; n < 500; n++) {
        put.setInt(1, 10000 + n);
        put.setString(2, "rewritten");
        put.addBatch();
      }
      print(put.executeBatch().length);
      attempt(connection, "SELECT count(*) FROM batched");
    }
  }

  static void fetchSize() throws Exception {
    try (Connection connection = connect("")) {
      connection.setAutoCommit(false);
      for (int size : new int[] {1, 7, 100}) {
        try (PreparedStatement statement = connection.prepareStatement("SELECT n, md5(n::text) FROM generate_series(1, ?) n");
            Statement other = connection.createStatement()) {
          statement.setFetchSize(size);
          statement.setInt(1, size * 12);
          ResultSet result = statement.executeQuery();
          long sum = 0;
          while (result.next()) {
            sum += result.getString(2).hashCode() + result.getInt(1);
            if (result.getInt(1) % (size * 3) == 0) other.execute(PAUSE);
          }
          print(size, sum);
        }
      }
      connection.commit();
      // Closed before the end, and another one in the same transaction.
      try (Statement statement = connection.createStatement()) {
        statement.setFetchSize(10);
        ResultSet result = statement.executeQuery("SELECT n FROM generate_series(1, 1000) n");
        result.next();
        attempt(connection, PAUSE);
        result.close();
        attempt(connection, "SELECT 'after'");
      }
      connection.commit();
    }
  }

  static void savepoints() throws Exception {
    try (Connection connection = connect("&autosave=never")) {
      attempt(connection, "CREATE TABLE saved (id int PRIMARY KEY)");
      connection.setAutoCommit(false);
      attempt(connection, "INSERT INTO saved VALUES (1)");
      attempt(connection, PAUSE);
      Savepoint named = connection.setSavepoint("a name");
      attempt(connection, "INSERT INTO saved VALUES (2)");
      attempt(connection, PAUSE);
      attempt(connection, "INSERT INTO saved VALUES (1)");
      attempt(connection, "SELECT 'refused'");
      connection.rollback(named);
      attempt(connection, PAUSE);
      Savepoint unnamed = connection.setSavepoint();
      attempt(connection, "INSERT INTO saved VALUES (3)");
      attempt(connection, PAUSE);
      connection.releaseSavepoint(unnamed);
      connection.commit();
      attempt(connection, "SELECT * FROM saved ORDER BY id");
      connection.rollback();
    }
    try (Connection connection = connect("&autosave=always")) {
      connection.setAutoCommit(false);
      for (int id = 1; id < 10; id++) {
        attempt(connection, "INSERT INTO saved VALUES (" + id + ")");
        attempt(connection, "SELECT pg_sleep(0.02)");
      }
      connection.commit();
      attempt(connection, "SELECT * FROM saved ORDER BY id");
      connection.commit();
    }
  }

  static void copy() throws Exception {
    try (Connection connection = connect("")) {
      attempt(connection, "CREATE TABLE copied (id int, name text)");
      CopyManager manager = connection.unwrap(PGConnection.class).getCopyAPI();
      StringBuilder text = new StringBuilder();
      for (int n = 0; n < 20000; n++) text.append(n).append("\tname ").append(n).append('\n');
      for (boolean autocommit : new boolean[] {true, false}) {
        connection.setAutoCommit(autocommit);
        print(manager.copyIn("COPY copied FROM STDIN", new StringReader(text.toString())));
        attempt(connection, PAUSE);
        StringWriter out = new StringWriter();
        print(manager.copyOut("COPY (SELECT * FROM copied ORDER BY id) TO STDOUT", out), out.toString().hashCode());
        attempt(connection, PAUSE);
        if (!autocommit) connection.commit();
        try {
          manager.copyIn("COPY copied FROM STDIN", new StringReader(text + "x\ty\n"));
        } catch (SQLException error) {
          print(error.getSQLState(), error.getMessage().lines().findFirst().orElse(""));
        }
        if (!autocommit) connection.rollback();
      }
      attempt(connection, "SELECT count(*), sum(id) FROM copied");
      connection.commit();
    }
  }

  static void isolation() throws Exception {
    try (Connection connection = connect("")) {
      connection.setAutoCommit(false);
      int[] levels = {
        Connection.TRANSACTION_READ_COMMITTED, Connection.TRANSACTION_REPEATABLE_READ, Connection.TRANSACTION_SERIALIZABLE
      };
      for (int level : levels) {
        connection.setTransactionIsolation(level);
        attempt(connection, PAUSE);
        attempt(connection, "SHOW transaction_isolation");
        connection.commit();
      }
      connection.setReadOnly(true);
      attempt(connection, PAUSE);
      attempt(connection, "CREATE TABLE refused (id int)");
      connection.rollback();
      connection.setReadOnly(false);
      connection.setSchema("pg_catalog");
      attempt(connection, PAUSE);
      print(connection.getSchema(), connection.getCatalog(), connection.isValid(5));
      connection.commit();
    }
  }

  static void notifications() throws Exception {
    try (Connection listener = connect(""); Connection speaker = connect("")) {
      attempt(listener, "LISTEN news");
      for (int number = 0; number < 20; number++) {
        attempt(speaker, "NOTIFY news, '" + number + "'");
        attempt(speaker, "SELECT pg_sleep(0.02)");
        PGNotification[] heard = listener.unwrap(PGConnection.class).getNotifications(10_000);
        for (PGNotification one : heard == null ? new PGNotification[0] : heard) print(one.getName(), one.getParameter());
      }
    }
  }

  static void cancel() throws Exception {
    try (Connection connection = connect(""); Connection watcher = connect("")) {
      for (int round = 0; round < 3; round++) {
        String text = "SELECT pg_sleep(30), 'round " + round + "'";
        try (Statement statement = connection.createStatement();
            PreparedStatement watching =
                watcher.prepareStatement("SELECT 1 FROM pg_stat_activity WHERE query = ? AND state = 'active'")) {
          Thread canceller = new Thread(() -> {
            try {
              watching.setString(1, text);
              while (true) {
                try (ResultSet found = watching.executeQuery()) {
                  if (found.next()) break;
                }
              }
              statement.cancel();
            } catch (SQLException error) {
              print(error.getMessage());
            }
          });
          canceller.start();
          try {
            statement.execute(text);
            print("not cancelled");
          } catch (SQLException error) {
            print(error.getSQLState(), error.getMessage());
          }
          canceller.join();
          attempt(connection, PAUSE);
        }
      }
    }
    try (Connection connection = connect(""); Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      try {
        statement.execute("SELECT pg_sleep(30)");
      } catch (SQLException error) {
        print(error.getSQLState(), error.getMessage());
      }
    }
  }

  static void metadata() throws Exception {
    try (Connection connection = connect("")) {
      attempt(connection, "CREATE TABLE described (id serial PRIMARY KEY, name varchar(20) NOT NULL, list int[], at timestamptz)");
      for (int round = 0; round < 5; round++) {
        DatabaseMetaData data = connection.getMetaData();
        for (List<String> row : rows(data.getColumns(null, "public", "described", null))) print(row.get(3), row.get(5), row.get(6));
        print(rows(data.getPrimaryKeys(null, "public", "described")));
        attempt(connection, PAUSE);
        try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM described WHERE id = ? AND name = ?")) {
          print(statement.getParameterMetaData().getParameterTypeName(1), statement.getMetaData().getColumnTypeName(3));
        }
      }
    }
  }

  static void generatedKeys() throws Exception {
    try (Connection connection = connect("")) {
      attempt(connection, "CREATE TABLE keyed (id serial PRIMARY KEY, name text)");
      try (PreparedStatement put =
          connection.prepareStatement("INSERT INTO keyed (name) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
        for (int n = 0; n < 20; n++) {
          put.setString(1, "name " + n);
          put.executeUpdate();
          print(rows(put.getGeneratedKeys()));
          if (n % 4 == 0) attempt(connection, PAUSE);
        }
      }
      try (CallableStatement call = connection.prepareCall("{? = call upper(?)}")) {
        call.registerOutParameter(1, Types.VARCHAR);
        call.setString(2, "called");
        call.execute();
        print(call.getString(1));
      }
    }
  }

  static void simpleMode() throws Exception {
    try (Connection connection = connect("&preferQueryMode=simple")) {
      attempt(connection, "CREATE TABLE plain (id int PRIMARY KEY, name text)");
      try (PreparedStatement put = connection.prepareStatement("INSERT INTO plain VALUES (?, ?)")) {
        for (int n = 0; n < 20; n++) {
          connection.setAutoCommit(n % 3 != 0);
          put.setInt(1, n);
          put.setString(2, "it's " + n);
          print(put.executeUpdate());
          attempt(connection, "SELECT count(*), pg_sleep(0.03) FROM plain");
          if (!connection.getAutoCommit()) connection.commit();
        }
      }
    }
  }

  static void unrepeatable() throws Exception {
    try (Connection connection = connect("")) {
      attempt(connection, "CREATE TABLE told (at timestamptz)");
      connection.setAutoCommit(false);
      int failures = 0;
      boolean first = true;
      while (failures < MAX_ATTEMPTS) {
        try (Statement statement = connection.createStatement()) {
          ResultSet result = statement.executeQuery("SELECT clock_timestamp()");
          result.next();
          String now = result.getString(1);
          // Long enough, the first time, that the session is moved.
          statement.execute("SELECT pg_sleep(" + (first ? 0.5 : 0) + ")");
          first = false;
          statement.execute("INSERT INTO told VALUES ('" + now + "')");
          connection.commit();
          break;
        } catch (SQLException error) {
          if (!"40001".equals(error.getSQLState())) throw error;
          first = false;
          failures++;
          connection.rollback();
        }
      }
      attempt(connection, "SELECT count(*) FROM told");
      connection.commit();
      if ((failures > 0) != "moving".equals(System.getenv("WAY"))) {
        throw new IllegalStateException(failures + " transactions were told to retry");
      }
    }
  }

  interface Case {
    void run() throws Exception;
  }

  public static void main(String[] args) throws Exception {
    Map<String, Case> cases = new HashMap<>();
    cases.put("values", JdbcCases::values);
    cases.put("prepare-threshold", JdbcCases::prepareThreshold);
    cases.put("batch", JdbcCases::batch);
    cases.put("fetch-size", JdbcCases::fetchSize);
    cases.put("savepoints", JdbcCases::savepoints);
    cases.put("copy", JdbcCases::copy);
    cases.put("isolation", JdbcCases::isolation);
    cases.put("notifications", JdbcCases::notifications);
    cases.put("cancel", JdbcCases::cancel);
    cases.put("metadata", JdbcCases::metadata);
    cases.put("generated-keys", JdbcCases::generatedKeys);
    cases.put("simple-mode", JdbcCases::simpleMode);
    cases.put("unrepeatable", JdbcCases::unrepeatable);
    cases.get(args[0]).run();
  }
}
