// TLS settings as Python gives them.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <optional>
#include <string>

#include "pitwire/wire/fix_tls.hpp"

namespace pitwire {

/// ca_file, crl_file, certificate_file, key_file, server_name, require_client_certificate ("yes"):
/// what is missing is empty. None is no TLS.
using TlsFiles = std::optional<std::map<std::string, std::string>>;

inline std::optional<TlsConfig> tls_of(const TlsFiles& files) {
  if (!files) return std::nullopt;
  const auto value = [&](const char* key) {
    const auto found = files->find(key);
    return found == files->end() ? std::string() : found->second;
  };
  TlsConfig tls;
  tls.ca_file = value("ca_file");
  tls.crl_file = value("crl_file");
  tls.certificate = value("certificate_file");
  tls.private_key = value("key_file");
  tls.host_name = value("server_name");
  tls.require_client_certificate = value("require_client_certificate") == "yes";
  return tls;
}

}  // namespace pitwire
