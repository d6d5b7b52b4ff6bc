#include "core/dnssec/last_signed.h"

#include <algorithm>

namespace swage::dnssec {
namespace {

// RFC 4034 section 3.1; numbers of seconds compare as serial numbers (section 3.1.5).
constexpr std::size_t kAlgorithmAt = 2, kTtlAt = 4, kExpirationAt = 8, kInceptionAt = 12, kTagAt = 16;

bool is_before(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) < 0; }

}  // namespace

LastSigned::LastSigned(Bytes image, const ZoneKeys& keys, std::int64_t now, std::int64_t fresh_until)
    : keys_(keys),
      now_(static_cast<std::uint32_t>(now)),
      fresh_until_(static_cast<std::uint32_t>(fresh_until)),
      walk_(image) {
  known_.resize(keys.published.size());
  advance();
  found_ = more_;  // the apex
  const RrsetView* const dnskeys = find(dns::Type::dnskey);
  if (dnskeys == nullptr) return;
  for (std::size_t i = 0; i < known_.size(); ++i) {
    const Bytes own = keys.published[i].dnskey();
    known_[i] =
        std::ranges::any_of(dnskeys->records, [&](const auto& each) { return std::ranges::equal(each.rdata, own); });
  }
}

void LastSigned::go_to(dns::NameView name) {
  while (more_ && !at_nsec3s() && walk_.owner() < name) advance();
  found_ = more_ && !at_nsec3s() && walk_.owner() == name;
}

void LastSigned::go_to_nsec3(dns::NameView owner) {
  while (more_ && (!at_nsec3s() || walk_.owner() < owner)) advance();
  found_ = more_ && walk_.owner() == owner;
}

const RrsetView* LastSigned::find(dns::Type type) const {
  if (!found_) return nullptr;
  const auto found = std::ranges::find(walk_.rrsets(), type, &RrsetView::type);
  return found == walk_.rrsets().end() || found->records.empty() ? nullptr : &*found;
}

Bytes LastSigned::good_signature(const RrsetView& rrset, std::size_t key) const {
  if (!known_[key]) return {};
  const Key& by = keys_.published[key];
  const auto is_good = [&](Bytes rrsig) {
    return rrsig[kAlgorithmAt] == static_cast<std::uint8_t>(by.algorithm()) && load_u16(&rrsig[kTagAt]) == by.tag() &&
           load_u32(&rrsig[kTtlAt]) == rrset.ttl && !is_before(now_, load_u32(&rrsig[kInceptionAt])) &&
           !is_before(load_u32(&rrsig[kExpirationAt]), fresh_until_);
  };
  for (const zone::ZoneRecord& each : rrset.signatures) {
    if (is_good(each.rdata)) return each.rdata;
  }
  return {};
}

}  // namespace swage::dnssec
