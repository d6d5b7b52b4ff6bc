#include "core/server/socket_store.h"

#include <algorithm>

#include <fmt/format.h>

namespace swage::server {
namespace {

// With the line that asks for the address.
std::unexpected<Error> placed(const message::Listen& wanted, const Error& error) {
  return std::unexpected(wanted.place.empty() ? error : Error(fmt::format("{}: {}", wanted.place, error.text())));
}

Result<> check_free(const message::Listen& wanted) {
  return check_free(wanted.endpoint, wanted.purpose == Purpose::queries ? Transports::udp_and_tcp : Transports::tcp);
}

}  // namespace

bool SocketStore::is_ours(Purpose purpose, std::uint16_t port) const {
  const auto has_port = [port](const auto& each) { return each.first.port == port; };
  return purpose == Purpose::queries ? std::ranges::any_of(queries_, has_port)
                                     : std::ranges::any_of(services_, has_port);
}

Result<> SocketStore::open(const std::vector<message::Listen>& wanted) {
  for (const message::Listen& each : wanted) {
    if (is_ours(each.purpose, each.endpoint.port)) continue;
    if (const Result<> free = check_free(each); !free) return placed(each, free.error());
  }
  for (const message::Listen& each : wanted) {
    if (const Result<> opened = open_one(each); !opened) return placed(each, opened.error());
  }
  return {};
}

Result<> SocketStore::open_one(const message::Listen& wanted) {
  if (wanted.purpose == Purpose::queries && !queries_.contains(wanted.endpoint)) {
    TRY(queries_[wanted.endpoint], open_sockets(wanted.endpoint, workers_));
  }
  if (wanted.purpose == Purpose::services && !services_.contains(wanted.endpoint)) {
    TRY(services_[wanted.endpoint], open_tcp_socket(wanted.endpoint));
  }
  return {};
}

void SocketStore::keep_only(const std::vector<message::Listen>& wanted) {
  const auto is_unused = [&wanted](Purpose purpose) {
    return [purpose, &wanted](const auto& open) {
      return std::ranges::none_of(
          wanted, [&](const message::Listen& each) { return each.purpose == purpose && each.endpoint == open.first; });
    };
  };
  std::erase_if(queries_, is_unused(Purpose::queries));
  std::erase_if(services_, is_unused(Purpose::services));
}

Result<std::vector<message::Socket>> SocketStore::for_worker(const std::vector<message::Listen>& wanted,
                                                             std::size_t worker) const {
  std::vector<message::Socket> sockets;
  for (const auto& [purpose, endpoint, place] : wanted) {
    if (purpose != Purpose::queries) continue;
    const SocketSet& set = queries_.at(endpoint);
    TRY(Descriptor udp, set.udp[worker].duplicate());
    TRY(Descriptor tcp, set.tcp[worker].duplicate());
    sockets.push_back({Transport::udp, endpoint, std::move(udp)});
    sockets.push_back({Transport::tcp, endpoint, std::move(tcp)});
  }
  return sockets;
}

Result<std::vector<message::Socket>> SocketStore::for_service(const std::vector<message::Listen>& wanted) const {
  std::vector<message::Socket> sockets;
  for (const auto& [purpose, endpoint, place] : wanted) {
    if (purpose != Purpose::services) continue;
    TRY(Descriptor socket, services_.at(endpoint).duplicate());
    sockets.push_back({Transport::tcp, endpoint, std::move(socket)});
  }
  return sockets;
}

}  // namespace swage::server
