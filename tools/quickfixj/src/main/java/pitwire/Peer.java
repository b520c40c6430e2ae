package pitwire;

import java.nio.file.Path;
import quickfix.Application;
import quickfix.Message;
import quickfix.SessionID;
import quickfix.SessionSettings;

/** What both sides share: QuickFIX/J as it comes, with files for its store, and TLS where asked for. */
abstract class Peer implements Application {
  /**
   * Of one session, FIX 4.4.
   *
   * @param tls a key store and a trust store in PKCS12, their password "pitwire"; empty without TLS
   */
  static SessionSettings settings(
      boolean acceptor, String sender, String target, int port, Path store, Path[] tls) {
    SessionSettings settings = new SessionSettings();
    SessionID session = new SessionID("FIX.4.4", sender, target);
    settings.setString("ConnectionType", acceptor ? "acceptor" : "initiator");
    settings.setString("StartTime", "00:00:00");
    settings.setString("EndTime", "00:00:00");
    settings.setString("NonStopSession", "Y");
    settings.setString("HeartBtInt", "10");
    settings.setString("ReconnectInterval", "1");
    settings.setString("FileStorePath", store.toString());
    settings.setString("DataDictionary", "FIX44.xml");
    settings.setString("ValidateUserDefinedFields", "N");
    settings.setString("SocketTcpNoDelay", "Y");
    settings.setString(acceptor ? "SocketAcceptPort" : "SocketConnectPort", String.valueOf(port));
    settings.setString(acceptor ? "SocketAcceptAddress" : "SocketConnectHost", "127.0.0.1");
    if (tls.length == 2) {
      settings.setString("SocketUseSSL", "Y");
      // Not 1.3: its MINA (2.1) keeps back for good what is written while the handshake ends.
      settings.setString("EnabledProtocols", "TLSv1.2");
      settings.setString("SocketKeyStore", tls[0].toString());
      settings.setString("SocketKeyStorePassword", "pitwire");
      settings.setString("KeyStoreType", "PKCS12");
      settings.setString("SocketTrustStore", tls[1].toString());
      settings.setString("SocketTrustStorePassword", "pitwire");
      settings.setString("TrustStoreType", "PKCS12");
      settings.setString("NeedClientAuth", "Y");
    }
    settings.setString(session, "BeginString", "FIX.4.4");
    settings.setString(session, "SenderCompID", sender);
    settings.setString(session, "TargetCompID", target);
    return settings;
  }

  static Path[] stores(String[] words, int from) {
    return words.length < from + 2
        ? new Path[0]
        : new Path[] {Path.of(words[from]), Path.of(words[from + 1])};
  }

  static void say(String text) {
    System.out.println(text);
    System.out.flush();
  }

  @Override
  public void onCreate(SessionID session) {}

  @Override
  public void onLogon(SessionID session) {
    say("logon");
  }

  @Override
  public void onLogout(SessionID session) {
    say("logout");
  }

  @Override
  public void toAdmin(Message message, SessionID session) {}

  @Override
  public void fromAdmin(Message message, SessionID session) {}

  @Override
  public void toApp(Message message, SessionID session) {}
}
