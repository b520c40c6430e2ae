#include "pitwire/orders/session_positions.hpp"

#include "pitwire/orders/exact.hpp"
#include "pitwire/orders/state_io.hpp"

namespace pitwire {

void SessionPositions::add(SessionId session, InstrumentId instrument, std::int64_t signed_qty) {
  if (net_.size() <= index(session)) net_.resize(index(session) + 1);
  auto& of = net_[index(session)];
  if (of.size() <= index(instrument)) of.resize(index(instrument) + 1);
  auto& net = of[index(instrument)];
  net = saturate(Int128{net} + signed_qty);
}

std::int64_t SessionPositions::net(SessionId session, InstrumentId instrument) const noexcept {
  if (index(session) >= net_.size()) return 0;
  const auto& of = net_[index(session)];
  return index(instrument) < of.size() ? of[index(instrument)] : 0;
}

void SessionPositions::save(std::vector<std::byte>& out) const {
  StateWriter writer(out);
  writer.put(std::uint64_t{net_.size()});
  for (const auto& of : net_) {
    writer.put(std::uint64_t{of.size()});
    for (const auto net : of) writer.put(net);
  }
}

bool SessionPositions::restore(std::span<const std::byte> in) {
  StateReader reader(in);
  net_.clear();
  net_.resize(reader.count(sizeof(std::uint64_t)));
  for (auto& of : net_) {
    of.resize(reader.count(sizeof(std::int64_t)));
    for (auto& net : of) net = reader.get<std::int64_t>();
  }
  return reader.ok() && reader.at_end();
}

}  // namespace pitwire
