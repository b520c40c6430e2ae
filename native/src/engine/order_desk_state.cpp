// Recovery by the log's facts, and checkpoints.
#include <cstring>
#include <utility>

#include "pitwire/engine/order_desk.hpp"

namespace pitwire {
// ------------------------------------------------------------------ accepted by an operator

void OrderDesk::adjust(const rec::PositionAdjusted& record) {
  emitter_.emit(record);
  apply(record);
}

void OrderDesk::apply(const rec::PositionAdjusted& record) {
  const SessionId session{record.session};
  const InstrumentId instrument{record.instrument};
  session_positions_.add(session, instrument, record.change);
  const std::int64_t held = positions_.of(kUnassigned, instrument).position.net_qty;
  positions_.adopt(kUnassigned, instrument, saturate(Int128{held} + record.change), record.px);
}

// ------------------------------------------------------------------ recovery

void OrderDesk::apply_fact(const Frame& frame) {
  Transition transition;
  if (const auto* submitted = frame.as<rec::OrderSubmitted>()) {
    gate_.apply(*submitted, frame.ts_core());
    transition = table_.apply(*submitted);
  } else if (const auto* terms = frame.as<rec::OrderTerms>()) {
    keeper_.apply(*terms);
  } else if (const auto* held = frame.as<rec::OrderHeld>()) {
    keeper_.apply(*held);
    gate_.apply(*held, frame.ts_core());
    transition = table_.apply(*held);
  } else if (const auto* changed = frame.as<rec::OrderHeldChanged>()) {
    keeper_.apply(*changed);
    transition = table_.apply(*changed);
  } else if (const auto* ended = frame.as<rec::OrderHeldEnded>()) {
    transition = table_.apply(*ended);
  } else if (const auto* cancel = frame.as<rec::CancelRequested>()) {
    gate_.apply(*cancel, frame.ts_core());
    transition = table_.apply(*cancel);
  } else if (const auto* replaced = frame.as<rec::ReplaceRequested>()) {
    gate_.apply(*replaced, frame.ts_core());
    transition = table_.apply(*replaced);
  } else if (const auto* adopted = frame.as<rec::OrderAdopted>()) {
    (void)table_.apply(*adopted);
  } else if (const auto* reconciled = frame.as<rec::Reconciliation>()) {
    if (reconciled->accepted != 0) accept(SessionId{reconciled->session});
  } else if (const auto* execution = frame.as<rec::Execution>()) {
    transition = table_.apply(*execution);
    trade_told(*execution, transition, frame.ts_core());
  } else if (frame.type() == RecordType::DROP_COPY) {
    rec::Execution told;
    std::memcpy(&told, frame.tail<rec::DropCopy>().data(), sizeof told);
    (void)copy_told(told, frame.ts_core());
  } else if (const auto* taken = frame.as<rec::CopyAccepted>()) {
    copies_.remove(SessionId{taken->session}, taken->exec_id, taken->side);
  } else if (const auto* rejected = frame.as<rec::CancelRejected>()) {
    transition = table_.apply(*rejected);
  } else if (const auto* state = frame.as<rec::OrderState>()) {
    transition = table_.apply(*state);
  } else if (const auto* tx = frame.as<rec::FixTx>()) {
    on_sent(SessionId{frame.header->source}, frame.sequence(), tx->order);
  } else if (const auto* fill = frame.as<rec::Fill>()) {
    std::erase_if(unlogged_, [&](const rec::Fill& each) {
      return each.order == fill->order && each.exec_id == fill->exec_id && each.kind == fill->kind;
    });
  } else if (const auto* adjusted = frame.as<rec::PositionAdjusted>()) {
    apply(*adjusted);
  }
  if (transition.order == nullptr || transition.duplicate) return;
  report(transition);
  book(transition);
}

void OrderDesk::after_recovery() {
  // The process died between the report and what it logged of it.
  for (const rec::Fill& fill : std::exchange(unlogged_, {})) emitter_.emit(fill);
  for (std::uint32_t i = 0; i < sessions_.size(); ++i) {
    // What was handed to the dead process's sockets may have left: nothing here is NOT_SENT.
    sessions_[i].unwritten.clear();
    table_.connection_lost(SessionId{i}, [this](const Transition& t) { report(t); });
  }
  keeper_.look_again();
}

// ------------------------------------------------------------------ checkpoints

void OrderDesk::save(std::vector<std::byte>& out) const {
  ByteWriter writer(out);
  const auto section = [&](const auto& part) {
    std::vector<std::byte> bytes;
    part.save(bytes);
    writer.put_bytes(bytes);
  };
  writer.put(last_cl_ord_id_);
  section(positions_);
  section(session_positions_);
  section(table_);
  section(gate_);
  section(copies_);
  std::vector<std::byte> kept;
  ByteWriter kept_writer(kept);
  keeper_.save(kept_writer);
  writer.put_bytes(kept);
  for (const Session& session : sessions_) {
    writer.put(static_cast<std::uint64_t>(session.unwritten.size()));
    for (const Outbound& entry : session.unwritten) {
      writer.put(entry.sequence);
      writer.put(entry.cl_ord_id);
    }
  }
}

bool OrderDesk::restore(std::span<const std::byte> in) {
  ByteReader reader(in);
  last_cl_ord_id_ = reader.get<ClOrdId>();
  if (!positions_.restore(reader.get_bytes()) || !session_positions_.restore(reader.get_bytes()) ||
      !table_.restore(reader.get_bytes()) || !gate_.restore(reader.get_bytes()) ||
      !copies_.restore(reader.get_bytes()) || !restore_kept(reader.get_bytes())) {
    return false;
  }
  for (Session& session : sessions_) {
    session.unwritten.clear();
    const auto size = reader.get<std::uint64_t>();
    for (std::uint64_t i = 0; i < size && reader.ok(); ++i) {
      const auto sequence = reader.get<Sequence>();
      session.unwritten.push_back({sequence, reader.get<ClOrdId>()});
    }
  }
  return reader.ok();
}

bool OrderDesk::restore_facts(std::span<const std::byte> in) {
  ByteReader reader(in);
  (void)reader.get<ClOrdId>();
  return positions_.restore(reader.get_bytes()) && session_positions_.restore(reader.get_bytes()) &&
         table_.restore(reader.get_bytes()) && gate_.restore_facts(reader.get_bytes()) &&
         copies_.restore(reader.get_bytes()) && restore_kept(reader.get_bytes()) && reader.ok();
}

bool OrderDesk::restore_kept(std::span<const std::byte> in) {
  ByteReader reader(in);
  return keeper_.restore(reader);
}

}  // namespace pitwire
