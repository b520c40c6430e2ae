// Frames of the event log in memory, walked as every reader walks them. The first byte says whether
// their sums are put right first.
#include <array>

#include "log_repair.hpp"
#include "pitwire/log/scan.hpp"

namespace pitwire::fuzz {
namespace {

/// CRC-32C a bit at a time, as its definition says it.
std::uint32_t plain_crc(std::span<const std::byte> bytes, std::uint32_t crc) {
  for (const auto byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
  }
  return crc;
}

std::uint32_t plain_frame_crc(const std::byte* at, std::uint32_t length) {
  std::array<std::byte, 4> word;
  std::memcpy(word.data(), &length, sizeof length);
  return ~plain_crc({at + 8, length - 8}, plain_crc(word, 0xffff'ffffU));
}

void check_frame(const std::byte* at) {
  const auto frame = frame_at(at);
  const auto length = frame.header->length;
  require(frame.header->crc == plain_frame_crc(at, length), "a sum is what its definition says");
  require(frame.payload.data() == at + kFrameHeaderBytes &&
              frame.payload.size() <= length - kFrameHeaderBytes,
          "a payload lies within its frame");
  if (frame.as<rec::MarketDatagram>() != nullptr) {
    const auto tail = frame.tail<rec::MarketDatagram>();
    require(sizeof(rec::MarketDatagram) + tail.size() == frame.payload.size(), "struct and tail");
  }
  if (const auto* end = frame.as<rec::SegmentEnd>()) {
    require(frame.payload.size() >= sizeof *end, "a record is whole");
  }
  (void)unsupported(*frame.header);
}

}  // namespace

void run(Bytes input) {
  if (input.empty()) return;
  const auto repaired = (std::to_integer<unsigned>(input[0]) & 1) != 0;
  input = input.subspan(1);
  std::vector<std::uint64_t> aligned(input.size() / 8 + 1);  // as a mapping is
  const auto bytes = std::as_writable_bytes(std::span(aligned)).first(input.size());
  std::copy(input.begin(), input.end(), bytes.begin());
  if (repaired) repair_frames(bytes, 0);
  std::uint64_t at = 0;
  Sequence last = 0;
  std::string reason;
  while (examine(bytes.data(), bytes.size(), at, last, &reason) == FrameState::VALID) {
    check_frame(bytes.data() + at);
    const auto frame = frame_at(bytes.data() + at);
    require(frame.sequence() > last, "sequences rise");
    last = frame.sequence();
    at += frame.header->length;
    require(at <= bytes.size(), "a frame lies within its segment");
  }
}

}  // namespace pitwire::fuzz
