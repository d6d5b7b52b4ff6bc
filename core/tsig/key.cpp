#include "core/tsig/key.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <type_traits>

#include "core/crypto/base64.h"
#include "core/text.h"

namespace swage::tsig {
namespace {

struct AlgorithmName {
  Algorithm algorithm;
  std::string_view text;
  std::string_view wire;
};

constexpr std::array<AlgorithmName, 5> kAlgorithms = {{
    {Algorithm::sha1, "hmac-sha1", {"\x09hmac-sha1\0", 11}},
    {Algorithm::sha224, "hmac-sha224", {"\x0bhmac-sha224\0", 13}},
    {Algorithm::sha256, "hmac-sha256", {"\x0bhmac-sha256\0", 13}},
    {Algorithm::sha384, "hmac-sha384", {"\x0bhmac-sha384\0", 13}},
    {Algorithm::sha512, "hmac-sha512", {"\x0bhmac-sha512\0", 13}},
}};

dns::NameView wire_of(const AlgorithmName& name) { return {as_bytes(name.wire).data(), name.wire.size()}; }

struct Choice {
  Algorithm algorithm = Algorithm::sha256;
  std::size_t mac_size = 32;
};

// RFC 8945 section 5.2.2.1: no MAC is shorter than 10 bytes, or than half of the hash.
std::size_t shortest_mac(Algorithm algorithm) { return std::max<std::size_t>(10, crypto::digest_size(algorithm) / 2); }

Result<Choice> parse_algorithm(std::string_view written) {
  if (written.empty()) return Choice{};
  std::string text = lower_case(written);
  if (text.ends_with('.')) text.pop_back();
  for (const AlgorithmName& known : kAlgorithms) {
    if (!text.starts_with(known.text)) continue;
    const std::string_view rest = std::string_view(text).substr(known.text.size());
    const std::size_t whole = crypto::digest_size(known.algorithm);
    if (rest.empty()) return Choice{known.algorithm, whole};
    std::size_t bits = 0;
    if (rest[0] != '-' || !parse_number(rest.substr(1), bits)) continue;
    const std::size_t least = 8 * shortest_mac(known.algorithm);
    if (bits % 8 != 0 || bits < least || bits > 8 * whole) {
      return fail("'{}': a MAC of {} has {} to {} bits, in steps of 8 (RFC 8945 section 5.2.2.1)", printable(written),
                  known.text, least, 8 * whole);
    }
    return Choice{known.algorithm, bits / 8};
  }
  return fail(
      "'{}' is not a TSIG algorithm that is known here; they are hmac-sha1, hmac-sha224, hmac-sha256, "
      "hmac-sha384 and hmac-sha512",
      printable(written));
}

// A key as it lies in a Ring's bytes.
struct Entry {
  std::array<std::uint8_t, dns::kMaxName> name;
  std::uint8_t name_size;
  std::uint8_t algorithm;
  std::uint8_t mac_size;
  std::uint16_t secret_size;
  std::array<std::uint8_t, kLargestSecret> secret;

  [[nodiscard]] dns::NameView owner() const { return {name.data(), name_size}; }
};
static_assert(std::is_trivially_copyable_v<Entry> && alignof(Entry) <= 8);

}  // namespace

dns::NameView name_of(Algorithm algorithm) { return wire_of(kAlgorithms[static_cast<std::size_t>(algorithm)]); }

std::optional<Algorithm> find_algorithm(dns::NameView name) {
  for (const AlgorithmName& known : kAlgorithms) {
    if (wire_of(known) == name) return known.algorithm;
  }
  return {};
}

Result<OwnKey> OwnKey::make(std::string_view name, std::string_view algorithm, std::string_view secret) {
  OwnKey key;
  TRY(const dns::Name owner, dns::Name::parse(name));
  key.name_ = owner.lowercased();
  if (key.name_.view().is_root()) return fail("'.' is not a name for a key");
  TRY(const Choice choice, parse_algorithm(algorithm));
  key.algorithm_ = choice.algorithm;
  key.mac_size_ = choice.mac_size;
  std::optional<std::string> decoded = crypto::from_base64(secret);
  if (!decoded) return fail("the secret of '{}' is not valid base64", key.name_.to_string());
  MutableBytes plain(reinterpret_cast<std::uint8_t*>(decoded->data()), decoded->size());
  key.secret_ = crypto::Secret::copy_of(plain);
  crypto::wipe(plain);
  if (plain.empty()) return fail("the secret of '{}' is empty", key.name_.to_string());
  if (plain.size() > kLargestSecret) {
    return fail("the secret of '{}' has {} bytes; expected at most {}", key.name_.to_string(), plain.size(),
                kLargestSecret);
  }
  return key;
}

OwnKey OwnKey::copy_of(const Key& key) {
  OwnKey copy;
  copy.name_ = key.name;
  copy.algorithm_ = key.algorithm;
  copy.mac_size_ = key.mac_size;
  copy.secret_ = crypto::Secret::copy_of(key.secret);
  return copy;
}

Result<Ring> Ring::make(const std::vector<OwnKey>& keys) {
  if (keys.size() > kMostKeys) return fail("{} keys; expected at most {}", keys.size(), kMostKeys);
  std::vector<Key> sorted;
  for (const OwnKey& key : keys) sorted.push_back(key.key());
  std::ranges::sort(sorted, {}, &Key::name);
  const auto same = std::ranges::adjacent_find(sorted, {}, &Key::name);
  if (same != sorted.end()) return fail("there are two keys '{}'", same->name.to_string());

  Ring ring;
  ring.memory_ = crypto::Secret(sorted.size() * sizeof(Entry));
  std::uint8_t* to = ring.memory_.bytes().data();
  for (const Key& key : sorted) {
    auto& entry = *new (to) Entry{};
    std::ranges::copy(key.name.bytes(), entry.name.begin());
    entry.name_size = static_cast<std::uint8_t>(key.name.size());
    entry.algorithm = static_cast<std::uint8_t>(key.algorithm);
    entry.mac_size = static_cast<std::uint8_t>(key.mac_size);
    entry.secret_size = static_cast<std::uint16_t>(key.secret.size());
    std::ranges::copy(key.secret, entry.secret.begin());
    to += sizeof(Entry);
  }
  return ring;
}

std::size_t Ring::count() const { return bytes().size() / sizeof(Entry); }

std::optional<Key> Ring::find(Bytes ring, dns::NameView name) {
  if (ring.size() % sizeof(Entry) != 0) return {};
  const std::span entries(reinterpret_cast<const Entry*>(ring.data()), ring.size() / sizeof(Entry));
  const auto found = std::ranges::lower_bound(entries, name, {}, &Entry::owner);
  if (found == entries.end() || found->owner() != name || found->secret_size > kLargestSecret) return {};
  return Key{found->owner(), Algorithm{found->algorithm}, found->mac_size,
             Bytes(found->secret).first(found->secret_size)};
}

}  // namespace swage::tsig
