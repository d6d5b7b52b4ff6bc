#include "core/dnssec/rrsig.h"

#include <algorithm>

#include "core/dns/canonical_rdata.h"

namespace swage::dnssec {
namespace {

// An RRSIG's data (RFC 4034 section 3.1):
//   0 type covered | 2 algorithm | 3 labels | 4 original TTL | 8 expiration | 12 inception | 16 key tag | 18 signer |
//   signature
constexpr std::size_t kExpiration = 8, kInception = 12, kTag = 16, kSigner = 18;

// Times are serial numbers of 32 bits (RFC 1982).
std::int64_t near(std::uint32_t time, std::int64_t now) {
  return now + static_cast<std::int32_t>(time - static_cast<std::uint32_t>(now));
}

}  // namespace

Validity ValidityPolicy::at(std::int64_t now, std::uint64_t random) const {
  const auto less = jitter == 0 ? 0 : static_cast<std::int64_t>(random % static_cast<std::uint64_t>(jitter));
  return {.inception = now - before, .expiration = now + lifetime - less};
}

Validity validity_of(Bytes rrsig, std::int64_t now) {
  return {.inception = near(load_u32(&rrsig[kInception]), now), .expiration = near(load_u32(&rrsig[kExpiration]), now)};
}

// The canonical data of each record once, in sorted_.
void RrsetSigner::set_rdata(const Rrset& rrset) {
  std::size_t size = 0;
  for (const Bytes rdata : rrset.rdata) size += rdata.size();
  canonical_.resize(size);
  sorted_.clear();
  MutableBytes to = canonical_;
  for (const Bytes rdata : rrset.rdata) {
    std::ranges::copy(rdata, to.begin());
    dns::make_canonical(rrset.type, to.first(rdata.size()));
    sorted_.push_back(to.first(rdata.size()));
    to = to.subspan(rdata.size());
  }
  if (sorted_.size() == 1) return;
  std::ranges::sort(sorted_, [](Bytes a, Bytes b) { return std::ranges::lexicographical_compare(a, b); });
  const auto rest = std::ranges::unique(sorted_, [](Bytes a, Bytes b) { return std::ranges::equal(a, b); });
  sorted_.erase(rest.begin(), rest.end());
}

void RrsetSigner::set(const Rrset& rrset) {
  type_ = rrset.type;
  ttl_ = rrset.ttl;
  labels_ = static_cast<std::uint8_t>(rrset.owner.label_count() - (rrset.owner.is_wildcard() ? 1 : 0));
  set_rdata(rrset);
  constexpr std::size_t kFixed = 10;  // type, class, TTL, size of the data
  std::size_t size = kRoom;
  for (const Bytes rdata : sorted_) size += rrset.owner.size() + kFixed + rdata.size();
  signed_.resize(size);
  std::uint8_t* at = &signed_[kRoom];
  for (const Bytes rdata : sorted_) {
    at = std::transform(rrset.owner.data(), rrset.owner.data() + rrset.owner.size(), at, dns::lower);
    store_u16(at, static_cast<std::uint16_t>(rrset.type));
    store_u16(at + 2, static_cast<std::uint16_t>(rrset.rclass));
    store_u32(at + 4, rrset.ttl);
    store_u16(at + 8, static_cast<std::uint16_t>(rdata.size()));
    at = std::ranges::copy(rdata, at + kFixed).out;
  }
}

std::size_t RrsetSigner::size(const Key& key) { return kSigner + key.zone().size() + key.signature_size(); }

std::size_t RrsetSigner::write_head(const Key& key, const Validity& validity, MutableBytes rrsig) const {
  store_u16(rrsig.data(), static_cast<std::uint16_t>(type_));
  rrsig[2] = static_cast<std::uint8_t>(key.algorithm());
  rrsig[3] = labels_;
  store_u32(&rrsig[4], ttl_);
  store_u32(&rrsig[kExpiration], static_cast<std::uint32_t>(validity.expiration));
  store_u32(&rrsig[kInception], static_cast<std::uint32_t>(validity.inception));
  store_u16(&rrsig[kTag], key.tag());
  const dns::Name& signer = key.zone();
  std::transform(signer.data(), signer.data() + signer.size(), &rrsig[kSigner], dns::lower);
  return kSigner + signer.size();
}

// `head` right before the records.
Bytes RrsetSigner::message(Bytes head) {
  const std::size_t start = kRoom - head.size();
  std::ranges::copy(head, signed_.begin() + static_cast<std::ptrdiff_t>(start));
  return Bytes(signed_).subspan(start);
}

Result<std::size_t> RrsetSigner::sign(const Key& key, const Validity& validity, MutableBytes rrsig) {
  const std::size_t head = write_head(key, validity, rrsig);
  TRY(const std::size_t signature, key.sign(message(rrsig.first(head)), rrsig.subspan(head)));
  return head + signature;
}

bool RrsetSigner::verify(const Key& key, Bytes rrsig) {
  const std::size_t head = kSigner + key.zone().size();
  if (rrsig.size() <= head) return false;
  std::array<std::uint8_t, kRoom> expected;
  static_cast<void>(write_head(key, validity_of(rrsig, 0), expected));
  if (!std::ranges::equal(rrsig.first(head), Bytes(expected).first(head))) return false;
  return key.verify(message(rrsig.first(head)), rrsig.subspan(head));
}

}  // namespace swage::dnssec
