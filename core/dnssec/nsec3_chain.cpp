#include "core/dnssec/nsec3_chain.h"

#include <algorithm>

#include "core/dns/base_encodings.h"

namespace swage::dnssec {
namespace {

constexpr std::uint8_t kSha1 = 1;  // the algorithm of the hash
}  // namespace

std::vector<std::uint8_t> Nsec3Chain::parameters() const {
  std::vector<std::uint8_t> rdata = {kSha1, 0, 0, 0, static_cast<std::uint8_t>(salt_.size())};
  rdata.insert(rdata.end(), salt_.begin(), salt_.end());
  return rdata;
}

void Nsec3Chain::add(dns::NameView name, Bytes bitmap) {
  auto place = places_.find(as_text(bitmap));
  if (place == places_.end()) {
    place = places_.emplace(as_text(bitmap), static_cast<std::uint32_t>(bitmaps_.size())).first;
    bitmaps_.push_back(place->first);
  }
  entries_.push_back({dns::nsec3_hash(name, salt_, 0), place->second});
}

Result<> Nsec3Chain::close(const Take& take) {
  std::ranges::sort(entries_, {}, &Entry::hash);
  std::vector<std::uint8_t> head = parameters();
  head[1] = opt_out_ ? 1 : 0;
  head.push_back(static_cast<std::uint8_t>(dns::kNsec3HashSize));
  std::vector<std::uint8_t> rdata;
  std::string label;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& next = entries_[(i + 1) % entries_.size()];
    if (i + 1 < entries_.size() && next.hash == entries_[i].hash) {
      return fail("two names have the same NSEC3 hash; use another salt");
    }
    rdata = head;
    rdata.insert(rdata.end(), next.hash.begin(), next.hash.end());
    const std::string& bitmap = bitmaps_[entries_[i].bitmap];
    rdata.insert(rdata.end(), bitmap.begin(), bitmap.end());
    label.clear();
    dns::encode_base32hex(entries_[i].hash, label);
    TRY(const dns::Name owner, apex_.child(as_bytes(label)));
    TRY(take(owner, rdata));
  }
  return {};
}

}  // namespace swage::dnssec
