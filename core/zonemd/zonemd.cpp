#include "core/zonemd/zonemd.h"

#include <algorithm>
#include <vector>

#include "core/crypto/hasher.h"
#include "core/zonemd/canonical.h"

namespace swage::zonemd {
namespace {

constexpr std::size_t kFixed = 6;        // bytes of a record's data before the digest: serial, scheme, hash
constexpr std::uint8_t kSimple = 1;      // the scheme (RFC 8976 section 5.2)
constexpr std::size_t kPiece = 1 << 16;  // bytes that are hashed at once

crypto::Hash hash_of(Hash hash) { return hash == Hash::sha384 ? crypto::Hash::sha384 : crypto::Hash::sha512; }

std::string hex(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += formatted("{:02x}", byte);
  return text;
}

void add_u16(std::vector<std::uint8_t>& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

// RFC 8976 section 3.3.1: owner, type, class, TTL, RDLENGTH and data of a record.
void write_record(const zone::ZoneRecord& record, std::vector<std::uint8_t>& to) {
  const Bytes owner = record.owner.bytes();
  std::ranges::transform(owner, std::back_inserter(to), dns::lower);  // lengths are below 64: no letters
  add_u16(to, static_cast<std::uint16_t>(record.type));
  add_u16(to, static_cast<std::uint16_t>(dns::Class::in));
  add_u16(to, record.ttl >> 16);
  add_u16(to, record.ttl & 0xFFFF);
  add_u16(to, record.rdata.size());
  write_canonical(record.type, record.rdata, to);
}

// Not part of the digest: the ZONEMD records of the apex, and their signatures.
bool is_left_out(const zone::ZoneRecord& record) {
  if (record.type == dns::Type::zonemd) return true;
  return record.type == dns::Type::rrsig && load_u16(record.rdata.data()) == static_cast<int>(dns::Type::zonemd);
}

struct Apex {
  std::uint32_t serial = 0;
  std::vector<Bytes> zonemds;  // data of records
  bool is_signed = false;
};

Apex read_apex(Bytes image) {
  Apex apex;
  zone::AllRecords records(image);
  const auto soa = records.next();
  apex.serial = load_u32(&soa->rdata[soa->rdata.size() - 20]);
  while (const auto record = records.next()) {
    if (record->owner != soa->owner) break;
    if (record->type == dns::Type::zonemd) apex.zonemds.push_back(record->rdata);
    if (record->type == dns::Type::rrsig || record->type == dns::Type::dnskey) apex.is_signed = true;
  }
  return apex;
}

// Why a record cannot be checked (RFC 8976 section 4); empty where it can.
std::string_view why_unsupported(Bytes zonemd, const std::vector<Bytes>& all) {
  if (zonemd[4] != kSimple) return "an unknown scheme";
  if (zonemd[5] != static_cast<int>(Hash::sha384) && zonemd[5] != static_cast<int>(Hash::sha512)) {
    return "an unknown hash algorithm";
  }
  const auto same = [zonemd](Bytes other) { return other[4] == zonemd[4] && other[5] == zonemd[5]; };
  return std::ranges::count_if(all, same) > 1 ? "the same scheme and hash algorithm as another one" : "";
}

}  // namespace

std::string to_string(Hash hash) { return hash == Hash::sha384 ? "SHA-384" : "SHA-512"; }

crypto::Mac digest(Bytes image, Hash hash) {
  crypto::Hasher hasher(hash_of(hash));
  std::vector<std::uint8_t> piece;
  piece.reserve(2 * kPiece);
  CanonicalNames names(image);
  for (bool at_apex = true;; at_apex = false) {
    const auto& records = names.next();
    if (records.empty()) break;
    for (const zone::ZoneRecord& record : records) {
      if (at_apex && is_left_out(record)) continue;
      write_record(record, piece);
      if (piece.size() < kPiece) continue;
      hasher.add(piece);
      piece.clear();
    }
  }
  return hasher.add(piece).finish();
}

Result<Check> check(Bytes image) {
  const Apex apex = read_apex(image);
  Check result;
  std::string wrong;
  for (const Bytes zonemd : apex.zonemds) {
    if (const std::string_view why = why_unsupported(zonemd, apex.zonemds); !why.empty()) {
      result.warning = formatted("its ZONEMD record has {} and is not checked", why);
      continue;
    }
    const auto hash = static_cast<Hash>(zonemd[5]);
    const std::uint32_t serial = load_u32(zonemd.data());
    if (serial != apex.serial) {
      wrong =
          formatted("its ZONEMD record is for serial {}; the serial is {} (RFC 8976 section 4)", serial, apex.serial);
      continue;
    }
    const crypto::Mac is = digest(image, hash);
    const Bytes should = zonemd.subspan(kFixed);
    if (std::ranges::equal(is.bytes(), should)) return Check{.verified = true, .warning = {}};
    wrong = formatted("its {} digest is {}; its ZONEMD record says {} (RFC 8976 section 4)", to_string(hash),
                      hex(is.bytes()), hex(should));
  }
  if (!wrong.empty()) return fail("{}", wrong);
  return result;
}

std::vector<std::uint8_t> reserved(Hash hash) {
  std::vector<std::uint8_t> data(kFixed + crypto::digest_size(hash_of(hash)));
  data[4] = kSimple;
  data[5] = static_cast<std::uint8_t>(hash);
  return data;
}

void reserve(zone::Builder& builder, Hash hash) { builder.reserve_zonemd(reserved(hash)); }

Result<> fill_in(MutableBytes image) {
  if (read_apex(image).is_signed) return fail("the zone is signed; whoever signs it has to make its ZONEMD record");
  write_digest(image);
  return {};
}

void write_digest(MutableBytes image) {
  const Apex apex = read_apex(image);
  CHECK(apex.zonemds.size() == 1);
  const Bytes reserved = apex.zonemds.front();
  const crypto::Mac made = digest(image, static_cast<Hash>(reserved[5]));
  CHECK(made.size + kFixed == reserved.size());
  const auto at = static_cast<std::size_t>(reserved.data() - image.data());
  store_u32(&image[at], apex.serial);
  std::ranges::copy(made.bytes(), image.subspan(at + kFixed).begin());
}

Result<Policy> parse_policy(const std::vector<std::string>& words) {
  const std::string word = words.empty() ? "" : words[0];
  const std::string hash = words.size() < 2 ? "sha384" : words[1];
  const bool generates = word == "generate" && words.size() <= 2 && (hash == "sha384" || hash == "sha512");
  if (generates) return Policy{.checked = false, .made = hash == "sha384" ? Hash::sha384 : Hash::sha512};
  if (words.size() == 1 && (word == "check" || word == "off")) return Policy{.checked = word == "check", .made = {}};
  return fail("expected check, off, or generate with sha384 or sha512");
}

Result<std::string> settle(const Policy& policy, MutableBytes image) {
  if (policy.made) {
    TRY(fill_in(image));
    return std::string();
  }
  if (!policy.checked) return std::string();
  TRY(Check checked, check(image));
  return std::move(checked.warning);
}

}  // namespace swage::zonemd
