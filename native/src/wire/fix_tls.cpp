#include "pitwire/wire/fix_tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <csignal>
#include <stdexcept>

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
  load_identity(context, config);
  if (config.require_client_certificate) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return owner;
}

TlsContext::~TlsContext() { SSL_CTX_free(static_cast<SSL_CTX*>(context_)); }

}  // namespace pitwire
