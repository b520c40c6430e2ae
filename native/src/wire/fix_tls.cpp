#include "pitwire/wire/fix_tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/stat.h>

#include <csignal>
#include <stdexcept>
#include <utility>

namespace pitwire {
namespace {

[[noreturn]] void refuse(const char* key, const std::string& file) {
  char reason[256] = "unknown";
  const unsigned long code = ERR_get_error();
  if (code != 0) ERR_error_string_n(code, reason, sizeof reason);
  ERR_clear_error();
  throw std::invalid_argument(std::string("tls, ") + key + ", " + file + ": " + reason);
}

void load_identity(SSL_CTX* context, const TlsConfig& config) {
  if (config.certificate.empty()) return;
  if (SSL_CTX_use_certificate_chain_file(context, config.certificate.c_str()) != 1) {
    refuse("certificate", config.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context, config.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
    refuse("private_key", config.private_key);
  }
  if (SSL_CTX_check_private_key(context) != 1) refuse("private_key", config.private_key);
}

void load_authorities(SSL_CTX* context, const TlsConfig& config) {
  if (!config.ca_file.empty() &&
      SSL_CTX_load_verify_locations(context, config.ca_file.c_str(), nullptr) != 1) {
    refuse("ca_file", config.ca_file);
  }
}

// Against the peer's own certificate: whoever issues the list may not say anything of the others.
void load_revoked(SSL_CTX* context, const TlsConfig& config) {
  if (config.crl_file.empty()) return;
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  X509_LOOKUP* const lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
  if (lookup == nullptr ||
      X509_load_crl_file(lookup, config.crl_file.c_str(), X509_FILETYPE_PEM) < 1) {
    refuse("crl_file", config.crl_file);
  }
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
}

// OpenSSL writes without MSG_NOSIGNAL: a peer that left must not end the process. Python ignores
// the signal already; a handler that someone set is left alone.
void ignore_broken_pipes() {
  struct sigaction action{};
  if (sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) {
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, nullptr);
  }
}

SSL_CTX* new_context(const SSL_METHOD* method) {
  ignore_broken_pipes();
  SSL_CTX* const context = SSL_CTX_new(method);
  if (context == nullptr) refuse("context", "OpenSSL");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // No key below 112 bits of security and no SHA-1, whatever the host's configuration says.
  SSL_CTX_set_security_level(context, 2);
  // A write that is tried again may come from elsewhere: the outbound buffer moves.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

}  // namespace

std::shared_ptr<TlsContext> TlsContext::client(const TlsConfig& config) {
  SSL_CTX* const context = new_context(TLS_client_method());
  std::shared_ptr<TlsContext> owner(new TlsContext(context));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (config.ca_file.empty()) SSL_CTX_set_default_verify_paths(context);
  load_authorities(context, config);
  load_revoked(context, config);
  load_identity(context, config);
  return owner;
}

std::shared_ptr<TlsContext> TlsContext::server(const TlsConfig& config) {
  if (config.certificate.empty())
    throw std::invalid_argument("tls, certificate: a server must have one");
  if (config.require_client_certificate && config.ca_file.empty()) {
    throw std::invalid_argument("tls, ca_file: needed with require_client_certificate");
  }
  SSL_CTX* const context = new_context(TLS_server_method());
  std::shared_ptr<TlsContext> owner(new TlsContext(context));
  load_authorities(context, config);
  load_revoked(context, config);
  load_identity(context, config);
  if (config.require_client_certificate) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return owner;
}

TlsSource::TlsSource(TlsConfig config, Side side)
    : config_(std::move(config)), side_(side), taken_(stamps()), context_(made()) {}

std::shared_ptr<TlsContext> TlsSource::made() const {
  return side_ == Side::CLIENT ? TlsContext::client(config_) : TlsContext::server(config_);
}

TlsSource::Stamps TlsSource::stamps() const noexcept {
  const std::array files{&config_.ca_file, &config_.certificate, &config_.private_key,
                         &config_.crl_file};
  Stamps out{};
  for (std::size_t i = 0; i < files.size(); ++i) {
    struct stat found{};
    if (files[i]->empty() || stat(files[i]->c_str(), &found) != 0) continue;
    out[i] = {found.st_ino, static_cast<std::uint64_t>(found.st_size),
              found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec};
  }
  return out;
}

const std::shared_ptr<TlsContext>& TlsSource::context() {
  const Stamps now = stamps();
  if (now == taken_) return context_;
  taken_ = now;  // also where they cannot be used: said once, tried again when they change
  try {
    context_ = made();
    fault_.clear();
  } catch (const std::exception& error) {
    fault_ = std::string(error.what()) + "; the files before are still used";
  }
  return context_;
}

std::string TlsSource::take_fault() { return std::exchange(fault_, {}); }

TlsContext::~TlsContext() { SSL_CTX_free(static_cast<SSL_CTX*>(context_)); }

}  // namespace pitwire
