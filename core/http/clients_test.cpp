// Which clients count together, and who makes room.
#include "core/http/clients.h"

#include <deque>

#include <catch2/catch.hpp>

using namespace swage;
using http::Client;
using http::Clients;
using http::network_of;

namespace {

IpAddress address(const char* text) { return *IpAddress::parse(text); }

}  // namespace

TEST_CASE("http: the networks of clients") {
  const std::pair<const char*, const char*> same[] = {{"192.0.2.1", "::ffff:192.0.2.255"},
                                                      {"2001:db8:1::1", "2001:db8:1:ffff::1"}};
  for (const auto& [one, other] : same) CHECK(network_of(address(one)) == network_of(address(other)));
  const std::pair<const char*, const char*> different[] = {
      {"192.0.2.1", "192.0.3.1"}, {"2001:db8:1::1", "2001:db8:2::1"}, {"192.0.2.0", "c000:200::"}};
  for (const auto& [one, other] : different) CHECK(network_of(address(one)) != network_of(address(other)));
}

TEST_CASE("http: who waits for longest makes room, of the network that has most") {
  Clients clients;
  std::deque<Client> all;  // whose addresses stay
  const auto add = [&](const char* from, std::optional<std::int64_t> since, std::size_t held) -> const Client& {
    all.push_back({network_of(address(from)), since, held});
    clients.add(all.back());
    return all.back();
  };
  CHECK(clients.longest_waiting_of_most() == nullptr);
  CHECK(clients.longest_waiting_of_heaviest() == nullptr);
  CHECK(clients.longest_waiting(network_of(address("192.0.2.1"))) == nullptr);

  const Client& alone = add("198.51.100.1", 1, 5000);
  const Client& early = add("192.0.2.1", 10, 100);
  const Client& late = add("192.0.2.2", 20, 100);
  const Client& busy = add("192.0.2.3", std::nullopt, 100);
  CHECK(clients.count(early.network) == 3);
  CHECK(clients.longest_waiting(early.network) == &early);
  CHECK(clients.longest_waiting_of_most() == &early);
  CHECK(clients.longest_waiting_of_heaviest() == &alone);
  const Client& first = add("2001:db8:1::1", 5, 0);
  add("2001:db8:1:2::1", 7, 0);
  add("2001:db8:1:3::1", 6, 0);
  CHECK(clients.longest_waiting_of_most() == &first);  // as many, and waiting for longer
  clients.remove(early);
  CHECK(clients.longest_waiting(late.network) == &late);
  clients.remove(late);
  clients.remove(first);
  CHECK(clients.longest_waiting(busy.network) == nullptr);
  CHECK(clients.longest_waiting_of_most()->waiting_since == 6);
  clients.remove(alone);
  CHECK(clients.longest_waiting_of_heaviest()->waiting_since == 6);  // the heaviest is being answered
}
