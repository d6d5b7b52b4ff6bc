#include "core/libp2p/noise_xx.h"

#include <algorithm>
#include <utility>

namespace swage::libp2p::noise {

using ByteVector = std::vector<std::uint8_t>;
using Kind = NoiseError::Kind;

namespace {

// Takes them off the front of `message`.
NoiseResult<Bytes> take(Bytes& message, std::size_t size) {
  if (message.size() < size) {
    return std::unexpected(NoiseError(Kind::too_short, "noise: a handshake message that is cut short"));
  }
  const Bytes taken = message.first(size);
  message = message.subspan(size);
  return taken;
}

}  // namespace

XxHandshake::XxHandshake(Role role, Bytes prologue, KeyPairs keys)
    : role_(role), keys_(std::move(keys)), symmetric_("Noise_XX_25519_ChaChaPoly_SHA256") {
  symmetric_.mix_hash(prologue);
}

bool XxHandshake::writes_next() const { return !done() && (message_ % 2 == 0) == (role_ == Role::initiator); }

std::span<const XxHandshake::Token> XxHandshake::tokens_of(int message) {
  static constexpr Token kTokens[] = {Token::e, Token::e, Token::ee, Token::s, Token::es, Token::s, Token::se};
  static constexpr std::size_t kBegin[] = {0, 1, 5, 7};
  return std::span(kTokens).subspan(kBegin[message], kBegin[message + 1] - kBegin[message]);
}

NoiseResult<ByteVector> XxHandshake::write(Bytes payload) {
  CHECK(writes_next());
  ByteVector out;
  for (const Token token : tokens_of(message_)) TRY(write_token(token, out));
  TRY(symmetric_.encrypt_and_hash(payload, out));
  CHECK(out.size() <= kMaxMessage);
  ++message_;
  return out;
}

NoiseResult<> XxHandshake::write_token(Token token, ByteVector& out) {
  if (token == Token::s) return symmetric_.encrypt_and_hash(our_static(), out);
  if (token != Token::e) return mix_secret(token);
  const crypto::X25519Public& key = keys_.ephemeral.public_key();
  out.insert(out.end(), key.begin(), key.end());
  symmetric_.mix_hash(key);
  return {};
}

NoiseResult<ByteVector> XxHandshake::read(Bytes message) {
  CHECK(!done() && !writes_next());
  for (const Token token : tokens_of(message_)) TRY(read_token(token, message));
  TRY(ByteVector payload, symmetric_.decrypt_and_hash(message));
  ++message_;
  return payload;
}

NoiseResult<> XxHandshake::read_token(Token token, Bytes& message) {
  if (token == Token::e) {
    TRY(const Bytes key, take(message, crypto::kX25519Size));
    std::ranges::copy(key, their_ephemeral_.begin());
    symmetric_.mix_hash(key);
  } else if (token == Token::s) {
    TRY(const Bytes sealed, take(message, crypto::kX25519Size + symmetric_.overhead()));
    TRY(const ByteVector key, symmetric_.decrypt_and_hash(sealed));
    std::ranges::copy(key, their_static_.begin());
  } else {
    return mix_secret(token);
  }
  return {};
}

NoiseResult<> XxHandshake::mix_secret(Token token) {
  const bool ours_is_static = token == (role_ == Role::initiator ? Token::se : Token::es);
  const bool theirs_is_static = token == (role_ == Role::initiator ? Token::es : Token::se);
  const crypto::X25519Key& ours = ours_is_static ? *keys_.fixed : keys_.ephemeral;
  const auto secret = ours.agree(theirs_is_static ? their_static_ : their_ephemeral_);
  if (!secret) return std::unexpected(NoiseError(Kind::bad_key, "noise: " + secret.error().text()));
  symmetric_.mix_key(secret->bytes());
  return {};
}

SymmetricState::Ciphers XxHandshake::split() const {
  CHECK(done());
  return symmetric_.split();
}

}  // namespace swage::libp2p::noise
