#include "core/server/network_shares.h"

#include <sodium.h>
#include <unistd.h>

#include "core/result.h"
#include "core/server/client_network.h"

namespace swage::server {

NetworkShares::Key NetworkShares::new_key() {
  Key key;
  CHECK(getentropy(key.data(), key.size()) == 0);
  return key;
}

std::uint32_t NetworkShares::share_of(std::uint64_t network) const {
  static_assert(crypto_shorthash_BYTES == 8 && crypto_shorthash_KEYBYTES == sizeof key_);
  std::array<std::uint8_t, 8> bytes{};
  store_network(bytes.data(), network);
  std::uint64_t hash;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), bytes.data(), bytes.size(), key_.data());
  return static_cast<std::uint32_t>(hash % kShares);
}

bool NetworkShares::has_room(std::uint32_t share, std::size_t bytes, const ShareRoom& free) const {
  const ShareRoom& taken = taken_[share];
  return taken.places < free.places && taken.bytes + bytes <= free.bytes;
}

void NetworkShares::add(std::uint32_t share, std::size_t bytes) {
  ++taken_[share].places;
  taken_[share].bytes += bytes;
}

void NetworkShares::remove(std::uint32_t share, std::size_t bytes) {
  --taken_[share].places;
  taken_[share].bytes -= bytes;
}

}  // namespace swage::server
