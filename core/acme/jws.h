// Requests of ACME as they are signed (RFC 8555 section 6.2): flattened JWS (RFC 7515) by ES256 with the account's key,
// and by HS256 where an account is bound to one that the CA knows (section 7.3.4). No I/O; any process.
#pragma once

#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/crypto/evp_key.h"
#include "core/crypto/secret.h"
#include "core/result.h"

namespace swage::acme {

// base64url without padding (RFC 8555 section 6.1).
[[nodiscard]] std::string base64url(Bytes bytes);

// An account is its key, on P-256.
class AccountKey {
 public:
  [[nodiscard]] static AccountKey generate();
  [[nodiscard]] static Result<AccountKey> from_pem(std::string_view pem);
  [[nodiscard]] crypto::Secret to_pem() const;

  // The public key (RFC 7517), its members in the order of RFC 7638.
  [[nodiscard]] const std::string& jwk() const { return jwk_; }
  // What a TXT record for the challenge's token says (RFC 8555 section 8.4).
  [[nodiscard]] std::string dns_value(std::string_view token) const;

  struct Header {
    std::string url, nonce;
    std::string account{};  // its URL; empty: says the key itself
  };
  // `payload`: JSON, or empty (POST-as-GET).
  [[nodiscard]] Result<std::string> sign(const Header& header, std::string_view payload) const;

 private:
  explicit AccountKey(crypto::EvpPrivateKey key);

  crypto::EvpPrivateKey key_;
  std::string jwk_;
};

// An account at the CA that exists outside of ACME: its identifier, and the key that the CA has given for it.
struct ExternalAccount {
  std::string id;
  crypto::Secret key;
};
// The externalAccountBinding for a request to `url`.
[[nodiscard]] std::string bind_account(const ExternalAccount& account, std::string_view url, std::string_view jwk);

}  // namespace swage::acme
