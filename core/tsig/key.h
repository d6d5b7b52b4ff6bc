// Keys of TSIG (RFC 8945), and where they are found. A Key is a view; those of a Ring lie in memory that is wiped, or
// in memory that all processes read: the bytes of a Ring are without pointers. Any process; no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/hmac.h"
#include "core/crypto/secret.h"
#include "core/dns/name.h"
#include "core/result.h"

namespace swage::tsig {

using Algorithm = crypto::Hash;  // of HMAC: "hmac-sha256." and so on (RFC 8945 section 6)

// "hmac-sha256." in wire format.
[[nodiscard]] dns::NameView name_of(Algorithm algorithm);
// None where it is not one of ours; HMAC-MD5 and GSS-TSIG are not.
[[nodiscard]] std::optional<Algorithm> find_algorithm(dns::NameView name);

// REQUIRES, where a Key is used: what it points to lives.
struct Key {
  dns::NameView name;  // lower case
  Algorithm algorithm = Algorithm::sha256;
  std::size_t mac_size =
      0;  // bytes: MACs are truncated to it, and shorter ones are not taken (RFC 8945 section 5.2.2.1)
  Bytes secret;
};

// Where keys are found by name.
class Keys {
 public:
  virtual ~Keys() = default;
  // Valid until control goes back to the event loop.
  [[nodiscard]] virtual std::optional<Key> find(dns::NameView name) const = 0;
};

inline constexpr std::size_t kLargestSecret = 256;  // bytes; longer than a block of the hash is of no use
inline constexpr std::size_t kMostKeys = 10'000;    // in a Ring

// A key that owns what it has.
class OwnKey {
 public:
  // `algorithm`: "hmac-sha256", or "hmac-sha256-128" for MACs of 128 bits, as BIND has it; empty: hmac-sha256.
  // `secret`: base64. An Error says what is wrong, and never the secret.
  [[nodiscard]] static Result<OwnKey> make(std::string_view name, std::string_view algorithm, std::string_view secret);
  [[nodiscard]] static OwnKey copy_of(const Key& key);

  // Valid as long as this is, and does not move.
  [[nodiscard]] Key key() const { return {name_, algorithm_, mac_size_, secret_.bytes()}; }

 private:
  dns::Name name_;
  Algorithm algorithm_ = Algorithm::sha256;
  std::size_t mac_size_ = 0;
  crypto::Secret secret_;
};

// Keys, each name once, sorted.
class Ring : public Keys {
 public:
  Ring() = default;
  // An Error where two have the same name or there are more than kMostKeys.
  [[nodiscard]] static Result<Ring> make(const std::vector<OwnKey>& keys);

  [[nodiscard]] std::optional<Key> find(dns::NameView name) const override { return find(bytes(), name); }
  [[nodiscard]] std::size_t count() const;

  // The keys as bytes, and how one is found in such: in a copy of them, that is. Bytes that are not a Ring's have no
  // keys.
  [[nodiscard]] Bytes bytes() const { return memory_.bytes(); }
  [[nodiscard]] static std::optional<Key> find(Bytes ring, dns::NameView name);

 private:
  crypto::Secret memory_;
};

// Reads `key NAME { algorithm ALGORITHM; secret SECRET; };` clauses, as BIND's tsig-keygen, Knot's keymgr and others
// write them, with comments of all three kinds. `file` for Errors, which have a line.
[[nodiscard]] Result<std::vector<OwnKey>> read_key_file(std::string_view text, const std::string& file);

}  // namespace swage::tsig
