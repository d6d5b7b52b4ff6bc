#include "core/fleet/layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"

namespace swage::fleet {
namespace {

constexpr std::string_view kNode = "node/", kLimit = "limit/", kText = "txt/";

bool is_base64url(char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; }

constexpr unsigned kShards = 64;
constexpr std::int64_t kMaxLifetime = std::int64_t{366} * 86'400'000;  // milliseconds

// The last byte is a part of a key or of a hash.
std::string shard_of(const libp2p::PeerId& peer) {
  const Bytes multihash = peer.multihash();
  return fmt::format("{:02x}", multihash.empty() ? 0 : multihash.back() % kShards);
}

}  // namespace

std::vector<KeyRange> ranges_to_read() {
  std::vector<KeyRange> ranges{{"node/", "node0"}};
  for (unsigned shard = 0; shard < kShards; ++shard) {
    ranges.push_back({fmt::format("{}{:02x}/", kText, shard), fmt::format("{}{:02x}0", kText, shard)});
  }
  return ranges;
}

std::string node_key(std::string_view id) { return fmt::format("{}{}", kNode, id); }

std::string limit_key(std::string_view whose) { return fmt::format("{}{}", kLimit, whose); }

std::optional<std::string> node_of(std::string_view key) {
  if (!key.starts_with(kNode)) return std::nullopt;
  return std::string(key.substr(kNode.size()));
}

bool is_value(std::string_view key) { return key.starts_with(kText); }

bool is_storable(std::string_view value) {
  return !value.empty() && value.size() <= shm::table::kMaxValue && std::ranges::all_of(value, is_base64url);
}

std::string value_key(const libp2p::PeerId& peer, std::string_view value) {
  return fmt::format("{}{}/{}/{}", kText, shard_of(peer), peer.to_base58(), value);
}

std::string value_text(std::int64_t lifetime, shm::NetworkId network) {
  return fmt::format("{} {:x}", lifetime, static_cast<std::uint64_t>(network));
}

std::optional<StoredValue> read_value_key(std::string_view key) {
  if (!is_value(key)) return std::nullopt;
  key.remove_prefix(kText.size());
  if (key.size() < 3 || key[2] != '/') return std::nullopt;
  const std::string_view shard = key.substr(0, 2);
  key.remove_prefix(3);
  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos || !is_storable(key.substr(slash + 1))) return std::nullopt;
  Result<libp2p::PeerId> peer = libp2p::PeerId::from_base58(key.substr(0, slash));
  if (!peer || shard_of(*peer) != shard) return std::nullopt;
  return StoredValue{.peer = *std::move(peer), .value = std::string(key.substr(slash + 1))};
}

std::optional<StoredValue> read_value(const Entry& entry) {
  std::optional<StoredValue> value = read_value_key(entry.key);
  if (!value) return std::nullopt;
  const std::string_view text = entry.value;
  const std::size_t space = text.find(' ');
  std::uint64_t network = 0;
  if (space == std::string_view::npos || !parse_number(text.substr(0, space), value->lifetime) ||
      !parse_number(text.substr(space + 1), network, 16) || value->lifetime <= 0 || value->lifetime > kMaxLifetime) {
    return std::nullopt;
  }
  value->network = shm::NetworkId{network};
  return value;
}

std::optional<std::int64_t> read_number(std::string_view text) {
  std::int64_t number = 0;
  if (!parse_number(text, number)) return std::nullopt;
  return number;
}

}  // namespace swage::fleet
