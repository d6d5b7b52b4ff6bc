// Key: a key of a zone (RFC 4034 section 2), with its private half or without. No I/O; any process, but see
// docs/decisions/keys.md for which process has which private halves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/secret.h"
#include "core/crypto/signing_key.h"
#include "core/dns/name.h"
#include "core/result.h"

namespace swage::dnssec {

// Those that zones are signed with (RFC 8624): no SHA-1, no DSA, no GOST, and no Ed448, which resolvers hardly know.
enum class Algorithm : std::uint8_t {
  rsasha256 = 8,
  rsasha512 = 10,
  ecdsap256sha256 = 13,
  ecdsap384sha384 = 14,
  ed25519 = 15,
};

[[nodiscard]] std::string_view name_of(Algorithm algorithm);  // IANA's mnemonic: "ECDSAP256SHA256"
// From the mnemonic, in any case, or the number.
[[nodiscard]] std::optional<Algorithm> parse_algorithm(std::string_view text);

inline constexpr std::uint16_t kZoneKey = 0x0100, kRevoked = 0x0080, kEntryPoint = 0x0001;  // flags
inline constexpr std::uint16_t kZsk = kZoneKey, kKsk = kZoneKey | kEntryPoint;              // KSK, or CSK

// Copies share the private half, which never changes.
class Key {
 public:
  // Of a new key. `flags`: kZsk or kKsk.
  [[nodiscard]] static Result<Key> generate(dns::NameView zone, Algorithm algorithm, std::uint16_t flags);
  // From the texts of BIND's two files, .key and .private. The second may be empty: a key without its private half.
  [[nodiscard]] static Result<Key> read(std::string_view public_file, std::string_view private_file);
  // From what store() gave.
  [[nodiscard]] static Result<Key> load(Bytes stored);
  // With the private half, where it has one: for memory between processes.
  [[nodiscard]] crypto::Secret store() const;

  [[nodiscard]] const dns::Name& zone() const { return zone_; }  // lower case
  [[nodiscard]] Algorithm algorithm() const { return algorithm_; }
  [[nodiscard]] std::uint16_t flags() const { return load_u16(dnskey_.data()); }
  [[nodiscard]] bool is_entry_point() const { return (flags() & kEntryPoint) != 0; }
  [[nodiscard]] std::uint16_t tag() const { return tag_; }  // RFC 4034 appendix B
  [[nodiscard]] Bytes dnskey() const { return dnskey_; }    // the RDATA of the DNSKEY record
  [[nodiscard]] Bytes public_key() const { return Bytes(dnskey_).subspan(4); }
  [[nodiscard]] bool can_sign() const { return signing_.can_sign(); }
  [[nodiscard]] std::size_t signature_size() const { return signing_.signature_size(); }  // bytes
  // In DNSSEC's form. REQUIRES: can_sign(), and room for signature_size() bytes. Gives the bytes written.
  [[nodiscard]] Result<std::size_t> sign(Bytes message, MutableBytes out) const { return signing_.sign(message, out); }
  [[nodiscard]] bool verify(Bytes message, Bytes signature) const { return signing_.verify(message, signature); }
  // The same record, whatever each has of the private half.
  [[nodiscard]] bool operator==(const Key& other) const { return zone_ == other.zone_ && dnskey_ == other.dnskey_; }

  // For core/dnssec/key_file.h. REQUIRES: can_sign().
  [[nodiscard]] std::vector<crypto::Secret> private_numbers() const { return signing_.private_numbers(); }
  // The same key without its private half.
  [[nodiscard]] Key public_half() const;

 private:
  Key(dns::NameView zone, Algorithm algorithm, std::uint16_t flags, crypto::SigningKey signing);
  static Result<Key> make(dns::NameView zone, Bytes dnskey, const std::vector<crypto::Secret>& numbers);

  dns::Name zone_;
  Algorithm algorithm_;
  std::uint16_t tag_ = 0;
  std::vector<std::uint8_t> dnskey_;
  crypto::SigningKey signing_;
};

// "example.org. KSK 12345 (ECDSAP256SHA256)", for messages.
[[nodiscard]] std::string describe(const Key& key);

[[nodiscard]] std::uint16_t key_tag(Bytes dnskey);

enum class DsDigest : std::uint8_t { sha256 = 2, sha384 = 4 };
// The RDATA of the DS record (RFC 4034 section 5.1.4), or of the CDS record, of a key.
[[nodiscard]] std::vector<std::uint8_t> ds_of(const Key& key, DsDigest digest);

}  // namespace swage::dnssec
