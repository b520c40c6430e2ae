#include "tested.hpp"

#include <algorithm>

namespace pitwire {

std::string TestedSide::connect(Nanos now, int connection) {
  Link& link = links_[connection];
  if (link.open) return "it is connected already";
  link = Link{std::make_unique<FixFramer>(ConnectionLimits{}.message_bytes_max), {}, nullptr, true};
  return connected(now, link);
}

std::string TestedSide::leave(Nanos now, int connection) {
  Link& link = links_[connection];
  if (!link.open) return "the connection is not open";
  link.open = false;
  if (link.session != nullptr) link.session->disconnected(now);
  return "";
}

std::string TestedSide::give(Nanos now, int connection, std::string_view bytes) {
  Link& link = links_[connection];
  if (!link.open) return "the connection is not open";
  while (!bytes.empty() && link.open) {
    const auto space = link.framer->space();
    const std::size_t part = std::min(space.size(), bytes.size());
    std::copy_n(bytes.begin(), part, space.begin());
    link.framer->received(part);
    bytes.remove_prefix(part);
    for (auto next = link.framer->next(); link.open; next = link.framer->next()) {
      if (next.defect == FrameDefect::OVERSIZE ||
          (next.defect != FrameDefect::NONE && link.session == nullptr)) {
        leave(now, connection);  // FixLink and FixListener end the connection here
      } else if (!next.message.empty()) {
        message(now, link, next.message);
      } else if (next.defect == FrameDefect::NONE) {
        break;
      }
    }
  }
  return "";
}

std::string TestedSide::command(Nanos, std::string_view name, std::string_view) {
  return "this side knows no command " + std::string(name);
}

void TestedSide::received(Nanos now, Link& link, std::string_view message) {
  link.session->received(now, ++raw_, message);
}

TestedSide::Link* TestedSide::link_of(const FixSession* session) {
  for (auto& [number, link] : links_) {
    if (link.open && link.session != nullptr && link.session == session) return &link;
  }
  return nullptr;
}

TestedSide::Link* TestedSide::link_of(SessionId session) {
  for (auto& [number, link] : links_) {
    if (link.open && link.session != nullptr && link.session->config().id == session) return &link;
  }
  return nullptr;
}

void TestedSide::tx(SessionId session, std::string_view message, std::uint64_t, ClOrdId, bool,
                    bool) {
  if (Link* const link = link_of(session)) link->sent.emplace_back(message);
}

void TestedSide::disconnect(SessionId session, std::string_view) {
  if (Link* const link = link_of(session)) link->open = false;
}

}  // namespace pitwire
