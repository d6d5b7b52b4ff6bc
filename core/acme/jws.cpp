#include "core/acme/jws.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include <array>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/crypto/base64.h"
#include "core/crypto/hash.h"
#include "core/crypto/openssl.h"
#include "core/crypto/pem.h"
#include "core/format.h"

namespace swage::acme {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kCoordinate = 32, kPkixHead = 27;  // bytes, on P-256; the point is uncompressed

// DER of r and s, as r | s (RFC 7518 section 3.4).
std::array<std::uint8_t, 2 * kCoordinate> raw_signature(Bytes der) {
  const std::uint8_t* at = der.data();
  const std::unique_ptr<ECDSA_SIG, crypto::Free<ECDSA_SIG_free>> numbers(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  CHECK(numbers != nullptr);
  std::array<std::uint8_t, 2 * kCoordinate> raw;
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(numbers.get()), raw.data(), kCoordinate) == kCoordinate &&
        BN_bn2binpad(ECDSA_SIG_get0_s(numbers.get()), raw.data() + kCoordinate, kCoordinate) == kCoordinate);
  return raw;
}

// What a CA says may be anything.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string flattened(const std::string& header, const std::string& payload, Bytes signature) {
  Json json = Json::object();
  json["protected"] = header;
  json["payload"] = payload;
  json["signature"] = base64url(signature);
  return dump(json);
}

}  // namespace

std::string base64url(Bytes bytes) {
  std::string text = crypto::to_base64url(bytes);
  while (text.ends_with('=')) text.pop_back();
  return text;
}

AccountKey::AccountKey(crypto::EvpPrivateKey key) : key_(std::move(key)) {
  const std::vector<std::uint8_t> pkix = key_.public_pkix();
  CHECK(pkix.size() == kPkixHead + 2 * kCoordinate);
  const Bytes point = Bytes(pkix).subspan(kPkixHead);
  jwk_ = formatted(R"({{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}})", base64url(point.first(kCoordinate)),
                   base64url(point.subspan(kCoordinate)));
}

AccountKey AccountKey::generate() { return AccountKey(crypto::EvpPrivateKey::generate_ecdsa()); }

Result<AccountKey> AccountKey::from_pem(std::string_view pem) {
  TRY(crypto::EvpPrivateKey key, crypto::key_from_pem(pem));
  if (key.public_pkix().size() != kPkixHead + 2 * kCoordinate) return fail("the key is not one on P-256");
  return AccountKey(std::move(key));
}

crypto::Secret AccountKey::to_pem() const { return crypto::key_to_pem(key_); }

std::string AccountKey::dns_value(std::string_view token) const {
  const std::string authorization = formatted("{}.{}", token, base64url(crypto::sha256(as_bytes(jwk_))));
  return base64url(crypto::sha256(as_bytes(authorization)));
}

Result<std::string> AccountKey::sign(const Header& header, std::string_view payload) const {
  Json json = Json::object();
  json["alg"] = "ES256";
  json["nonce"] = header.nonce;
  json["url"] = header.url;
  if (header.account.empty()) {
    json["jwk"] = Json::parse(jwk_);
  } else {
    json["kid"] = header.account;
  }
  const std::string protected_header = base64url(as_bytes(dump(json))), body = base64url(as_bytes(payload));
  TRY(const std::vector<std::uint8_t> der, key_.sign(as_bytes(protected_header + "." + body)));
  return flattened(protected_header, body, raw_signature(der));
}

std::string bind_account(const ExternalAccount& account, std::string_view url, std::string_view jwk) {
  Json json = Json::object();
  json["alg"] = "HS256";
  json["kid"] = account.id;
  json["url"] = std::string(url);
  const std::string header = base64url(as_bytes(dump(json))), body = base64url(as_bytes(jwk));
  const std::string message = header + "." + body;
  return flattened(header, body, crypto::hmac_sha256(account.key.bytes(), as_bytes(message)));
}

}  // namespace swage::acme
