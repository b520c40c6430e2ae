#include "pitwire/wire/feed_sequencer.hpp"

#include <algorithm>

namespace pitwire {
namespace {

constexpr std::size_t kSnapshotPacketBytes = 8192;  // handed over when this is reached
constexpr std::size_t kMessageBytesMax = 65535;

}  // namespace

FeedSequencer::FeedSequencer(FeedId feed, const FeedSequencerConfig& config,
                             bool has_retransmission, bool has_snapshot,
                             std::uint32_t datagram_bytes_max)
    : feed_(feed),
      config_(config),
      has_retransmission_(has_retransmission),
      has_snapshot_(has_snapshot),
      datagram_bytes_max_(datagram_bytes_max),
      started_(config.first_sequence != 0),
      next_(config.first_sequence),
      highest_(config.first_sequence),
      slots_(config.held_max),
      slab_(std::make_unique_for_overwrite<std::byte[]>(std::size_t{config.held_max} *
                                                        datagram_bytes_max)),
      scratch_(std::max<std::size_t>(datagram_bytes_max, kSnapshotPacketBytes + kMessageBytesMax) +
               mold::kHeaderSize) {
  held_.reserve(config.held_max);
  free_slots_.reserve(config.held_max);
  for (std::uint32_t slot = config.held_max; slot > 0; --slot) free_slots_.push_back(slot - 1);
  if (config.snapshot_first && has_snapshot) ask_snapshot();
}

// ------------------------------------------------------------------ packets

void FeedSequencer::packet(Nanos now, std::uint32_t line, Nanos ts_recv,
                           std::span<const std::byte> bytes, FeedSink& sink) {
  const auto header = mold::parse(bytes);
  if (!header || bytes.size() > datagram_bytes_max_) return malformed(now, line, sink);
  if (!check_session(*header, line, sink)) return;
  if (!started_) {
    started_ = true;
    next_ = highest_ = header->sequence;
  }
  heard(now, line, header->sequence, sink);
  highest_ = std::max(highest_, mold::next_of(*header));
  if (header->messages() == 0) return mark(now, *header, line, sink);
  if (mold::next_of(*header) <= next_) {
    ++stats_.duplicate_datagrams;
  } else if (state_ == State::SNAPSHOT || header->sequence > next_) {
    hold(line, ts_recv, *header, bytes);
    look_for_gap(now, line, sink);
  } else {
    accept(line, ts_recv, *header, bytes, sink);
    if (!held_.empty()) drain(sink);
    if (state_ != State::LIVE || ended_) progressed(now, line, sink);
  }
}

/// A heartbeat or the end of the session: no messages, but a word on how far the feed is.
void FeedSequencer::mark(Nanos now, const mold::Header& header, std::uint32_t line,
                         FeedSink& sink) {
  if (header.count == mold::kEndOfSession && !ended_) {
    ended_ = true;
    end_sequence_ = header.sequence;
    end_line_ = line;
  }
  look_for_gap(now, line, sink);
  progressed(now, line, sink);
}

bool FeedSequencer::check_session(const mold::Header& header, std::uint32_t line, FeedSink& sink) {
  if (has_session_ && header.session == session_) return true;
  const bool fixed = !config_.session.empty();
  if (!has_session_ && line != kLineRetransmission) {
    if (!fixed || header.session == mold::session_name(config_.session)) {
      session_ = header.session;
      has_session_ = true;
      return true;
    }
  }
  // Late packets of the session before, and answers to requests, never change the session.
  if (fixed || line == kLineRetransmission || header.session == previous_session_) {
    ++stats_.foreign_session;
    return false;
  }
  change_session(header, line, sink);
  return true;
}

void FeedSequencer::change_session(const mold::Header& header, std::uint32_t line, FeedSink& sink) {
  const std::uint64_t old_next = next_;
  previous_session_ = session_;
  session_ = header.session;
  drop_all_held();
  next_ = highest_ = config_.first_sequence != 0 ? config_.first_sequence : header.sequence;
  ended_ = finished_ = false;
  state_ = State::LIVE;
  deadline_ = kNever;
  request_ = {};
  say(FeedEvent::SESSION_CHANGED, line, old_next, next_, sink);
}

void FeedSequencer::heard(Nanos now, std::uint32_t line, std::uint64_t sequence, FeedSink& sink) {
  if (line > kLineB) return;
  heard_ts_[line] = now;
  if (connected_[line]) return;
  connected_[line] = true;
  say(FeedEvent::CONNECTED, line, next_, sequence, sink);
}

void FeedSequencer::malformed(Nanos now, std::uint32_t line, FeedSink& sink) {
  const auto count = ++stats_.malformed[line];
  if (count != 1 && now - malformed_ts_[line] < kSecond) return;
  malformed_ts_[line] = now;
  say(FeedEvent::MALFORMED, line, next_, count, sink);
}

/// Hands over what is new of a packet that begins at or before `next_` and ends after it.
void FeedSequencer::accept(std::uint32_t line, Nanos ts_recv, const mold::Header& header,
                           std::span<const std::byte> bytes, FeedSink& sink) {
  auto whole = bytes;
  if (header.sequence < next_) {
    const auto seen = static_cast<std::uint16_t>(next_ - header.sequence);
    const auto left = static_cast<std::uint16_t>(header.count - seen);
    const auto rest = bytes.subspan(mold::prefix_bytes(bytes, seen));
    mold::encode({header.session, next_, left}, scratch_.data());
    std::copy(rest.begin(), rest.end(), scratch_.begin() + mold::kHeaderSize);
    whole = std::span<const std::byte>(scratch_).first(mold::kHeaderSize + rest.size());
    ++stats_.trimmed_datagrams;
  }
  stats_.accepted_messages += mold::next_of(header) - next_;
  ++stats_.accepted_datagrams;
  ++stats_.first_on[line];
  next_ = mold::next_of(header);
  sink.datagram(feed_, line, ts_recv, whole);
}

// ------------------------------------------------------------------ held packets

std::span<std::byte> FeedSequencer::slot_bytes(std::uint32_t slot) noexcept {
  return {slab_.get() + std::size_t{slot} * datagram_bytes_max_, datagram_bytes_max_};
}

void FeedSequencer::hold(std::uint32_t line, Nanos ts_recv, const mold::Header& header,
                         std::span<const std::byte> bytes) {
  const auto before = [](const Held& held, std::uint64_t sequence) {
    return held.sequence < sequence;
  };
  auto place = std::lower_bound(held_.begin(), held_.end(), header.sequence, before);
  const auto covers = [&](const Held& held) {
    return held.sequence <= header.sequence && held.sequence + held.count >= mold::next_of(header);
  };
  if ((place != held_.end() && covers(*place)) || (place != held_.begin() && covers(place[-1]))) {
    ++stats_.duplicate_datagrams;
    return;
  }
  if (free_slots_.empty()) {
    ++stats_.held_dropped;
    // The snapshot will cover the lowest; otherwise the highest can be asked for again.
    const bool lowest = state_ == State::SNAPSHOT;
    if (held_.empty() || place == (lowest ? held_.begin() : held_.end())) return;
    const auto offset = place - held_.begin() - (lowest ? 1 : 0);
    drop_held(lowest ? 0 : held_.size() - 1);
    place = held_.begin() + offset;
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  std::copy(bytes.begin(), bytes.end(), slot_bytes(slot).begin());
  slots_[slot] = {ts_recv, static_cast<std::uint32_t>(bytes.size())};
  held_.insert(place, {header.sequence, slot, header.count, static_cast<std::uint16_t>(line)});
  ++stats_.held_datagrams;
  stats_.held_peak = std::max<std::uint64_t>(stats_.held_peak, held_.size());
}

void FeedSequencer::drop_held(std::size_t position) {
  free_slots_.push_back(held_[position].slot);
  held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(position));
}

void FeedSequencer::drop_all_held() {
  for (const Held& held : held_) free_slots_.push_back(held.slot);
  held_.clear();
}

/// Hands over what is held and follows `next_` now.
void FeedSequencer::drain(FeedSink& sink) {
  std::size_t done = 0;
  for (; done < held_.size() && held_[done].sequence <= next_; ++done) {
    const Held held = held_[done];
    free_slots_.push_back(held.slot);
    if (held.sequence + held.count <= next_) {
      ++stats_.duplicate_datagrams;
      continue;
    }
    const auto bytes = slot_bytes(held.slot).first(slots_[held.slot].size_bytes);
    accept(held.line, slots_[held.slot].ts_recv, {session_, held.sequence, held.count}, bytes,
           sink);
  }
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(done));
}

// ------------------------------------------------------------------ gaps

/// Sequence of the first message that is there after the missing ones.
std::uint64_t FeedSequencer::gap_end() const noexcept {
  return held_.empty() ? highest_ : held_.front().sequence;
}

void FeedSequencer::look_for_gap(Nanos now, std::uint32_t line, FeedSink& sink) {
  if (state_ != State::LIVE || next_ >= highest_) return;
  state_ = State::GRACE;
  gap_begin_ = next_;
  gap_line_ = line;
  deadline_ = now + config_.grace_ns;
  if (config_.grace_ns <= 0) open_gap(now, sink);
}

/// After `next_` moved, or might have: closes what is closed and asks for what is still missing.
void FeedSequencer::progressed(Nanos now, std::uint32_t line, FeedSink& sink) {
  if (state_ == State::SNAPSHOT) return;
  if (next_ >= highest_) {
    const bool filled = state_ == State::GAP;
    state_ = State::LIVE;
    deadline_ = kNever;
    request_ = {};
    if (filled) {
      ++stats_.gaps_filled;
      say(FeedEvent::GAP_FILLED, line, gap_begin_, next_, sink);
    }
    if (ended_ && !finished_ && next_ >= end_sequence_) {
      finished_ = true;
      say(FeedEvent::SESSION_ENDED, end_line_, next_, end_sequence_, sink);
    }
  } else if (state_ == State::LIVE) {
    look_for_gap(now, line, sink);
  } else if (state_ == State::GRACE && next_ > gap_begin_) {
    gap_begin_ = next_;  // the first hole closed in time; the next one has its own grace
    deadline_ = now + config_.grace_ns;
  } else if (state_ == State::GAP &&
             (next_ >= request_end_ || (line == kLineRetransmission && next_ > progress_))) {
    // An answer is one packet, of as many of the messages as fit: the rest is asked for at once, or
    // a long gap would be filled more slowly than the feed goes on.
    attempts_ = 0;
    request(now);
  }
}

void FeedSequencer::open_gap(Nanos now, FeedSink& sink) {
  state_ = State::GAP;
  attempts_ = 0;
  ++stats_.gaps;
  say(FeedEvent::GAP, gap_line_, next_, gap_end(), sink);
  const bool too_long = has_snapshot_ && gap_end() - next_ > config_.gap_messages_max;
  if (!has_retransmission_ || too_long) return give_up(now, sink);
  request(now);
}

void FeedSequencer::request(Nanos now) {
  const auto missing = std::min<std::uint64_t>(gap_end() - next_, config_.request_messages_max);
  request_ = {FeedRequest::Kind::RETRANSMIT, session_, next_, static_cast<std::uint16_t>(missing)};
  request_end_ = next_ + missing;
  progress_ = next_;
  ++attempts_;
  ++stats_.requests;
  deadline_ = now + config_.request_timeout_ns;
}

void FeedSequencer::give_up(Nanos now, FeedSink& sink) {
  if (!has_snapshot_) return lose(now, sink);
  attempts_ = 0;
  ask_snapshot();
}

void FeedSequencer::ask_snapshot() {
  state_ = State::SNAPSHOT;
  deadline_ = kNever;  // its client has timeouts of its own
  ++attempts_;
  request_ = {FeedRequest::Kind::SNAPSHOT, session_, next_, 0};
}

/// Goes on with what is there, and says so.
void FeedSequencer::lose(Nanos now, FeedSink& sink) {
  const std::uint64_t first_missing = next_;
  next_ = std::max(next_, gap_end());
  state_ = State::LIVE;
  deadline_ = kNever;
  request_ = {};
  ++stats_.gaps_lost;
  say(FeedEvent::GAP_LOST, kLineA, first_missing, next_, sink);
  drain(sink);
  progressed(now, gap_line_, sink);
}

// ------------------------------------------------------------------ time

void FeedSequencer::time(Nanos now, FeedSink& sink) {
  for (std::uint32_t line = kLineA; line <= kLineB; ++line) {
    const Nanos silence = now - heard_ts_[line];
    if (!connected_[line] || silence < config_.silence_ns) continue;
    connected_[line] = false;
    say(FeedEvent::DISCONNECTED, line, next_, static_cast<std::uint64_t>(silence), sink);
  }
  if (now < deadline_) return;
  switch (state_) {
    case State::LIVE:
      deadline_ = kNever;
      return;
    case State::GRACE:
      return open_gap(now, sink);
    case State::GAP:
      if (next_ > progress_) attempts_ = 0;  // only attempts that brought nothing count
      return attempts_ >= config_.attempts_max ? give_up(now, sink) : request(now);
    case State::SNAPSHOT:
      return ask_snapshot();
  }
}

Nanos FeedSequencer::next_deadline() const noexcept {
  Nanos earliest = deadline_;
  for (std::uint32_t line = kLineA; line <= kLineB; ++line) {
    if (connected_[line]) earliest = std::min(earliest, heard_ts_[line] + config_.silence_ns);
  }
  return earliest;
}

FeedRequest FeedSequencer::take_request() noexcept {
  const FeedRequest taken = request_;
  request_ = {};
  return taken;
}

// ------------------------------------------------------------------ snapshot

void FeedSequencer::snapshot_begin(FeedSink& sink) {
  snapshot_messages_ = 0;
  scratch_bytes_ = mold::kHeaderSize;
  scratch_count_ = 0;
  say(FeedEvent::SNAPSHOT_BEGIN, kLineSnapshot, next_, 0, sink);
}

void FeedSequencer::snapshot_message(Nanos now, std::span<const std::byte> message,
                                     FeedSink& sink) {
  std::byte* at = scratch_.data() + scratch_bytes_;
  mold::store16(at, static_cast<std::uint16_t>(message.size()));
  std::copy(message.begin(), message.end(), at + 2);
  scratch_bytes_ += 2 + message.size();
  ++scratch_count_;
  ++snapshot_messages_;
  if (scratch_bytes_ >= kSnapshotPacketBytes) flush_snapshot(now, sink);
}

void FeedSequencer::flush_snapshot(Nanos now, FeedSink& sink) {
  if (scratch_count_ == 0) return;
  mold::encode({session_, 0, scratch_count_}, scratch_.data());
  sink.snapshot(feed_, now, std::span<const std::byte>(scratch_).first(scratch_bytes_));
  scratch_bytes_ = mold::kHeaderSize;
  scratch_count_ = 0;
}

void FeedSequencer::snapshot_end(Nanos now, const std::string& session, std::uint64_t next_sequence,
                                 FeedSink& sink) {
  const auto name = mold::session_name(session);
  const bool foreign =
      has_session_ ? name != session_
                   : !config_.session.empty() && name != mold::session_name(config_.session);
  if (state_ != State::SNAPSHOT || foreign || next_sequence == 0) {
    return snapshot_failed(now, sink);
  }
  session_ = name;
  has_session_ = started_ = true;
  flush_snapshot(now, sink);
  say(FeedEvent::SNAPSHOT_END, kLineSnapshot, snapshot_messages_, next_sequence, sink);
  next_ = next_sequence;
  highest_ = std::max(highest_, next_);
  state_ = State::LIVE;
  drain(sink);
  progressed(now, kLineSnapshot, sink);
}

void FeedSequencer::snapshot_failed(Nanos now, FeedSink& sink) {
  if (state_ != State::SNAPSHOT) return;
  if (attempts_ >= config_.attempts_max) return lose(now, sink);
  deadline_ = now + config_.snapshot_retry_ns;
}

void FeedSequencer::resume(const std::string& session, std::uint64_t next_sequence) noexcept {
  drop_all_held();
  has_session_ = !session.empty();
  if (has_session_) session_ = mold::session_name(session);
  next_ = highest_ = next_sequence;
  started_ = next_sequence != 0;
  ended_ = finished_ = false;
  state_ = State::LIVE;
  deadline_ = kNever;
  request_ = {};
}

void FeedSequencer::say(FeedEvent event, std::uint32_t line, std::uint64_t expected,
                        std::uint64_t found, FeedSink& sink) {
  sink.status(feed_, event, line, expected, found);
}

}  // namespace pitwire
