#include "core/dnssec/signing_batch.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace swage::dnssec {
namespace {

constexpr std::size_t kAtATime = 32;                              // signatures that a thread takes
constexpr std::size_t kWorthIt = 256;                             // signatures for which further threads are started
constexpr std::size_t kSoaFromSerial = 20, kSoaAfterSerial = 16;  // of a SOA's data
constexpr std::size_t kDigestKind = 4, kDigestAt = 6;             // of a ZONEMD's (RFC 8976 section 2.2)

// Whether they are the same but for what follows from the rest of the zone: the serial, of a SOA record; the serial and
// the digest, of ZONEMD.
bool is_same_but_for_serial(const Rrset& soa, const RrsetView* before) {
  if (before == nullptr || before->ttl != soa.ttl) return false;
  const Bytes is = soa.rdata.front(), was = before->records.front().rdata;
  return is.size() == was.size() &&
         std::ranges::equal(is.first(is.size() - kSoaFromSerial), was.first(is.size() - kSoaFromSerial)) &&
         std::ranges::equal(is.last(kSoaAfterSerial), was.last(kSoaAfterSerial));
}

bool is_same_but_for_digest(const Rrset& zonemd, const RrsetView* before) {
  if (before == nullptr || before->ttl != zonemd.ttl || before->records.size() != 1) return false;
  const Bytes is = zonemd.rdata.front(), was = before->records.front().rdata;
  return is.size() == was.size() && std::ranges::equal(is.subspan(kDigestKind, kDigestAt - kDigestKind),
                                                       was.subspan(kDigestKind, kDigestAt - kDigestKind));
}

// Evenly over all RRsets, and another number each time (FNV-1a).
std::uint64_t scattered(dns::NameView owner, dns::Type type, std::int64_t now) {
  std::uint64_t hash = 0xCBF29CE484222325;
  const auto add = [&hash](std::uint64_t value) { hash = (hash ^ value) * 0x100000001B3; };
  for (const std::uint8_t byte : owner.bytes()) add(dns::lower(byte));
  add(static_cast<std::uint16_t>(type));
  add(static_cast<std::uint64_t>(now));
  return hash ^ hash >> 32;
}

}  // namespace

SigningBatch::SigningBatch(const ZoneKeys& keys, const ValidityPolicy& validity, std::int64_t now, unsigned threads,
                           zone::Builder& into)
    : keys_(keys), validity_(validity), now_(now), threads_(threads), into_(into) {}

MutableBytes SigningBatch::reserve(std::size_t size) {
  if (kChunk - used_ < size) {
    chunks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(std::max(kChunk, size)));
    used_ = 0;
  }
  const MutableBytes place(chunks_.back().get() + used_, size);
  used_ = std::min(kChunk, used_ + size);
  return place;
}

Bytes SigningBatch::copy(Bytes bytes) {
  const MutableBytes place = reserve(bytes.size());
  std::ranges::copy(bytes, place.begin());
  return place;
}

bool SigningBatch::is_same(const Rrset& rrset, const RrsetView* before) {
  return before != nullptr && before->ttl == rrset.ttl &&
         std::ranges::equal(before->records, rrset.rdata,
                            [](const zone::ZoneRecord& old, Bytes now) { return std::ranges::equal(old.rdata, now); });
}

SigningBatch::Item& SigningBatch::append(const Rrset& rrset, const RrsetView* before) {
  const bool same = rrset.type == dns::Type::soa      ? is_same_but_for_serial(rrset, before)
                    : rrset.type == dns::Type::zonemd ? is_same_but_for_digest(rrset, before)
                                                      : is_same(rrset, before);
  if (!same) figures_.changed = true;
  items_.push_back({rrset.owner, rrset.type, rrset.ttl, data_.size(), rrset.rdata.size(), signatures_.size(), 0});
  data_.insert(data_.end(), rrset.rdata.begin(), rrset.rdata.end());
  figures_.records += rrset.rdata.size();
  return items_.back();
}

void SigningBatch::add_unsigned(const Rrset& rrset, const RrsetView* before) { append(rrset, before); }

void SigningBatch::add(const Rrset& rrset, std::span<const std::size_t> by, const LastSigned& last,
                       const RrsetView* before) {
  Item& item = append(rrset, before);
  const bool same = is_same(rrset, before);
  for (const std::size_t index : by) {
    const Bytes old = before == nullptr ? Bytes() : last.good_signature(*before, index);
    const Bytes good = same ? old : Bytes();
    if (good.empty()) {
      const Key& key = keys_.published[index];
      to_sign_.push_back({items_.size() - 1, signatures_.size(), &key, reserve(RrsetSigner::size(key))});
    }
    if (old.empty()) figures_.changed = true;
    signatures_.push_back(good);
    ++(good.empty() ? figures_.made : figures_.kept);
  }
  item.signatures = by.size();
  figures_.records += by.size();
}

Result<> SigningBatch::sign(const ToSign& each, RrsetSigner& signer) {
  const Item& item = items_[each.item];
  const std::span<const Bytes> data(&data_[item.first_data], item.data);
  signer.set({item.owner, item.type, item.ttl, data});
  const Validity validity = validity_.at(now_, scattered(item.owner, item.type, now_));
  TRY(const std::size_t size, signer.sign(*each.key, validity, each.into));
  signatures_[each.signature] = each.into.first(size);
  return {};
}

Result<> SigningBatch::sign_all() {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  Result<> result;
  const auto work = [&] {
    RrsetSigner signer;
    while (true) {
      const std::size_t first = next.fetch_add(kAtATime);
      if (first >= to_sign_.size()) return;
      for (std::size_t i = first; i < std::min(first + kAtATime, to_sign_.size()); ++i) {
        Result<> made = sign(to_sign_[i], signer);
        if (made) continue;
        const std::lock_guard lock(mutex);
        result = std::move(made);
        next = to_sign_.size();
      }
    }
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads_ && to_sign_.size() >= kWorthIt; ++i) others.emplace_back(work);
  work();
  others.clear();  // waits for them
  return result;
}

Result<> SigningBatch::flush() {
  TRY(sign_all());
  for (const Item& item : items_) {
    for (const Bytes data : std::span(data_).subspan(item.first_data, item.data)) {
      TRY(into_.add(item.owner, item.type, item.ttl, data));
    }
    for (const Bytes signature : std::span(signatures_).subspan(item.first_signature, item.signatures)) {
      TRY(into_.add(item.owner, dns::Type::rrsig, item.ttl, signature));
    }
  }
  items_.clear();
  data_.clear();
  signatures_.clear();
  to_sign_.clear();
  chunks_.clear();
  used_ = kChunk;
  return {};
}

}  // namespace swage::dnssec
