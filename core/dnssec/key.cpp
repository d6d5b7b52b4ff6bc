#include "core/dnssec/key.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/crypto/hasher.h"
#include "core/text.h"

namespace swage::dnssec {
namespace {

constexpr std::uint8_t kProtocol = 3;  // of a DNSKEY record, always
constexpr std::size_t kFixed = 4;      // flags, protocol, algorithm
constexpr std::uint8_t kStoredVersion = 1;
constexpr std::size_t kLargestNumber = 4096;  // bytes of one of a private key's numbers, as it is stored

struct AlgorithmRow {
  Algorithm algorithm;
  std::string_view name;
  crypto::SignatureScheme scheme;
};
constexpr AlgorithmRow kAlgorithms[] = {
    {Algorithm::rsasha256, "RSASHA256", crypto::SignatureScheme::rsa_sha256},
    {Algorithm::rsasha512, "RSASHA512", crypto::SignatureScheme::rsa_sha512},
    {Algorithm::ecdsap256sha256, "ECDSAP256SHA256", crypto::SignatureScheme::ecdsa_p256_sha256},
    {Algorithm::ecdsap384sha384, "ECDSAP384SHA384", crypto::SignatureScheme::ecdsa_p384_sha384},
    {Algorithm::ed25519, "ED25519", crypto::SignatureScheme::ed25519},
};

const AlgorithmRow& row_of(Algorithm algorithm) {
  const auto* const found = std::ranges::find(kAlgorithms, algorithm, &AlgorithmRow::algorithm);
  CHECK(found != std::end(kAlgorithms));
  return *found;
}

}  // namespace

std::string_view name_of(Algorithm algorithm) { return row_of(algorithm).name; }

std::optional<Algorithm> parse_algorithm(std::string_view text) {
  unsigned number = 0;
  const bool is_number = is_decimal(text) && parse_number(text, number);
  for (const AlgorithmRow& row : kAlgorithms) {
    if (is_number ? number == static_cast<unsigned>(row.algorithm) : equal_without_case(text, row.name)) {
      return row.algorithm;
    }
  }
  return std::nullopt;
}

Key::Key(dns::NameView zone, Algorithm algorithm, std::uint16_t flags, crypto::SigningKey signing)
    : zone_(dns::Name(zone).lowercased()), algorithm_(algorithm), dnskey_(kFixed), signing_(std::move(signing)) {
  store_u16(dnskey_.data(), flags);
  dnskey_[2] = kProtocol;
  dnskey_[3] = static_cast<std::uint8_t>(algorithm);
  const std::vector<std::uint8_t> field = signing_.public_key();
  dnskey_.insert(dnskey_.end(), field.begin(), field.end());
  tag_ = key_tag(dnskey_);
}

Result<Key> Key::generate(dns::NameView zone, Algorithm algorithm, std::uint16_t flags) {
  TRY(crypto::SigningKey signing, crypto::SigningKey::generate(row_of(algorithm).scheme));
  return Key(zone, algorithm, flags, std::move(signing));
}

Result<Key> Key::make(dns::NameView zone, Bytes dnskey, const std::vector<crypto::Secret>& numbers) {
  if (dnskey.size() <= kFixed) return fail("the key is cut short");
  const auto* const row = std::ranges::find(kAlgorithms, Algorithm{dnskey[3]}, &AlgorithmRow::algorithm);
  if (row == std::end(kAlgorithms))
    return fail("keys of algorithm {} are not supported: 8, 10, 13, 14 or 15", dnskey[3]);
  if (dnskey[2] != kProtocol) return fail("the protocol of the key is {}, not 3", dnskey[2]);
  const std::uint16_t flags = load_u16(dnskey.data());
  if ((flags & kZoneKey) == 0) return fail("the key's flags, {}, are not those of a zone's key: 256 or 257", flags);
  const Bytes field = dnskey.subspan(kFixed);
  TRY(crypto::SigningKey signing, numbers.empty() ? crypto::SigningKey::from_public(row->scheme, field)
                                                  : crypto::SigningKey::from_private(row->scheme, field, numbers));
  Key key(zone, row->algorithm, flags, std::move(signing));
  if (!std::ranges::equal(key.dnskey_, dnskey)) return fail("the public key is not in its usual form");
  return key;
}

Key Key::public_half() const {
  Result<Key> half = make(zone_, dnskey_, {});
  CHECK(half.has_value());
  return *std::move(half);
}

// version (1 byte), size of the zone's name (1), name, size of the DNSKEY's RDATA (2), RDATA, count of numbers (1); for
// each its size (2) and its bytes.
crypto::Secret Key::store() const {
  std::vector<crypto::Secret> numbers;
  if (can_sign()) numbers = private_numbers();
  std::size_t size = 1 + 1 + zone_.size() + 2 + dnskey_.size() + 1;
  for (const crypto::Secret& number : numbers) size += 2 + number.bytes().size();
  crypto::Secret stored(size);
  std::uint8_t* at = stored.bytes().data();
  const auto put = [&at](Bytes bytes) { at = std::ranges::copy(bytes, at).out; };
  const auto put_size = [&at](std::size_t value) {
    store_u16(at, static_cast<std::uint16_t>(value));
    at += 2;
  };
  *at++ = kStoredVersion;
  *at++ = static_cast<std::uint8_t>(zone_.size());
  put(zone_.view().bytes());
  put_size(dnskey_.size());
  put(dnskey_);
  *at++ = static_cast<std::uint8_t>(numbers.size());
  for (const crypto::Secret& number : numbers) {
    put_size(number.bytes().size());
    put(number.bytes());
  }
  return stored;
}

Result<Key> Key::load(Bytes stored) {
  const auto error = [] { return fail("a stored key is damaged"); };
  const auto take = [&stored](std::size_t size) {
    std::optional<Bytes> taken;
    if (stored.size() < size) return taken;
    taken = stored.first(size);
    stored = stored.subspan(size);
    return taken;
  };
  const auto take_sized = [&take] {
    const std::optional<Bytes> size = take(2);
    return size ? take(load_u16(size->data())) : std::nullopt;
  };
  const std::optional<Bytes> head = take(2);
  if (!head || (*head)[0] != kStoredVersion) return error();
  const std::optional<Bytes> name = take((*head)[1]);
  if (!name) return error();
  TRY(const dns::Name zone, dns::Name::from_wire(*name));
  const std::optional<Bytes> dnskey = take_sized(), count = take(1);
  if (zone.size() != name->size() || !dnskey || !count) return error();
  std::vector<crypto::Secret> numbers;
  for (std::uint8_t i = 0; i < (*count)[0]; ++i) {
    const std::optional<Bytes> number = take_sized();
    if (!number || number->size() > kLargestNumber) return error();
    numbers.push_back(crypto::Secret::copy_of(*number));
  }
  if (!stored.empty()) return error();
  return make(zone, *dnskey, numbers);
}

std::string describe(const Key& key) {
  return formatted("{} {} {} ({})", key.zone().to_string(), key.is_entry_point() ? "KSK" : "ZSK", key.tag(),
                   name_of(key.algorithm()));
}

std::uint16_t key_tag(Bytes dnskey) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < dnskey.size(); ++i) sum += i % 2 == 0 ? std::uint32_t{dnskey[i]} << 8 : dnskey[i];
  sum += sum >> 16;
  return static_cast<std::uint16_t>(sum);
}

std::vector<std::uint8_t> ds_of(const Key& key, DsDigest digest) {
  std::vector<std::uint8_t> rdata(4);
  store_u16(rdata.data(), key.tag());
  rdata[2] = static_cast<std::uint8_t>(key.algorithm());
  rdata[3] = static_cast<std::uint8_t>(digest);
  crypto::Hasher hasher(digest == DsDigest::sha384 ? crypto::Hash::sha384 : crypto::Hash::sha256);
  const crypto::Mac hash = hasher.add(key.zone().view().bytes()).add(key.dnskey()).finish();
  rdata.insert(rdata.end(), hash.bytes().begin(), hash.bytes().end());
  return rdata;
}

}  // namespace swage::dnssec
