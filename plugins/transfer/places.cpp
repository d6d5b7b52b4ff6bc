#include "plugins/transfer/places.h"

#include <algorithm>
#include <array>
#include <utility>

namespace swage::plugins::transfer {
namespace {

IpAddress network_of(const IpAddress& client) {
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(client.bytes().begin(), client.is_v6() ? 6 : 3, bytes.begin());
  return client.is_v6() ? IpAddress::v6(bytes) : IpAddress::v4(Bytes(bytes).first(4));
}

}  // namespace

Places::Place Places::take(const IpAddress& client) {
  const IpAddress network = network_of(client);
  if (taken_ == kMost) return {};
  std::uint32_t& of_network = networks_[network];
  if (of_network == kMostOfANetwork) return {};
  ++of_network;
  ++taken_;
  return {*this, network};
}

Places::Place& Places::Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  leave();
  places_ = std::exchange(other.places_, nullptr);
  network_ = other.network_;
  return *this;
}

void Places::Place::leave() {
  if (places_ == nullptr) return;
  const auto of_network = places_->networks_.find(network_);
  if (--of_network->second == 0) places_->networks_.erase(of_network);
  --places_->taken_;
  places_ = nullptr;
}

}  // namespace swage::plugins::transfer
