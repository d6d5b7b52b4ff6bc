// DNS cookies (RFC 7873) as all servers make them (RFC 9018): what proves that a client has its address. Pure.
//
//     client cookie (8) | version = 1 | 0 (3) | time (4) | hash (8)
//
// The hash is SipHash-2-4 over what is before it and the client's address, with a secret of 16 bytes. Servers with the
// same secret take each other's cookies: BIND, Knot and unbound make the same.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "core/net.h"

namespace swage::cookie {

inline constexpr std::size_t kClientSize = 8, kSecretSize = 16, kSize = 24;  // bytes
inline constexpr std::size_t kMostSecrets = 8;

// The data of a COOKIE option: a client cookie, and perhaps a server cookie of 8 to 32 bytes (RFC 7873 section 4).
[[nodiscard]] inline bool is_well_formed(Bytes option) {
  return option.size() == kClientSize || (option.size() >= 16 && option.size() <= 40);
}

using Cookie = std::array<std::uint8_t, kSize>;

// The whole cookie for a client with that client cookie. `time`: seconds since 1970.
[[nodiscard]] Cookie make(Bytes client_cookie, const IpAddress& client, std::uint32_t time, Bytes secret);

// When a cookie was made that is good now: at most an hour ago, and not more than 5 minutes in the future, where clocks
// of a fleet differ (RFC 9018 section 4.3). nullopt: it is not good.
[[nodiscard]] std::optional<std::uint32_t> verify(Bytes option, const IpAddress& client, std::uint32_t now,
                                                  Bytes secret);

// What the processes that answer know, as it lies in memory (a Snapshot):
//
//     key of hashes (16) | when the first secret was made (8, seconds since 1970) | 0 (8) | secrets (16 each)
//
// The first secret makes cookies, all of them verify (RFC 9018 section 5: how a secret is rolled).
class Secrets {
 public:
  static constexpr std::size_t kHeader = 32;
  explicit Secrets(Bytes memory) : memory_(memory) {}

  [[nodiscard]] std::size_t count() const {
    return memory_.size() < kHeader ? 0 : (memory_.size() - kHeader) / kSecretSize;
  }
  [[nodiscard]] Bytes operator[](std::size_t index) const {
    return memory_.subspan(kHeader + index * kSecretSize, kSecretSize);
  }
  // Unpredictable, the same in all processes; none where there is no memory.
  [[nodiscard]] Bytes hash_key() const { return memory_.first(memory_.size() < kHeader ? 0 : 16); }

 private:
  Bytes memory_;
};

// What the client's option is, and what is sent back: what it has, where that is good and less than half an hour old,
// or a new one. REQUIRES: is_well_formed(option), secrets.count() > 0.
struct Reply {
  bool good = false;
  Cookie cookie{};
};
[[nodiscard]] Reply answer(Bytes option, const IpAddress& client, std::uint32_t now, const Secrets& secrets);

}  // namespace swage::cookie
