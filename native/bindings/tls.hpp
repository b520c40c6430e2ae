// A client's TLS settings as Python gives them.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "pitwire/wire/fix_tls.hpp"

namespace pitwire {

/// Of a dictionary with ca_file, certificate_file, key_file and server_name; None is no TLS.
inline std::optional<TlsConfig> client_tls_of(const pybind11::object& given) {
  if (given.is_none()) return std::nullopt;
  const auto text = [&given](const char* key) { return given[key].cast<std::string>(); };
  TlsConfig tls;
  tls.ca_file = text("ca_file");
  tls.certificate = text("certificate_file");
  tls.private_key = text("key_file");
  tls.host_name = text("server_name");
  return tls;
}

}  // namespace pitwire
