#include "core/server/fetch_wire.h"

#include <algorithm>

#include "core/server/client_network.h"

namespace swage::server {
namespace {

using Kind = FetchMessage::Kind;

constexpr std::size_t kShort = 5;             // bytes: kind and ticket
constexpr std::size_t kNetwork = kShort + 2;  // where it stands in a want
constexpr std::size_t kWant = 5 + 2 + 8 + 4;  // and what comes before the key
constexpr std::size_t kAnswered = 5 + 4;      // and before the response

std::size_t head_size(Kind kind) { return kind == Kind::want ? kWant : kind == Kind::answered ? kAnswered : kShort; }

}  // namespace

static_assert(FetchPacket::kMaxSize >= kWant + std::max(FetchMessage::kMaxKey, FetchMessage::kMaxResponse));

bool FetchPacket::add(const FetchMessage& message) {
  const std::size_t head = head_size(message.kind);
  const Bytes rest = head == kShort ? Bytes() : message.key;
  if (head + rest.size() > kMaxSize - size_) return false;
  std::uint8_t* const at = &bytes_[size_];
  at[0] = static_cast<std::uint8_t>(message.kind);
  store_u32(at + 1, message.ticket);
  if (message.kind == Kind::want) {
    store_u16(at + kShort, message.fetch);
    store_network(at + kNetwork, message.network);
  }
  if (head != kShort) store_u32(at + head - 4, static_cast<std::uint32_t>(rest.size()));
  std::ranges::copy(rest, at + head);
  size_ += head + rest.size();
  return true;
}

bool read_fetch_packet(Bytes packet, const std::function<bool(const FetchMessage&)>& take) {
  if (packet.empty()) return false;
  while (!packet.empty()) {
    if (packet.size() < kShort || packet[0] < 1 || packet[0] > 5) return false;
    FetchMessage message{static_cast<Kind>(packet[0]), load_u32(&packet[1])};
    std::size_t size = head_size(message.kind);
    if (packet.size() < size) return false;
    if (size != kShort) {
      const std::size_t rest = load_u32(&packet[size - 4]);
      const std::size_t most = message.kind == Kind::want ? FetchMessage::kMaxKey : FetchMessage::kMaxResponse;
      if (rest == 0 || rest > most || packet.size() - size < rest) return false;
      message.key = packet.subspan(size, rest);
      size += rest;
    }
    if (message.kind == Kind::want) {
      message.fetch = load_u16(&packet[kShort]);
      message.network = load_network(&packet[kNetwork]);
    }
    if (!take(message)) return false;
    packet = packet.subspan(size);
  }
  return true;
}

}  // namespace swage::server
