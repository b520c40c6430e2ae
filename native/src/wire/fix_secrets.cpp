#include "pitwire/wire/fix_secrets.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "pitwire/wire/fix_framer.hpp"

namespace pitwire {
namespace {

constexpr char kSoh = '\x01';
constexpr std::string_view kBodyLengthField =
    "\x01"
    "9=";

// A message as its three parts; the body stands between BodyLength and CheckSum.
struct Parts {
  std::string_view begin_string;
  std::string_view body;
};

Parts parts_of(std::string_view message) {
  const std::size_t length = message.find(kBodyLengthField);
  const std::size_t body = message.find(kSoh, length + 1) + 1;
  const std::size_t trailer = message.size() - 7;
  return {message.substr(0, length + 1), message.substr(body, trailer - body)};
}

void assemble(std::string_view begin_string, std::string_view body, std::string& out) {
  out.assign(begin_string);
  out += "9=" + std::to_string(body.size()) + kSoh;
  out += body;
  char trailer[16];
  std::snprintf(trailer, sizeof trailer, "10=%03u\x01", fix_check_sum(out));
  out += trailer;
}

bool replace_all(std::string& text, std::string_view from, std::string_view to) {
  bool found = false;
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
    found = true;
  }
  return found;
}

// RawDataLength (95) stands before RawData (96) and must say its size.
void fix_raw_data_length(std::string& body) {
  const std::size_t data = body.find(
      "\x01"
      "96=");
  const std::size_t length = body.rfind(
      "\x01"
      "95=",
      data);
  if (data == std::string::npos || length == std::string::npos) return;
  const std::size_t data_end = std::min(body.find(kSoh, data + 1), body.size());
  const std::string size = std::to_string(data_end - data - 4);
  const std::size_t length_end = body.find(kSoh, length + 1);
  body.replace(length + 4, length_end - length - 4, size);
}

// Fields that a session or an order is known by: a user name that is also a CompID stays what it
// is.
bool is_identity(std::string_view tag) {
  static constexpr std::string_view kTags[] = {"35",  "34", "43", "49",  "50",  "52",  "56",
                                               "57",  "95", "97", "115", "116", "122", "128",
                                               "129", "11", "17", "37",  "41"};
  return std::find(std::begin(kTags), std::end(kTags), tag) != std::end(kTags);
}

// A short secret is masked only where it is a whole value: "1" is in every message.
constexpr std::size_t kMaskedInsideBytes = 6;

bool mask_field(std::string& field, const FixSecret& secret) {
  const std::size_t equals = field.find('=');
  if (equals == std::string::npos || is_identity(std::string_view(field).substr(0, equals)))
    return false;
  const std::string tag = field.substr(0, equals + 1);
  std::string value = field.substr(equals + 1);
  const bool inside = secret.secret.size() >= kMaskedInsideBytes;
  if (!inside && value != secret.secret) return false;
  if (!replace_all(value, secret.secret, secret.placeholder)) return false;
  field = tag + value;
  return true;
}

bool is_message(std::string_view message) {
  return message.size() > 20 && message.find(kBodyLengthField) != std::string_view::npos;
}

void check(const FixSecret& secret, const char* which, const std::string& value) {
  if (value.empty() || value.find(kSoh) != std::string::npos) {
    throw std::invalid_argument("secret of placeholder \"" + secret.placeholder + "\": " + which +
                                " is empty or holds SOH");
  }
}

}  // namespace

FixSecrets::FixSecrets(std::vector<FixSecret> secrets) : secrets_(std::move(secrets)) {
  for (auto secret = secrets_.begin(); secret != secrets_.end(); ++secret) {
    check(*secret, "the placeholder", secret->placeholder);
    check(*secret, "the secret", secret->secret);
    const auto same = [&](const FixSecret& other) {
      return other.placeholder == secret->placeholder;
    };
    if (std::any_of(secrets_.begin(), secret, same)) {
      throw std::invalid_argument("placeholder \"" + secret->placeholder + "\": given twice");
    }
  }
}

bool FixSecrets::reveal(std::string_view message, std::string& out) const {
  if (secrets_.empty() || !is_message(message)) return false;
  const std::string_view type = fix_field(message, "35");
  if (type != "A" && type != "BE") return false;
  const Parts parts = parts_of(message);
  std::string body(1, kSoh);  // so that every field has an SOH on both sides
  body += parts.body;
  bool found = false;
  for (const FixSecret& secret : secrets_) {
    found |= replace_all(body, '=' + secret.placeholder + kSoh, '=' + secret.secret + kSoh);
  }
  if (!found) return false;
  fix_raw_data_length(body);
  assemble(parts.begin_string, std::string_view(body).substr(1), out);
  return true;
}

bool FixSecrets::mask(std::string_view message, std::string& out) const {
  const auto in_it = [&](const FixSecret& secret) {
    return message.find(secret.secret) != message.npos;
  };
  if (!is_message(message) || std::none_of(secrets_.begin(), secrets_.end(), in_it)) return false;
  const Parts parts = parts_of(message);
  std::string body(1, kSoh);
  bool found = false;
  for (std::size_t at = 0; at < parts.body.size();) {
    const std::size_t end = std::min(parts.body.find(kSoh, at), parts.body.size());
    std::string field(parts.body.substr(at, end - at));
    for (const FixSecret& secret : secrets_) found |= mask_field(field, secret);
    body += field + kSoh;
    at = end + 1;
  }
  if (!found) return false;
  fix_raw_data_length(body);
  assemble(parts.begin_string, std::string_view(body).substr(1), out);
  return true;
}

}  // namespace pitwire
