#include "core/libp2p/auth_token.h"

#include <algorithm>

#include "core/crypto/base64.h"
#include "core/crypto/hash.h"

namespace swage::libp2p {
namespace {

constexpr std::size_t kHead = 9;  // bytes of kind and time
using Kind = AuthToken::Kind;

crypto::Digest mac(Bytes key, std::string_view service, Bytes state) {
  constexpr std::uint8_t kEnd = 0;  // of the service's name
  return crypto::hmac_sha256(key, {as_bytes(service), {&kEnd, 1}, state});
}

AuthTime read_time(const std::uint8_t* at) {
  const std::uint64_t value = static_cast<std::uint64_t>(load_u32(at)) << 32 | load_u32(at + 4);
  return AuthTime(std::chrono::milliseconds(static_cast<std::int64_t>(value)));
}

}  // namespace

std::string AuthSealer::seal(const AuthToken& token) const {
  std::vector<std::uint8_t> sealed(crypto::kDigestSize + kHead + token.content.size());
  const MutableBytes state = MutableBytes(sealed).subspan(crypto::kDigestSize);
  state[0] = static_cast<std::uint8_t>(token.kind);
  const auto created = static_cast<std::uint64_t>(token.created.time_since_epoch().count());
  store_u32(&state[1], static_cast<std::uint32_t>(created >> 32));
  store_u32(&state[5], static_cast<std::uint32_t>(created));
  std::ranges::copy(token.content, state.begin() + kHead);
  std::ranges::copy(mac(key_, service_, state), sealed.begin());
  return crypto::to_base64url(sealed);
}

Result<AuthToken> AuthSealer::open(std::string_view text, AuthTime now) const {
  const auto bytes = crypto::from_base64url(text);
  if (!bytes || bytes->size() < crypto::kDigestSize + kHead) return fail("the token is not one of ours");
  const Bytes digest = Bytes(*bytes).first(crypto::kDigestSize), state = Bytes(*bytes).subspan(crypto::kDigestSize);
  if (!crypto::equal(digest, mac(key_, service_, state))) return fail("the token is not one of ours");
  // From here on it is what seal() wrote.
  const auto kind = static_cast<Kind>(state[0]);
  const AuthTime created = read_time(&state[1]);
  const auto life = kind == Kind::bearer ? std::chrono::minutes(kBearerLife) : kChallengeLife;
  if (now > created + life || created > now + kMaxClockSkew) return fail("the token has expired");
  return AuthToken{kind, created, {state.begin() + kHead, state.end()}};
}

}  // namespace swage::libp2p
