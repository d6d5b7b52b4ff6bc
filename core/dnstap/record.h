// Record: what a dns process writes down of a query and its response, as it lies in a Ring. Fixed fields, then the
// bytes of four pieces, one after the other; all of it a multiple of 8 bytes:
//
//     Head | zone | extra | query | response | 0 to 7 bytes of nothing
//
// Internal to core/dnstap.
#pragma once

#include <array>
#include <cstdint>

namespace swage::dnstap {

enum class Kind : std::uint8_t {
  padding = 0,  // nothing: up to the end of the segment. Of its Head only the first 8 bytes are there
  query = 1,    // that nothing was sent for
  both = 2,
};

struct Head {
  std::uint32_t size = 0;  // bytes, of all
  Kind kind = Kind::padding;
  std::uint8_t is_tcp = 0, is_update = 0, families = 0;  // is_tcp: 1 + Scheme; kClientV6, kServerV6
  std::uint64_t number = 0;                              // of the records of this ring, from 0
  std::int64_t received = 0, sent = 0;                   // nanoseconds, steady clock
  std::uint16_t client_port = 0, server_port = 0;
  std::uint16_t zone_size = 0, extra_size = 0, query_size = 0, response_size = 0;  // bytes
  std::uint32_t reserved = 0;
  std::array<std::uint8_t, 16> client{}, server{};  // addresses
};
static_assert(sizeof(Head) == 80 && alignof(Head) == 8);

inline constexpr std::uint8_t kClientV6 = 1, kServerV6 = 2;
// What a Head of padding has.
inline constexpr std::size_t kPaddingSize = 8;

}  // namespace swage::dnstap
