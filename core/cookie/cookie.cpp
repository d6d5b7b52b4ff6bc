#include "core/cookie/cookie.h"

#include <sodium.h>

#include <algorithm>

namespace swage::cookie {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHashed = 16;                                   // bytes before the hash
constexpr std::int32_t kOldest = 3600, kNewest = 300, kFresh = 1800;  // seconds

// Over the first bytes of `cookie` and the address, to its last ones.
void add_hash(Cookie& cookie, const IpAddress& client, Bytes secret) {
  static_assert(crypto_shorthash_BYTES == 8 && crypto_shorthash_KEYBYTES == kSecretSize);
  std::array<std::uint8_t, kHashed + 16> hashed;
  std::copy_n(cookie.begin(), kHashed, hashed.begin());
  const Bytes address = client.bytes();
  std::copy(address.begin(), address.end(), hashed.begin() + kHashed);
  crypto_shorthash(&cookie[kHashed], hashed.data(), kHashed + address.size(), secret.data());
}

}  // namespace

Cookie make(Bytes client_cookie, const IpAddress& client, std::uint32_t time, Bytes secret) {
  Cookie cookie{};
  std::copy_n(client_cookie.begin(), kClientSize, cookie.begin());
  cookie[8] = kVersion;
  store_u32(&cookie[12], time);
  add_hash(cookie, client, secret);
  return cookie;
}

std::optional<std::uint32_t> verify(Bytes option, const IpAddress& client, std::uint32_t now, Bytes secret) {
  if (option.size() != kSize || option[8] != kVersion) return {};
  const std::uint32_t time = load_u32(&option[12]);
  const auto age = static_cast<std::int32_t>(now - time);  // RFC 1982
  if (age > kOldest || age < -kNewest) return {};
  Cookie right{};
  std::copy_n(option.begin(), kHashed, right.begin());  // with the reserved bytes as they came: they are hashed
  add_hash(right, client, secret);
  if (sodium_memcmp(&right[kHashed], &option[kHashed], kSize - kHashed) != 0) return {};
  return time;
}

Reply answer(Bytes option, const IpAddress& client, std::uint32_t now, const Secrets& secrets) {
  Reply reply;
  for (std::size_t i = 0; i < secrets.count() && !reply.good; ++i) {
    const auto time = verify(option, client, now, secrets[i]);
    if (!time) continue;
    reply.good = true;
    if (i != 0 || static_cast<std::int32_t>(now - *time) > kFresh) continue;
    std::copy_n(option.begin(), kSize, reply.cookie.begin());
    return reply;
  }
  reply.cookie = make(option, client, now, secrets[0]);
  return reply;
}

}  // namespace swage::cookie
