#include "core/server/socket_store.h"

#include <algorithm>

#include <fmt/format.h>

namespace swage::server {
namespace {

// With the line that asks for the address.
std::unexpected<Error> placed(const message::Listen& wanted, const Error& error) {
  return std::unexpected(wanted.place.empty() ? error : Error(fmt::format("{}: {}", wanted.place, error.text())));
}

Transports transports_of(Purpose purpose) {
  return purpose == Purpose::queries ? Transports::udp_and_tcp : Transports::tcp;
}

Result<> check_free(const message::Listen& wanted) {
  return check_free(wanted.endpoint, transports_of(wanted.purpose));
}

}  // namespace

bool SocketStore::is_ours(const message::Listen& wanted) const {
  const auto has_port = [&](const auto& each) { return each.first.port == wanted.endpoint.port; };
  const auto has_udp = [&](const auto& each) { return has_port(each) && !each.second.udp.empty(); };
  const auto was_given = [&](const auto& each) { return each.first.first.port == wanted.endpoint.port; };
  if (std::ranges::any_of(given_, was_given)) return true;
  switch (wanted.purpose) {
    case Purpose::queries:
      return std::ranges::any_of(queries_, has_udp);
    case Purpose::streams:
      return std::ranges::any_of(queries_, has_port);
    case Purpose::services:
      break;
  }
  return std::ranges::any_of(services_, has_port);
}

void SocketStore::give(Transport transport, const Endpoint& endpoint, Descriptor socket) {
  given_[{endpoint, transport}].push_back(std::move(socket));
}

std::vector<Endpoint> SocketStore::drop_given() {
  std::vector<Endpoint> dropped;
  for (const auto& [address, sockets] : std::exchange(given_, {})) dropped.push_back(address.first);
  return dropped;
}

std::vector<Descriptor> SocketStore::take_given(Transport transport, const Endpoint& endpoint) {
  const auto found = given_.extract({endpoint, transport});
  return found.empty() ? std::vector<Descriptor>() : std::move(found.mapped());
}

Result<std::vector<message::HeldSocket>> SocketStore::all() const {
  std::vector<message::HeldSocket> held;
  const auto add = [&held](Transport transport, const Endpoint& endpoint, const Descriptor& socket) -> Result<> {
    TRY(Descriptor copy, socket.duplicate());
    held.push_back({transport, endpoint, std::move(copy)});
    return {};
  };
  for (const auto& [endpoint, set] : queries_) {
    for (const Descriptor& socket : set.udp) TRY(add(Transport::udp, endpoint, socket));
    for (const Descriptor& socket : set.tcp) TRY(add(Transport::tcp, endpoint, socket));
  }
  for (const auto& [endpoint, socket] : services_) TRY(add(Transport::tcp, endpoint, socket));
  return held;
}

Result<> SocketStore::open(const std::vector<message::Listen>& wanted) {
  for (const message::Listen& each : wanted) {
    if (is_ours(each)) continue;
    if (const Result<> free = check_free(each); !free) return placed(each, free.error());
  }
  for (const message::Listen& each : wanted) {
    if (const Result<> opened = open_one(each); !opened) return placed(each, opened.error());
  }
  return {};
}

Result<> SocketStore::open_one(const message::Listen& wanted) {
  if (wanted.purpose != Purpose::services) {
    SocketSet& set = queries_[wanted.endpoint];
    const Transports transports = transports_of(wanted.purpose);
    if (set.tcp.empty()) set.tcp = take_given(Transport::tcp, wanted.endpoint);
    if (set.udp.empty() && transports == Transports::udp_and_tcp) set.udp = take_given(Transport::udp, wanted.endpoint);
    TRY(open_sockets(wanted.endpoint, workers_, transports, set));
  }
  if (wanted.purpose == Purpose::services && !services_.contains(wanted.endpoint)) {
    std::vector<Descriptor> given = take_given(Transport::tcp, wanted.endpoint);
    TRY(Descriptor opened, open_tcp_socket(wanted.endpoint, given.empty() ? Descriptor() : std::move(given.front())));
    services_.emplace(wanted.endpoint, std::move(opened));
  }
  return {};
}

void SocketStore::keep_only(const std::vector<message::Listen>& wanted) {
  const auto wants = [&wanted](const Endpoint& endpoint, Purpose purpose) {
    const auto is_it = [&](const message::Listen& each) {
      return each.purpose == purpose && each.endpoint == endpoint;
    };
    return std::ranges::any_of(wanted, is_it);
  };
  for (auto& [endpoint, set] : queries_) {
    if (!wants(endpoint, Purpose::queries)) set.udp.clear();
    if (!wants(endpoint, Purpose::queries) && !wants(endpoint, Purpose::streams)) set.tcp.clear();
  }
  std::erase_if(queries_, [](const auto& open) { return open.second.tcp.empty(); });
  std::erase_if(services_, [&](const auto& open) { return !wants(open.first, Purpose::services); });
}

Result<std::vector<message::Socket>> SocketStore::for_worker(const std::vector<message::Listen>& wanted,
                                                             Role role) const {
  const Transport transport = role.kind == Role::Kind::stream ? Transport::tcp : Transport::udp;
  std::vector<message::Socket> sockets;
  for (const auto& [purpose, endpoint, place] : wanted) {
    if (purpose == Purpose::services || (purpose == Purpose::streams && transport == Transport::udp)) continue;
    const SocketSet& set = queries_.at(endpoint);
    const auto& of_all = transport == Transport::udp ? set.udp : set.tcp;
    TRY(Descriptor socket, of_all[role.number % workers_].duplicate());
    sockets.push_back({transport, endpoint, std::move(socket)});
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
