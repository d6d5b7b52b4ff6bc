#include "core/server/tcp_clients.h"

#include <sys/resource.h>

#include <algorithm>
#include <bit>

#include "core/server/client_network.h"

namespace swage::server {
namespace {

constexpr std::size_t kMost = 20'000;           // connections of a process; fewer where descriptors are few
constexpr std::size_t kOtherDescriptors = 256;  // for sockets and shared memory, where there are that many

std::size_t most_connections() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMost;
  const std::size_t others = std::min<std::size_t>(kOtherDescriptors, limit.rlim_cur / 2);
  return std::clamp<std::size_t>(limit.rlim_cur - others, 1, kMost);
}

IpAddress client_of(const IpAddress& address) { return first_bytes(address, 4, 8); }

}  // namespace

TcpClients::TcpClients() : TcpClients(most_connections()) {}

bool TcpClients::add(Connection& connection, const IpAddress& client) {
  connection.client_ = client_of(client);
  const auto known = clients_.find(connection.client_);
  if (known != clients_.end() && known->second >= kMaxOfAClient) return false;
  if (count_ >= most_) evict();
  ++clients_[connection.client_];
  ++count_;
  const auto [entry, is_new] = networks_.try_emplace(network_of(client));
  Network& network = entry->second;
  if (is_new) network.place = ranks_[0].insert(ranks_[0].end(), &network);
  connection.network_ = &network;
  connection.place_ = network.connections.insert(network.connections.end(), &connection);
  rank(network);
  return true;
}

void TcpClients::remove(Connection& connection) {
  const auto client = clients_.find(connection.client_);
  if (--client->second == 0) clients_.erase(client);
  --count_;
  Network& network = *std::exchange(connection.network_, nullptr);
  network.connections.erase(connection.place_);
  rank(network);
  if (!network.connections.empty()) return;
  ranks_[network.rank].erase(network.place);
  networks_.erase(network_of(connection.client_));
}

bool TcpClients::move(Connection& connection, const IpAddress& client) {
  const IpAddress to = client_of(client);
  const auto known = clients_.find(to);
  if (to != connection.client_ && known != clients_.end() && known->second >= kMaxOfAClient) return false;
  remove(connection);
  return add(connection, client);
}

void TcpClients::touch(Connection& connection) {
  Network& network = *connection.network_;
  network.connections.splice(network.connections.end(), network.connections, connection.place_);
  rank(network);
}

void TcpClients::rank(Network& network) {
  const auto to = static_cast<unsigned>(std::bit_width(network.connections.size()));
  ranks_[to].splice(ranks_[to].end(), ranks_[network.rank], network.place);
  network.rank = to;
}

bool TcpClients::evict() {
  const auto most = std::find_if(ranks_.rbegin(), ranks_.rend(), [](const Rank& rank) { return !rank.empty(); });
  if (most == ranks_.rend()) return false;
  most->front()->connections.front()->evict();
  return true;
}

}  // namespace swage::server
