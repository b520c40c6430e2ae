package pitwire;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import quickfix.DefaultMessageFactory;
import quickfix.FieldNotFound;
import quickfix.FileStoreFactory;
import quickfix.Message;
import quickfix.SLF4JLogFactory;
import quickfix.Session;
import quickfix.SessionID;
import quickfix.SessionNotFound;
import quickfix.SessionSettings;
import quickfix.SocketInitiator;

/**
 * An initiator: {@code Client PORT ORDERS RECORD STORE MODE [KEYS TRUST]}. Of five orders two cross
 * the book, one is cancelled, one replaced and then cancelled, one names an unknown symbol. With
 * MODE {@code gaps} it drops its connection four times, forgets the last reports before every second
 * logon and leaves out numbers of its own before the others; with {@code reset} it begins anew each
 * time. RECORD gets a line for each execution and each cancel reject; the end is a line of counts.
 */
public final class Client extends Peer {
  private static final int IN_FLIGHT_MAX = 200;
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd-HH:mm:ss.SSS");

  private final SessionID session = new SessionID("FIX.4.4", "QFJ", "EXCHANGE");
  private final Semaphore room = new Semaphore(IN_FLIGHT_MAX);
  private final Map<String, String> roots = new HashMap<>(); // ClOrdID to the number of its order
  private final Map<String, Integer> seen = new HashMap<>(); // ExecID, how often
  private final PrintWriter record;
  private final CountDownLatch all;
  private volatile CountDownLatch logon = new CountDownLatch(1);
  private long next = 1;
  private int repeated;

  private Client(Path file, int orders) throws Exception {
    record = new PrintWriter(Files.newBufferedWriter(file));
    record.println("kind,order,exec_id,symbol,side,px,qty,possdup");
    all = new CountDownLatch(orders);
  }

  @Override
  public void onLogon(SessionID id) {
    super.onLogon(id);
    logon.countDown();
  }

  @Override
  public synchronized void fromApp(Message message, SessionID id) throws FieldNotFound {
    boolean dup = message.getHeader().isSetField(43);
    if (message.getHeader().getString(35).equals("9")) {
      record.printf("cancel_reject,%s,,,,,,%s%n", roots.get(message.getString(11)), dup);
      return;
    }
    String order = roots.get(message.getString(11));
    if (order == null) {
      throw new IllegalStateException("a report of no order: " + message);
    }
    if (seen.merge(message.getString(17), 1, Integer::sum) > 1) {
      if (!dup) {
        throw new IllegalStateException("doubled without PossDup: " + message);
      }
      ++repeated;
      return;
    }
    String type = message.getString(150);
    record.printf(
        "%s,%s,%s,%s,%s,%s,%s,%s%n", type, order, message.getString(17), message.getString(55),
        message.getString(54), type.equals("F") ? message.getString(31) : "",
        type.equals("F") ? message.getString(32) : "", dup);
    follow(message, type, Long.parseLong(order));
  }

  private void follow(Message report, String type, long order) throws FieldNotFound {
    String status = report.getString(39);
    if (status.equals("2") || status.equals("4") || status.equals("8") || status.equals("C")) {
      all.countDown();
      room.release();
    } else if (type.equals("0") && order % 5 == 2) {
      amend(report, "F");
    } else if (type.equals("0") && order % 5 == 3) {
      amend(report, "G");
    } else if (type.equals("5")) {
      amend(report, "F");
    }
  }

  private void amend(Message report, String type) throws FieldNotFound {
    Message out = message(type, report.getString(55), report.getString(54));
    out.setString(41, report.getString(11));
    roots.put(out.getString(11), roots.get(report.getString(11)));
    if (type.equals("G")) {
      out.setString(44, "81.00");
      out.setString(40, "2");
      out.setString(21, "1");
    }
    send(out);
  }

  private synchronized void order(long number) throws FieldNotFound {
    int kind = (int) (number % 5);
    Message out = message("D", kind == 4 ? "NOPE" : "ACME", kind == 1 ? "2" : "1");
    roots.put(out.getString(11), String.valueOf(number));
    out.setString(40, "2");
    out.setString(21, "1");
    out.setString(59, kind < 2 ? "3" : "0"); // IOC where it crosses
    out.setString(44, kind == 0 ? "120.00" : "80.00");
    send(out);
  }

  private Message message(String type, String symbol, String side) {
    Message out = new Message();
    out.getHeader().setString(35, type);
    out.setString(11, String.format("%016X", next++));
    out.setString(55, symbol);
    out.setString(54, side);
    out.setString(38, "1");
    out.setString(60, TIME.format(LocalDateTime.now(ZoneOffset.UTC)));
    return out;
  }

  private void send(Message message) {
    try {
      Session.sendToTarget(message, session);
    } catch (SessionNotFound gone) {
      throw new IllegalStateException(gone);
    }
  }

  /** Waits until nothing is in flight, drops the connection, and logs on as the mode says. */
  private void drop(String mode, int time) throws Exception {
    room.acquire(IN_FLIGHT_MAX);
    Session own = Session.lookupSession(session);
    logon = new CountDownLatch(1);
    own.disconnect("asked to", false);
    synchronized (this) {
      if (mode.equals("reset")) {
        own.reset();
      } else if (time % 2 == 0) {
        own.setNextTargetMsgSeqNum(own.getExpectedTargetNum() - 40);
      } else {
        own.setNextSenderMsgSeqNum(own.getExpectedSenderNum() + 3);
      }
    }
    logon.await();
    room.release(IN_FLIGHT_MAX);
  }

  public static void main(String[] words) throws Exception {
    int orders = Integer.parseInt(words[1]);
    Client client = new Client(Path.of(words[2]), orders);
    String mode = words[4];
    SessionSettings settings =
        settings(
            false, "QFJ", "EXCHANGE", Integer.parseInt(words[0]), Path.of(words[3]),
            stores(words, 5));
    if (mode.equals("reset")) {
      settings.setString(client.session, "ResetOnLogon", "Y");
    }
    SocketInitiator initiator =
        new SocketInitiator(
            client,
            new FileStoreFactory(settings),
            settings,
            new SLF4JLogFactory(settings),
            new DefaultMessageFactory());
    initiator.start();
    client.logon.await();
    for (int number = 1; number <= orders; ++number) {
      client.room.acquire();
      client.order(number);
      if (!mode.equals("plain") && number % (orders / 5) == 0 && number < orders) {
        client.drop(mode, number / (orders / 5));
      }
    }
    client.all.await();
    initiator.stop();
    client.record.close();
    say("orders " + orders + " repeated " + client.repeated);
  }
}
