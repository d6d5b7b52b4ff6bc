// What a dns process and a process that fetches say to each other on a fetch line (fetch_line.h). No I/O.
//
// A packet is one or more messages, one after the other, so that a packet may carry all of a turn of the event loop.
// Integers are big-endian:
//
//     want      1, ticket (4 bytes), fetch (2), network (8), size of the key (4), the key    of a dns process
//     forget    2, ticket                                                                    of a dns process
//     settled   3, ticket                                                                    of who fetches
//     failed    4, ticket                                                                    of who fetches
//     answered  5, ticket, size of the response (4), the response                            of who fetches
//
// A ticket is a number of the dns process's choice, which stands for what it wants from the want to the answer, or
// until it forgets it. The network is that of the clients who want it (client_network.h). An answer to what was just
// forgotten may still be under way, so tickets do not come again soon.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "core/bytes.h"
#include "core/plugin/fetch.h"

namespace swage::server {

struct FetchMessage {
  enum class Kind : std::uint8_t { want = 1, forget, settled, failed, answered };
  Kind kind = Kind::want;
  std::uint32_t ticket = 0;
  std::uint16_t fetch = 0;    // Fetch::number()
  std::uint64_t network = 0;  // network_number()
  Bytes key{};                // 1 to kMaxKey bytes; or the response

  static constexpr std::size_t kMaxKey = Fetch::kMaxMessage + 17, kMaxResponse = 0xFFFF;
};

// A packet in the making.
class FetchPacket {
 public:
  static constexpr std::size_t kMaxSize = 72 << 10;  // bytes: any message fits in

  // False where there is no room for it.
  [[nodiscard]] bool add(const FetchMessage& message);
  [[nodiscard]] Bytes bytes() const { return Bytes(bytes_).first(size_); }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }

 private:
  std::array<std::uint8_t, kMaxSize> bytes_{};
  std::size_t size_ = 0;
};

// Hands each message of `packet` to `take`, until that returns false. False then, and where the packet, from some
// message on, is not what is said above.
[[nodiscard]] bool read_fetch_packet(Bytes packet, const std::function<bool(const FetchMessage&)>& take);

}  // namespace swage::server
