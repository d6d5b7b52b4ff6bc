// The texts of BIND's two files for a key: KNAME.key has the DNSKEY record, KNAME.private the private half and the
// times (dnssec-keygen(8), private-key format v1.3). ldns's files are read, too. No I/O; any process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/crypto/secret.h"
#include "core/dnssec/key.h"
#include "core/result.h"

namespace swage::dnssec {

// When what happens to a key, as BIND's tools name it. Seconds since 1970; nullopt: not planned.
struct KeyTimes {
  using Time = std::optional<std::int64_t>;
  Time created{}, publish{}, activate{}, revoke{}, inactive{}, remove{}, sync_publish{}, sync_remove{};

  bool operator==(const KeyTimes&) const = default;
};

// A key as it lies in its two files.
struct StoredKey {
  Key key;
  KeyTimes times{};
  std::optional<std::uint32_t> ttl{};  // of the DNSKEY record, where the file says one
};

// `private_text` may be empty: then the times are those of the comments of `public_text`.
[[nodiscard]] Result<StoredKey> parse_key(std::string_view public_text, std::string_view private_text);
[[nodiscard]] std::string public_text(const StoredKey& stored);
// REQUIRES: stored.key.can_sign().
[[nodiscard]] crypto::Secret private_text(const StoredKey& stored);

// "Kexample.org.+013+12345": what the names of its files begin with.
[[nodiscard]] std::string file_name(const Key& key);
[[nodiscard]] std::string file_prefix(dns::NameView zone);  // "Kexample.org.+": of all keys of a zone

// 14 digits, "20261130162613", in UTC, as in BIND's files.
[[nodiscard]] std::string time_text(std::int64_t time);
[[nodiscard]] std::optional<std::int64_t> parse_time(std::string_view text);
// For people: "2026-11-30 16:26:13 UTC".
[[nodiscard]] std::string readable_time(std::int64_t time);

}  // namespace swage::dnssec
