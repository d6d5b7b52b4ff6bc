#include "plugins/dnssec/published.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/crypto/random.h"
#include "core/dnssec/rrsig.h"

namespace swage::plugins::dnssec {

using swage::dnssec::Key;
using swage::dnssec::Rrset;
using swage::dnssec::RrsetSigner;
using swage::dnssec::Validity;
using swage::dnssec::ValidityPolicy;
using swage::dnssec::ZoneKeys;

namespace {

constexpr std::array<char, 8> kMagic = {'s', 'w', 'd', 'n', 's', 's', 'e', 'c'};
constexpr std::size_t kHead = 8 + 8 + 4, kItemHead = 5;  // bytes

// Kinds of items: 2 i and 2 i + 1 are data and RRSIGs of kKeyTypes[i].
constexpr std::uint8_t kKey = 2 * kKeyTypes.size();

struct Item {
  std::uint8_t kind;
  Bytes bytes;
};

// Takes the first item of `rest`; nothing where it is not whole.
std::optional<Item> take_item(Bytes& rest) {
  if (rest.size() < kItemHead) return {};
  const std::uint8_t kind = rest[0];
  const std::size_t size = load_u32(&rest[1]);
  if (rest.size() - kItemHead < size) return {};
  const Item item{kind, rest.subspan(kItemHead, size)};
  rest = rest.subspan(kItemHead + size);
  return item;
}

Result<> take(const Item& item, Published& published) {
  if (item.kind > kKey) return fail("the keys in memory have an item of kind {}", item.kind);
  if (item.kind < kKey) {
    KeyRrset& rrset = published.rrsets[item.kind / 2U];
    (item.kind % 2 == 0 ? rrset.rdata : rrset.rrsigs).push_back(item.bytes);
    return {};
  }
  TRY(Key key, Key::load(item.bytes));
  published.keys.push_back(std::move(key));
  return {};
}

// The data of RRsets and keys, each where it is kept, and who keeps the signatures.
class Items {
 public:
  Items(const ZoneKeys& keys, dns::NameView apex, std::int64_t now) : keys_(keys), apex_(apex), now_(now) {}

  Result<> collect() {
    std::vector<Bytes> dnskeys;
    for (const Key& key : keys_.dnskeys()) dnskeys.push_back(key.dnskey());
    TRY(add_rrset(0, dnskeys));
    TRY(add_rrset(1, {keys_.cds.begin(), keys_.cds.end()}));
    TRY(add_rrset(2, {keys_.cdnskey.begin(), keys_.cdnskey.end()}));
    for (const std::size_t number : keys_.sign_zone) {
      secrets_.push_back(keys_.published[number].store());
      items_.push_back({kKey, secrets_.back().bytes()});
    }
    return {};
  }

  [[nodiscard]] const std::vector<Item>& items() const { return items_; }
  [[nodiscard]] std::int64_t renew_at() const { return renew_at_; }

 private:
  Result<> add_rrset(std::size_t type, const std::vector<Bytes>& rdata) {
    if (rdata.empty()) return {};
    const auto kind = static_cast<std::uint8_t>(2 * type);
    for (const Bytes bytes : rdata) items_.push_back({kind, bytes});
    const ValidityPolicy policy;
    RrsetSigner signer;
    signer.set({.owner = apex_, .type = kKeyTypes[type], .ttl = keys_.dnskey_ttl, .rdata = rdata});
    for (const std::size_t number : keys_.sign_keys) {
      const Key& key = keys_.published[number];
      const Validity validity = policy.at(now_, key.tag() + type);
      std::vector<std::uint8_t>& rrsig = rrsigs_.emplace_back(RrsetSigner::size(key));
      TRY(const std::size_t size, signer.sign(key, validity, rrsig));
      rrsig.resize(size);
      items_.push_back({static_cast<std::uint8_t>(kind + 1), rrsig});
      renew_at_ = std::min(renew_at_, validity.expiration - policy.renew_before);
    }
    return {};
  }

  const ZoneKeys& keys_;
  dns::NameView apex_;
  std::int64_t now_;
  std::int64_t renew_at_ = INT64_MAX;
  std::vector<std::vector<std::uint8_t>> rrsigs_;  // their bytes stay where they are when it grows
  std::vector<crypto::Secret> secrets_;
  std::vector<Item> items_;
};

}  // namespace

std::uint64_t nonce_of(Bytes snapshot) {
  std::uint64_t nonce = 0;
  if (snapshot.size() >= kHead) std::memcpy(&nonce, &snapshot[kMagic.size()], sizeof nonce);
  return nonce;
}

Result<Published> read_published(Bytes snapshot) {
  if (snapshot.size() < kHead || !std::equal(kMagic.begin(), kMagic.end(), snapshot.begin())) {
    return fail("the memory for keys has none");
  }
  Published published{.nonce = nonce_of(snapshot), .ttl = load_u32(&snapshot[16]), .rrsets = {}, .keys = {}};
  for (Bytes rest = snapshot.subspan(kHead); !rest.empty();) {
    const auto item = take_item(rest);
    if (!item) return fail("the keys in memory are not whole");
    TRY(take(*item, published));
  }
  return published;
}

Result<Written> write_published(const ZoneKeys& keys, dns::NameView apex, std::int64_t now) {
  Items items(keys, apex, now);
  TRY(items.collect());
  std::size_t size = kHead;
  for (const Item& item : items.items()) size += kItemHead + item.bytes.size();
  Written written{.memory = {}, .renew_at = items.renew_at()};
  TRY(written.memory, shm::Segment::create("swage dnssec", size));
  const MutableBytes memory = written.memory.writable_bytes();
  std::ranges::copy(kMagic, memory.begin());
  crypto::SystemRandom().fill(memory.subspan(kMagic.size(), 8));
  store_u32(&memory[16], keys.dnskey_ttl);
  std::uint8_t* at = &memory[0] + kHead;
  for (const Item& item : items.items()) {
    *at = item.kind;
    store_u32(at + 1, static_cast<std::uint32_t>(item.bytes.size()));
    at = std::ranges::copy(item.bytes, at + kItemHead).out;
  }
  return written;
}

}  // namespace swage::plugins::dnssec
