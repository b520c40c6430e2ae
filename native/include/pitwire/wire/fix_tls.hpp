// TLS of a FIX connection: what the configuration says of it.
#pragma once

#include <array>
#include <cstdint>
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
  std::string crl_file{};  ///< PEM; the peer's certificate is refused where it is in it
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

/// Where a side's context comes from: its files, taken anew for the next connection once any of
/// them has changed. What cannot be taken leaves the context before it in use, and is said once.
class TlsSource {
 public:
  enum class Side : std::uint8_t { CLIENT, SERVER };
  /// Throws as TlsContext's makers.
  TlsSource(TlsConfig config, Side side);
  /// For a connection that begins now; looks at the files' names, so a system call for each.
  [[nodiscard]] const std::shared_ptr<TlsContext>& context();
  /// Why the newest files were not taken; empty where they were, or since the last call.
  [[nodiscard]] std::string take_fault();

 private:
  struct Stamp {
    std::uint64_t file = 0, size = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  using Stamps = std::array<Stamp, 4>;
  [[nodiscard]] Stamps stamps() const noexcept;
  [[nodiscard]] std::shared_ptr<TlsContext> made() const;

  TlsConfig config_;
  Side side_;
  Stamps taken_{};
  std::shared_ptr<TlsContext> context_;
  std::string fault_;
};

}  // namespace pitwire
