package pitwire;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import quickfix.DefaultMessageFactory;
import quickfix.FieldNotFound;
import quickfix.FileStoreFactory;
import quickfix.Message;
import quickfix.SLF4JLogFactory;
import quickfix.Session;
import quickfix.SessionID;
import quickfix.SessionNotFound;
import quickfix.SessionSettings;
import quickfix.SocketAcceptor;
import quickfix.UnsupportedMessageType;

/**
 * An acceptor: {@code Venue PORT TRADES STORE [KEYS TRUST]}. Every 23rd order is rejected, a quarter
 * is filled at once, a quarter in two parts, the others rest until they are replaced or cancelled.
 * TRADES is its record, as `pitwire exchange` writes one. Reads commands: {@code drop} ends the
 * connection and fills, while nobody listens, what rests; {@code forget N} and {@code skip N} say
 * before that how many messages it shall have forgotten then, and how many numbers of its own it
 * leaves out; {@code count} says how many orders it got, {@code quit} ends it.
 */
public final class Venue extends Peer {
  private static final class Order {
    String id;
    Message last;
    BigDecimal qty;
    BigDecimal done = BigDecimal.ZERO;
    BigDecimal paid = BigDecimal.ZERO;
    String price;
    String status;
  }

  private final Map<String, Order> orders = new LinkedHashMap<>(); // by each ClOrdID of its chain
  private final PrintWriter trades;
  private int count;
  private int executions;
  private volatile boolean dropped;
  private volatile int forget;
  private volatile int skip;
  private final SessionID session = new SessionID("FIX.4.4", "EXCHANGE", "PITWIRE");

  private Venue(Path file) throws IOException {
    trades = new PrintWriter(Files.newBufferedWriter(file), true);
    trades.println("exec_id,cl_ord_id,symbol,side,px,qty,fee,aggressor");
  }

  @Override
  public synchronized void fromApp(Message message, SessionID id)
      throws FieldNotFound, UnsupportedMessageType {
    switch (message.getHeader().getString(35)) {
      case "D" -> order(message);
      case "F" -> cancel(message);
      case "G" -> replace(message);
      case "H" -> status(message);
      case "q" -> cancelAll(message);
      default -> throw new UnsupportedMessageType();
    }
  }

  private void order(Message message) throws FieldNotFound {
    ++count;
    Order order = new Order();
    order.id = message.getString(11);
    order.last = message;
    order.qty = message.getDecimal(38);
    order.price = message.getString(44);
    if (orders.putIfAbsent(order.id, order) != null) {
      throw new IllegalStateException("doubled: " + order.id);
    }
    if (count % 23 == 0) {
      order.status = "8";
      report(order, "8", null, null, "no 23rd orders");
      return;
    }
    order.status = "0";
    report(order, "0", null, null, null);
    boolean whole = order.qty.compareTo(BigDecimal.ONE) == 0;
    if (count % 4 == 0 || (count % 4 == 1 && whole)) {
      fill(order, order.qty);
    } else if (count % 4 == 1) {
      fill(order, BigDecimal.ONE);
      fill(order, order.qty.subtract(BigDecimal.ONE));
    }
  }

  private void fill(Order order, BigDecimal qty) throws FieldNotFound {
    order.done = order.done.add(qty);
    order.paid = order.paid.add(qty.multiply(new BigDecimal(order.price)));
    order.status = order.done.compareTo(order.qty) == 0 ? "2" : "1";
    report(order, "F", qty, null, null);
    trades.printf(
        "%s,%s,%s,%s,%s,%s,0,1%n",
        "J" + executions, order.id, order.last.getString(55),
        order.last.getString(54).equals("1") ? "BUY" : "SELL", order.price, qty);
  }

  private boolean rests(Order order) {
    return order != null && (order.status.equals("0") || order.status.equals("1"));
  }

  private void cancel(Message message) throws FieldNotFound {
    Order order = orders.get(message.getString(41));
    if (!rests(order)) {
      reject(message, order, "1");
      return;
    }
    String original = order.id;
    rename(order, message);
    order.status = "4";
    report(order, "4", null, original, null);
  }

  private void replace(Message message) throws FieldNotFound {
    Order order = orders.get(message.getString(41));
    if (!rests(order) || message.getDecimal(38).compareTo(order.done) <= 0) {
      reject(message, order, "2");
      return;
    }
    String original = order.id;
    rename(order, message);
    order.qty = message.getDecimal(38);
    order.price = message.getString(44);
    report(order, "5", null, original, null);
  }

  private void cancelAll(Message message) throws FieldNotFound {
    for (Order order : new ArrayList<>(orders.values())) {
      boolean meant =
          !message.isSetField(55) || message.getString(55).equals(order.last.getString(55));
      if (rests(order) && meant) {
        order.status = "4";
        report(order, "4", null, null, null);
      }
    }
    Message out = new Message();
    out.getHeader().setString(35, "r");
    out.setString(11, message.getString(11));
    out.setString(37, "M" + ++executions);
    out.setString(530, message.getString(530));
    out.setString(531, message.getString(530));
    send(out);
  }

  private void rename(Order order, Message message) throws FieldNotFound {
    order.id = message.getString(11);
    orders.put(order.id, order);
  }

  private void status(Message message) throws FieldNotFound {
    Order order = orders.get(message.getString(11));
    if (order == null) {
      order = new Order();
      order.id = message.getString(11);
      order.last = message;
      order.qty = BigDecimal.ZERO;
      order.price = "0";
      order.status = "8";
    }
    report(order, "I", null, null, order.status.equals("8") ? "unknown order" : null);
  }

  private void report(Order order, String type, BigDecimal qty, String original, String text)
      throws FieldNotFound {
    Message out = new Message();
    out.getHeader().setString(35, "8");
    out.setString(37, "V" + order.id);
    out.setString(11, order.id);
    if (original != null) {
      out.setString(41, original);
    }
    out.setString(17, "J" + ++executions);
    out.setString(150, type);
    out.setString(39, order.status);
    out.setString(55, order.last.getString(55));
    out.setString(54, order.last.getString(54));
    out.setDecimal(38, order.qty);
    out.setString(44, order.price);
    out.setDecimal(14, order.done);
    boolean live = order.status.compareTo("2") < 0;
    out.setDecimal(151, live ? order.qty.subtract(order.done) : BigDecimal.ZERO);
    BigDecimal shares = order.done.max(BigDecimal.ONE);
    out.setDecimal(6, order.paid.divide(shares, 8, RoundingMode.HALF_UP));
    if (qty != null) {
      out.setDecimal(32, qty);
      out.setString(31, order.price);
      out.setString(12, "0");
      out.setString(13, "3");
      out.setString(851, "2");
    }
    if (text != null) {
      out.setString(58, text);
    }
    send(out);
  }

  private void reject(Message message, Order order, String to) throws FieldNotFound {
    Message out = new Message();
    out.getHeader().setString(35, "9");
    out.setString(37, order == null ? "NONE" : "V" + order.id);
    out.setString(11, message.getString(11));
    out.setString(41, message.getString(41));
    out.setString(39, order == null ? "8" : order.status);
    out.setString(434, to);
    out.setString(102, order == null ? "1" : "0");
    send(out);
  }

  private void send(Message message) {
    try {
      Session.sendToTarget(message, session);
    } catch (SessionNotFound gone) {
      throw new IllegalStateException(gone);
    }
  }

  @Override
  public synchronized void onLogout(SessionID id) {
    try {
      for (Order order : new ArrayList<>(orders.values())) {
        if (dropped && rests(order)) {
          fill(order, order.qty.subtract(order.done));
        }
      }
      dropped = false;
      Session own = Session.lookupSession(id);
      own.setNextTargetMsgSeqNum(own.getExpectedTargetNum() - forget);
      own.setNextSenderMsgSeqNum(own.getExpectedSenderNum() + skip);
      forget = 0;
      skip = 0;
    } catch (IOException | FieldNotFound wrong) {
      throw new IllegalStateException(wrong);
    }
    super.onLogout(id);
  }

  private void obey(BufferedReader in) throws IOException {
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ");
      switch (words[0]) {
        case "forget" -> forget = Integer.parseInt(words[1]);
        case "skip" -> skip = Integer.parseInt(words[1]);
        case "count" -> say("orders " + count);
        case "drop" -> {
          dropped = true;
          Session.lookupSession(session).disconnect("asked to", false);
        }
        default -> {
          return;
        }
      }
    }
  }

  public static void main(String[] words) throws Exception {
    Venue venue = new Venue(Path.of(words[1]));
    int port = Integer.parseInt(words[0]);
    Path store = Path.of(words[2]);
    SessionSettings settings =
        settings(true, "EXCHANGE", "PITWIRE", port, store, stores(words, 3));
    SocketAcceptor acceptor =
        new SocketAcceptor(
            venue,
            new FileStoreFactory(settings),
            settings,
            new SLF4JLogFactory(settings),
            new DefaultMessageFactory());
    acceptor.start();
    say("ready");
    venue.obey(new BufferedReader(new InputStreamReader(System.in)));
    acceptor.stop();
  }
}
