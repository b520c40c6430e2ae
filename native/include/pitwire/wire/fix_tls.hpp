// TLS of a FIX connection: what the configuration says of it.
#pragma once

#include <memory>
#include <string>

namespace pitwire {

struct TlsConfig {
  std::string
      ca_file;  ///< PEM; empty: the system's for a client, no client certificates for a server
  std::string certificate;  ///< PEM chain of ours; a server must have one
  std::string private_key;  ///< PEM of it
  std::string
      host_name;  ///< client: checked against the certificate and sent as SNI; empty: the host
  bool require_client_certificate = false;  ///< server
};

/// An SSL_CTX (TLS 1.2 or newer), shared by the connections made from it.
class TlsContext {
 public:
  /// Throws std::invalid_argument with the key, the file and OpenSSL's reason.
  static std::shared_ptr<TlsContext> client(const TlsConfig& config);
  static std::shared_ptr<TlsContext> server(const TlsConfig& config);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  [[nodiscard]] void* native() const noexcept { return context_; }  ///< SSL_CTX*

 private:
  explicit TlsContext(void* context) : context_(context) {}
  void* context_;
};

}  // namespace pitwire
