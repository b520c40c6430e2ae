// Messages with one thing wrong, the same message by the longer way, and what came of both.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "pair.hpp"

namespace pitwire::testing {

using Random = std::mt19937_64;

/// `fields` between BodyLength and CheckSum as a whole message.
inline std::string framed(const std::string& version, const std::string& fields) {
  std::string text =
      "8=" + version + "\x01" + "9=" + std::to_string(fields.size()) + "\x01" + fields;
  unsigned sum = 0;
  for (const char byte : text) sum += static_cast<unsigned char>(byte);
  const std::string digits = std::to_string(1000 + sum % 256).substr(1);
  return text + "10=" + digits + "\x01";
}

inline std::string inside(const std::string& message) {
  const auto begin = message.find("35=");
  return message.substr(begin, message.rfind("10=") - begin);
}

/// The same with SenderSubID in its header: nothing that matters, but nothing that passes beside.
inline std::string through_quickfix(const std::string& version, const std::string& message) {
  std::string fields = inside(message);
  const auto behind_type = fields.find('\x01') + 1;
  return framed(version, fields.insert(behind_type, "50=DESK\x01"));
}

/// Breaks one field: emptied, doubled, gone, or with another character.
inline std::string damaged(Random& random, const std::string& version, const std::string& message) {
  std::string fields = inside(message);
  std::vector<std::size_t> starts{0};
  for (std::size_t at = 0; at + 1 < fields.size(); ++at) {
    if (fields[at] == '\x01') starts.push_back(at + 1);
  }
  const auto begin = starts[1 + random() % (starts.size() - 1)];
  const auto end = fields.find('\x01', begin) + 1;
  const auto value = fields.find('=', begin) + 1;
  switch (random() % 4) {
    case 0:
      fields.erase(value, end - 1 - value);
      break;
    case 1:
      fields.insert(end, fields.substr(begin, end - begin));
      break;
    case 2:
      fields.erase(begin, end - begin);
      break;
    default:
      fields[value + random() % (end - value)] = "0123456789AZ.-+ "[random() % 16];
  }
  return framed(version, fields);
}

template <class R>
inline std::string bytes_of(const std::vector<R>& records) {
  return {reinterpret_cast<const char*>(records.data()), records.size() * sizeof(R)};
}

/// What a session said to everybody, but for the operator's words.
inline void expect_same(const Recorder& a, const Recorder& b) {
  EXPECT_EQ(bytes_of(a.executions), bytes_of(b.executions));
  EXPECT_EQ(bytes_of(a.unreadable), bytes_of(b.unreadable));
  EXPECT_EQ(a.orders.size(), b.orders.size());
  EXPECT_EQ(a.cancels.size(), b.cancels.size());
  EXPECT_EQ(a.replaces.size(), b.replaces.size());
  ASSERT_EQ(a.sent.size(), b.sent.size());
  for (std::size_t i = 0; i < a.sent.size(); ++i)
    EXPECT_EQ(shown(a.sent[i].text), shown(b.sent[i].text));
  EXPECT_EQ(a.logouts, b.logouts);
  EXPECT_EQ(a.disconnects, b.disconnects);
}

}  // namespace pitwire::testing
