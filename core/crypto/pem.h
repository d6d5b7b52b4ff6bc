// PEM (RFC 7468): what is in it as text, and ECDSA keys as files have them. Pure functions; any process.
#pragma once

#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/crypto/evp_key.h"
#include "core/crypto/secret.h"
#include "core/result.h"

namespace swage::crypto {

// "-----BEGIN LABEL-----", and so on.
[[nodiscard]] std::string to_pem(std::string_view label, Bytes der);

// REQUIRES: a key of EvpPrivateKey::generate_ecdsa() or ecdsa().
[[nodiscard]] Secret key_to_pem(const EvpPrivateKey& key);
// The first key of the text, SEC 1 or PKCS#8, not encrypted; other blocks are skipped.
[[nodiscard]] Result<EvpPrivateKey> key_from_pem(std::string_view pem);

}  // namespace swage::crypto
