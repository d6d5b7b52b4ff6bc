// Requests for certificates (PKCS#10, RFC 2986), and what an authority has issued for one. Over OpenSSL; pure
// functions, any process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/evp_key.h"
#include "core/result.h"

namespace swage::crypto {

// DER, signed by `key`, which it is for: no subject, `names` as its DNS names. REQUIRES: an ECDSA key; at least one
// name.
[[nodiscard]] std::vector<std::uint8_t> certificate_request(const EvpPrivateKey& key,
                                                            const std::vector<std::string>& names);

// What the first certificate of a chain says.
struct Issued {
  std::int64_t not_before = 0, not_after = 0;  // seconds since 1970
  std::string renewal_id{};                    // RFC 9773 section 4.1; empty where it names no authority key
  std::vector<std::uint8_t> public_key{};      // SubjectPublicKeyInfo in DER
};

// Of a chain in PEM, the server's certificate first. An Error where that is not for each of `names`.
[[nodiscard]] Result<Issued> read_issued(std::string_view pem, const std::vector<std::string>& names);

}  // namespace swage::crypto
