#include "core/signing/zone_digest.h"

#include <algorithm>
#include <vector>

#include "core/dnssec/rrsig.h"
#include "core/zone/all_records.h"
#include "core/zonemd/zonemd.h"

namespace swage::signing {
namespace {

constexpr std::size_t kTagAt = 16;  // of an RRSIG's data (RFC 4034 section 3.1)

// The record of the apex, and the data of its signatures.
struct Digest {
  zone::ZoneRecord record{};
  std::vector<Bytes> signatures;
};

Digest find_digest(Bytes image) {
  Digest found;
  zone::AllRecords records(image);
  const auto apex = records.next();  // the SOA
  for (auto record = apex; record && record->owner == apex->owner; record = records.next()) {
    if (record->type == dns::Type::zonemd) found.record = *record;
    const bool covers = record->type == dns::Type::rrsig &&
                        load_u16(record->rdata.data()) == static_cast<std::uint16_t>(dns::Type::zonemd);
    if (covers) found.signatures.push_back(record->rdata);
  }
  return found;
}

}  // namespace

Result<> fill_in_digest(MutableBytes image, const dnssec::ZoneKeys& keys, std::int64_t now) {
  zonemd::write_digest(image);
  const Digest digest = find_digest(image);
  dnssec::RrsetSigner signer;
  const Bytes data = digest.record.rdata;
  signer.set({digest.record.owner, digest.record.type, digest.record.ttl, {&data, 1}});
  std::vector<std::size_t> left = keys.sign_zone;
  for (const Bytes signature : digest.signatures) {
    const auto made_it = [&](std::size_t index) {
      const dnssec::Key& key = keys.published[index];
      return dnssec::RrsetSigner::size(key) == signature.size() &&
             signature[2] == static_cast<std::uint8_t>(key.algorithm()) && load_u16(&signature[kTagAt]) == key.tag();
    };
    const auto by = std::ranges::find_if(left, made_it);
    if (by == left.end()) return fail("the signature of the ZONEMD record is by none of the keys");
    const MutableBytes place =
        image.subspan(static_cast<std::size_t>(signature.data() - image.data()), signature.size());
    TRY(const std::size_t size, signer.sign(keys.published[*by], dnssec::validity_of(signature, now), place));
    CHECK(size == place.size());
    left.erase(by);
  }
  return {};
}

}  // namespace swage::signing
