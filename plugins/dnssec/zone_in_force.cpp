#include "plugins/dnssec/zone_in_force.h"

#include <algorithm>

#include "core/crypto/hash.h"

namespace swage::plugins::dnssec {
namespace {

std::array<std::uint8_t, 16> hash_key_of(const swage::dnssec::Key& key) {
  std::array<std::uint8_t, 16> hash_key{};
  const crypto::Secret stored = key.store();
  crypto::hkdf_sha256({}, stored.bytes(), as_bytes("swage dnssec signatures"), hash_key);
  return hash_key;
}

}  // namespace

Result<> ZoneInForce::refresh() {
  const Bytes now = snapshot_.bytes();
  if (now.data() == held_.bytes.data() && nonce_of(now) == published_.nonce && !keys_.empty()) [[likely]]
    return {};
  const Result<> done = read(now);
  if (!done) return fail("{}: {}", apex_.to_string(), done.error().text());
  return {};
}

Result<> ZoneInForce::read(Bytes snapshot) {
  if (snapshot.empty()) return fail("there are no keys yet");
  TRY(Published published, read_published(snapshot));
  std::vector<SigningKey> keys;
  for (swage::dnssec::Key& key : published.keys) {
    if (!key.can_sign() || key.zone() != apex_) return fail("{} cannot sign", describe(key));
    const std::array<std::uint8_t, 16> hash_key = hash_key_of(key);
    keys.push_back({std::move(key), hash_key});
  }
  const bool is_unsigned =
      std::ranges::all_of(published.rrsets, [](const KeyRrset& each) { return each.rdata.empty(); });
  if (keys.empty() && !is_unsigned) return fail("there is no key that signs");
  published.keys.clear();
  keys_ = std::move(keys);
  published_ = std::move(published);
  held_ = snapshot_.hold();
  return {};
}

const KeyRrset* ZoneInForce::rrset(dns::Type type) const {
  const auto at = std::ranges::find(kKeyTypes, type);
  if (at == kKeyTypes.end()) return nullptr;
  const KeyRrset& rrset = published_.rrsets[static_cast<std::size_t>(at - kKeyTypes.begin())];
  return rrset.rdata.empty() ? nullptr : &rrset;
}

}  // namespace swage::plugins::dnssec
