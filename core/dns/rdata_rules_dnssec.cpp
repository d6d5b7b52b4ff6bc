// Keys and digests: where an algorithm fixes how many bytes there are, others verify nothing.
#include <algorithm>
#include <array>

#include "core/counted.h"
#include "core/dns/rdata_rules.h"

namespace swage::dns {
namespace {

struct Size {
  std::uint8_t algorithm;
  std::uint8_t bytes;
  std::string_view name;
};

// IANA "DNS Security Algorithm Numbers", where the size of a key is fixed: RFC 5933, 6605, 8080, 9558, 9563.
constexpr auto kKeySizes = std::to_array<Size>({
    {12, 64, "ECC-GOST"},
    {13, 64, "ECDSAP256SHA256"},
    {14, 96, "ECDSAP384SHA384"},
    {15, 32, "ED25519"},
    {16, 57, "ED448"},
    {17, 64, "SM2SM3"},
    {23, 64, "ECC-GOST12"},
});
// IANA "DS RR Type Digest Algorithms": RFC 3658, 4509, 5933, 6605, 9558, 9563.
constexpr auto kDsDigests = std::to_array<Size>({
    {1, 20, "SHA-1"},
    {2, 32, "SHA-256"},
    {3, 32, "GOST R 34.11-94"},
    {4, 48, "SHA-384"},
    {5, 32, "GOST R 34.11-2012"},
    {6, 32, "SM3"},
});
constexpr auto kSshDigests = std::to_array<Size>({{1, 20, "SHA-1"}, {2, 32, "SHA-256"}});     // RFC 4255, 6594
constexpr auto kTlsaDigests = std::to_array<Size>({{1, 32, "SHA-256"}, {2, 64, "SHA-512"}});  // RFC 6698
constexpr auto kZoneDigests = std::to_array<Size>({{1, 48, "SHA-384"}, {2, 64, "SHA-512"}});  // RFC 8976
constexpr auto kClientDigests = std::to_array<Size>({{1, 32, "SHA-256"}});                    // RFC 4701

Result<std::string_view> check_size(std::span<const Size> sizes, unsigned algorithm, Bytes data,
                                    std::string_view field) {
  const auto size = std::ranges::find(sizes, algorithm, &Size::algorithm);
  if (size == sizes.end() || size->bytes == data.size()) return {};
  return fail("{}: {}, where {} has {}", field, counted(data.size(), "byte"), size->name, size->bytes);
}

// RFC 3110 section 2: an exponent after its length, and a modulus.
bool is_rsa_key(Bytes key) {
  const bool is_long = key[0] == 0;
  if (is_long && key.size() < 3) return false;
  const std::size_t exponent = is_long ? load_u16(&key[1]) : key[0];
  return exponent > 0 && key.size() > (is_long ? 3U : 1U) + exponent;
}

bool is_rsa(unsigned algorithm) {
  return algorithm == 1 || algorithm == 5 || algorithm == 7 || algorithm == 8 || algorithm == 10;
}

constexpr auto kDeleteKey = std::to_array<std::uint8_t>({0, 0, 3, 0, 0});     // RFC 8078 section 4
constexpr auto kDeleteDigest = std::to_array<std::uint8_t>({0, 0, 0, 0, 0});  // the same, erratum 5049

Result<std::string_view> check_public_key(Bytes rdata) {
  const unsigned algorithm = rdata[3];
  const Bytes key = rdata.subspan(4);
  TRY(check_size(kKeySizes, algorithm, key, "public key"));
  if (is_rsa(algorithm) && !is_rsa_key(key)) return "public key: not an exponent and a modulus";
  return {};
}

}  // namespace

// draft-reid-dnsext-rkey-00 section 2.1.
Result<std::string_view> check_rkey(Bytes rdata) {
  if (load_u16(rdata.data()) != 0) return fail("flags: not 0");
  return check_public_key(rdata);
}

// RFC 2535 section 3.1.2: flags that say that there is no key.
Result<std::string_view> check_key(Bytes rdata) {
  const bool without_key = (rdata[0] & 0xC0) == 0xC0;
  const bool has_key = rdata.size() > 4;
  if (without_key && has_key) return fail("public key: the flags say that there is no key");
  if (!without_key && !has_key) return fail("public key: missing");
  return without_key ? Result<std::string_view>{} : check_public_key(rdata);
}

// RFC 4034 section 2.1.2.
Result<std::string_view> check_dnskey(Bytes rdata) {
  TRY(const std::string_view doubt, check_public_key(rdata));
  return rdata[2] == 3 ? doubt : "protocol: not 3, so validators ignore the key";
}

Result<std::string_view> check_cdnskey(Bytes rdata) {
  if (rdata[3] != 0) return check_dnskey(rdata);
  if (!std::ranges::equal(rdata, kDeleteKey)) return fail("algorithm: 0 is for '0 3 0 AA==' alone");
  return {};
}

Result<std::string_view> check_ds(Bytes rdata) { return check_size(kDsDigests, rdata[3], rdata.subspan(4), "digest"); }

Result<std::string_view> check_cds(Bytes rdata) {
  if (rdata[2] != 0) return check_ds(rdata);
  if (!std::ranges::equal(rdata, kDeleteDigest)) return fail("algorithm: 0 is for '0 0 0 00' alone");
  return {};
}

Result<std::string_view> check_sshfp(Bytes rdata) {
  return check_size(kSshDigests, rdata[1], rdata.subspan(2), "fingerprint");
}

Result<std::string_view> check_dhcid(Bytes rdata) {
  if (rdata.size() < 4) return fail("data: cut short");
  return check_size(kClientDigests, rdata[2], rdata.subspan(3), "digest");
}

Result<std::string_view> check_tlsa(Bytes rdata) {
  return check_size(kTlsaDigests, rdata[2], rdata.subspan(3), "certificate data");
}

Result<std::string_view> check_zonemd(Bytes rdata) {
  if (rdata.size() < 6 + 12) return fail("digest: less than 12 bytes");
  constexpr std::uint8_t kSimple = 1;  // of other schemes nobody knows the sizes (RFC 8976 section 2.2.4)
  if (rdata[4] != kSimple) return {};
  return check_size(kZoneDigests, rdata[5], rdata.subspan(6), "digest");
}

}  // namespace swage::dns
