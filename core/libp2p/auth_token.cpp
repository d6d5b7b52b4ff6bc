#include "core/libp2p/auth_token.h"

#include "core/crypto/base64.h"
#include "core/crypto/hash.h"

namespace swage::libp2p {
namespace {

constexpr std::size_t kHead = 9;  // bytes of kind and time
using Kind = AuthToken::Kind;

crypto::Digest mac(Bytes key, std::string_view service, Bytes state) {
  std::vector<std::uint8_t> message(service.begin(), service.end());
  message.push_back(0);
  message.insert(message.end(), state.begin(), state.end());
  return crypto::hmac_sha256(key, message);
}

AuthTime read_time(const std::uint8_t* at) {
  const std::uint64_t value = static_cast<std::uint64_t>(load_u32(at)) << 32 | load_u32(at + 4);
  return AuthTime(std::chrono::milliseconds(static_cast<std::int64_t>(value)));
}

}  // namespace

std::string AuthSealer::seal(const AuthToken& token) const {
  std::vector<std::uint8_t> state(kHead);
  state[0] = static_cast<std::uint8_t>(token.kind);
  const auto created = static_cast<std::uint64_t>(token.created.time_since_epoch().count());
  store_u32(&state[1], static_cast<std::uint32_t>(created >> 32));
  store_u32(&state[5], static_cast<std::uint32_t>(created));
  state.insert(state.end(), token.content.begin(), token.content.end());
  const crypto::Digest digest = mac(key_, service_, state);
  state.insert(state.begin(), digest.begin(), digest.end());
  return crypto::to_base64url(state);
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
