#include "core/http/clients.h"

#include <algorithm>
#include <array>

#include "core/embedded_ipv4.h"

namespace swage::http {

namespace {

const Client* longest_waiting_among(const std::vector<const Client*>& clients) {
  const Client* longest = nullptr;
  for (const Client* each : clients) {
    if (!each->waiting_since) continue;
    if (longest == nullptr || *each->waiting_since < *longest->waiting_since) longest = each;
  }
  return longest;
}

}  // namespace

IpAddress network_of(const IpAddress& client) {
  const IpAddress address = unmapped(client);
  std::array<std::uint8_t, 16> network{};
  std::ranges::copy(address.bytes().first(address.is_v6() ? 6 : 3), network.begin());
  return address.is_v6() ? IpAddress::v6(network) : IpAddress::v4(Bytes(network).first(4));
}

void Clients::remove(const Client& client) {
  const auto network = networks_.find(client.network);
  CHECK(network != networks_.end());
  CHECK(std::erase(network->second, &client) == 1);
  if (network->second.empty()) networks_.erase(network);
}

std::size_t Clients::count(const IpAddress& network) const {
  const auto found = networks_.find(network);
  return found == networks_.end() ? 0 : found->second.size();
}

const Client* Clients::longest_waiting(const IpAddress& network) const {
  const auto found = networks_.find(network);
  return found == networks_.end() ? nullptr : longest_waiting_among(found->second);
}

template <typename Weight>
const Client* Clients::longest_waiting_of(Weight weight) const {
  const Client* longest = nullptr;
  std::size_t most = 0;
  for (const auto& [address, network] : networks_) {
    const std::size_t has = weight(network);
    if (has < most) continue;
    const Client* const candidate = longest_waiting_among(network);
    if (candidate == nullptr) continue;
    if (has > most || longest == nullptr || *candidate->waiting_since < *longest->waiting_since) longest = candidate;
    most = has;
  }
  return longest;
}

const Client* Clients::longest_waiting_of_most() const {
  return longest_waiting_of([](const Network& network) { return network.size(); });
}

const Client* Clients::longest_waiting_of_heaviest() const {
  return longest_waiting_of([](const Network& network) {
    std::size_t held = 0;
    for (const Client* each : network) held += each->held;
    return held;
  });
}

}  // namespace swage::http
