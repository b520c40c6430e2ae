#include "pitwire/log/log_writer.hpp"

#include <algorithm>

#include "pitwire/log/durability.hpp"
#include "pitwire/log/open.hpp"

namespace pitwire {
namespace {

constexpr std::uint32_t padded(std::size_t payload) {
  return static_cast<std::uint32_t>((kFrameHeaderBytes + payload + 7) / 8 * 8);
}

/// Copies the whole words and the rest of a part; small parts inline, without a call.
std::byte* copy(std::byte* to, std::span<const std::byte> from) noexcept {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
  return to + from.size();
}

}  // namespace

LogWriter LogWriter::create(const LogOptions& options) {
  auto tail = create_log(options);
  auto durability = std::make_unique<Durability>(options, tail);
  return {std::move(durability), tail};
}

LogWriter LogWriter::recover(const LogOptions& options, RecoveryReport& report) {
  auto tail = recover_log(options, report);
  auto durability = std::make_unique<Durability>(options, tail);
  return {std::move(durability), tail};
}

LogWriter::LogWriter(std::unique_ptr<Durability> durability, const RecoveredTail& tail)
    : durability_(std::move(durability)),
      sync_(durability_->options().sync),
      cursor_(tail.offset),
      sequence_(tail.last_sequence),
      ts_core_(tail.last_ts_core),
      segment_(durability_->first_segment()) {
  base_ = segment_->data();
  limit_ = segment_->size() - kEndFrameBytes;
  frame_bytes_max_ = static_cast<std::uint32_t>(durability_->options().segment_size_bytes -
                                                kSegmentHeaderBytes - kEndFrameBytes);
}

LogWriter::LogWriter(LogWriter&&) noexcept = default;
LogWriter::~LogWriter() = default;

Sequence LogWriter::append(RecordType type, FrameClass frame_class, Nanos ts_core, Origin origin,
                           std::uint16_t source, std::span<const std::byte> fixed,
                           std::span<const std::byte> tail) noexcept {
  const std::size_t payload = fixed.size() + tail.size();
  if (payload > frame_bytes_max_ - kFrameHeaderBytes || base_ == nullptr) [[unlikely]]
    return 0;
  const std::uint32_t length = padded(payload);
  if (cursor_ + length > limit_ && !make_room(length)) [[unlikely]]
    return 0;
  const auto padding = length - kFrameHeaderBytes - payload;
  const FrameHeader header{0,
                           0,
                           sequence_ + 1,
                           ts_core,
                           type,
                           frame_class,
                           kRecordVersion,
                           origin,
                           static_cast<std::uint8_t>(padding << kFramePaddingShift),
                           source};
  put(base_ + cursor_, length, header, fixed, tail);
  ++sequence_;
  ts_core_ = ts_core;
  cursor_ += length;
  bytes_appended_ += length;
  ++frames_appended_;
  durability_->committed(segment_->index(), cursor_, sequence_, sync_.asks(type, source));
  return sequence_;
}

void LogWriter::put(std::byte* at, std::uint32_t length, const FrameHeader& header,
                    std::span<const std::byte> fixed, std::span<const std::byte> tail) noexcept {
  // The segment is zero from here on, so the padding is; length and sum are written last.
  std::memcpy(at + 8, reinterpret_cast<const std::byte*>(&header) + 8, kFrameHeaderBytes - 8);
  copy(copy(at + kFrameHeaderBytes, fixed), tail);
  const std::uint32_t crc = frame_crc(at, length);
  std::memcpy(at + 4, &crc, sizeof crc);
  commit_length(at, length);
}

bool LogWriter::make_room(std::uint32_t length) noexcept {
  if (!roll()) return false;
  if (on_roll_ && !in_hook_) {
    in_hook_ = true;  // what the hook appends may fill a segment: it is not called again for that
    on_roll_();
    in_hook_ = false;
  }
  return cursor_ + length <= limit_ || roll();
}

bool LogWriter::roll() noexcept {
  auto* next = durability_->try_next();
  if (next == nullptr) {
    ++roll_waits_;
    next = durability_->wait_next();
  }
  if (next == nullptr) return false;
  const rec::SegmentEnd end{next->index()};
  const FrameHeader header{0,
                           0,
                           sequence_ + 1,
                           ts_core_,
                           rec::SegmentEnd::kType,
                           rec::SegmentEnd::kClass,
                           kRecordVersion,
                           Origin::NONE,
                           0,
                           0};
  put(base_ + cursor_, kEndFrameBytes, header, record_bytes(end), {});
  ++sequence_;
  next->begin(durability_->log_uuid(), sequence_ + 1);
  segment_->used_bytes.store(cursor_ + kEndFrameBytes, std::memory_order_release);
  segment_ = next;
  base_ = next->data();
  cursor_ = kSegmentHeaderBytes;
  limit_ = next->size() - kEndFrameBytes;
  durability_->committed(next->index(), cursor_, sequence_, false);
  return true;
}

Sequence LogWriter::durable_sequence() const noexcept { return durability_->durable(); }
bool LogWriter::wait_durable(Sequence sequence) noexcept {
  return sequence <= sequence_ && durability_->wait_durable(sequence);
}
void LogWriter::want_durable(Sequence sequence) noexcept { durability_->want_durable(sequence); }
void LogWriter::ring_when_durable(Doorbell& bell) { durability_->add_bell(bell); }
void LogWriter::forget_bell(Doorbell& bell) { durability_->remove_bell(bell); }
const std::atomic<Sequence>& LogWriter::durable_word() const noexcept {
  return durability_->durable_word();
}
const std::atomic<bool>& LogWriter::failed_word() const noexcept {
  return durability_->failed_word();
}
bool LogWriter::failed() const noexcept { return durability_->failed(); }
std::string LogWriter::failure() const { return durability_->failure(); }
bool LogWriter::disk_low() const noexcept { return durability_->disk_low(); }
std::uint64_t LogWriter::segment_index() const noexcept { return segment_->index(); }
const std::filesystem::path& LogWriter::folder() const noexcept {
  return durability_->options().folder;
}

bool LogWriter::close() noexcept {
  base_ = nullptr;
  return durability_->close();
}

}  // namespace pitwire
