// What a MAC of TSIG is of (RFC 8945 section 4.3). Internal to this folder.
#pragma once

#include <array>

#include "core/crypto/hmac.h"
#include "core/dns/parse.h"
#include "core/dns/types.h"
#include "core/tsig/record.h"

namespace swage::tsig {

inline void add_u16(crypto::Hmac& hmac, std::size_t value) {
  std::array<std::uint8_t, 2> bytes;
  store_u16(bytes.data(), static_cast<std::uint16_t>(value));
  hmac.add(bytes);
}

// The MAC of the request, or of the message before, with its size (section 4.3.1).
inline void add_prior(crypto::Hmac& hmac, Bytes mac) {
  add_u16(hmac, mac.size());
  hmac.add(mac);
}

// The message as it was before its TSIG record was added (section 4.3.2). `additional`: how many records of the
// additional section it had.
inline void add_message(crypto::Hmac& hmac, Bytes message, std::uint16_t id, std::size_t additional) {
  add_u16(hmac, id);
  hmac.add(message.subspan(2, 8));
  add_u16(hmac, additional);
  hmac.add(message.subspan(dns::kHeaderSize));
}

inline void add_timers(crypto::Hmac& hmac, const Record& record) {
  hmac.add(time_bytes(record.time));
  add_u16(hmac, record.fudge);
}

// Section 4.3.3.
inline void add_variables(crypto::Hmac& hmac, const Record& record) {
  hmac.add(record.key.view().bytes());
  add_u16(hmac, static_cast<std::uint16_t>(dns::Class::any));
  add_u16(hmac, 0);  // the TTL
  add_u16(hmac, 0);
  hmac.add(record.algorithm.view().bytes());
  add_timers(hmac, record);
  add_u16(hmac, record.error);
  add_u16(hmac, record.other.size());
  hmac.add(record.other);
}

inline void add_tsig(crypto::Hmac& hmac, const Record& record, bool timers_only) {
  timers_only ? add_timers(hmac, record) : add_variables(hmac, record);
}

// Whether the MAC has a size that one of this key may have (section 5.2.2.1).
[[nodiscard]] inline bool may_have_size(std::size_t mac, std::size_t digest) {
  return mac <= digest && mac >= 10 && mac >= digest / 2;
}

[[nodiscard]] inline bool in_time(const Record& record, std::uint64_t now) {
  const std::uint64_t apart = now > record.time ? now - record.time : record.time - now;
  return apart <= record.fudge;
}

}  // namespace swage::tsig
