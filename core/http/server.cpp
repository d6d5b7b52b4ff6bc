#include "core/http/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <map>
#include <utility>

#include "core/async/tcp.h"
#include "core/async/tls.h"
#include "core/http/client_count.h"
#include "core/http/connection.h"
#include "core/http/forwarded.h"

namespace swage::http {

using async::TcpListener;
using async::TcpStream;

namespace {

// The process needs descriptors for other things, too.
std::size_t most_connections(std::size_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  return std::min<std::size_t>(wanted, limit.rlim_cur / 2);
}

}  // namespace

struct Server::State {
  State(async::Loop& loop, Limits limits, Handler handler);
  void accept(std::unique_ptr<TcpStream> tcp);
  [[nodiscard]] bool admit(const IpAddress& client);
  [[nodiscard]] bool make_room(const std::optional<IpAddress>& network);
  void remove(const Connection* connection);
  void remove_all_ended();
  void stop_accepting();
  [[nodiscard]] bool counts(const IpAddress& client) const;

  Connection::Common common;
  std::size_t most;  // connections
  std::optional<async::TlsContext> tls;
  ClientCount clients;
  async::Event drained;
  std::vector<std::unique_ptr<TcpListener>> listeners;
  std::vector<Connection*> ended;  // and their coroutines may be on the stack yet
  async::Timer remove_ended;
  std::map<const Connection*, std::unique_ptr<Connection>> connections;
};

Server::State::State(async::Loop& loop, Limits limits, Handler handler)
    : common{loop, std::move(limits), std::move(handler), {}},
      most(most_connections(common.limits.connections)),
      clients(common.limits.of_network),
      drained(loop),
      remove_ended(loop, [this] { remove_all_ended(); }) {
  common.ended = [this](Connection& connection) {
    ended.push_back(&connection);
    remove_ended.start(std::chrono::milliseconds(0));
  };
}

// Called by the loop, never by a connection.
void Server::State::accept(std::unique_ptr<TcpStream> tcp) {
  remove_all_ended();  // nobody is turned away for those
  const IpAddress client = tcp->peer().address;
  if (!admit(client)) return;  // which closes it
  auto made = std::make_unique<Connection>(common, std::move(tcp), tls);
  Connection& connection = *made;
  connections.emplace(&connection, std::move(made));
  connection.start();
}

bool Server::State::admit(const IpAddress& client) {
  const bool counted = counts(client);
  // First of its own network, which has as many as it may: nobody else's connection ends for it.
  if (counted && !clients.add(client) && !(make_room(network_of(client)) && clients.add(client))) return false;
  if (connections.size() < most || make_room(std::nullopt)) return true;
  if (counted) clients.remove(client);
  return false;
}

bool Server::State::counts(const IpAddress& client) const { return !is_in(common.limits.proxies, client); }

// Closes the connection, of `network` or of all, that waits for its client for longest. False where none does.
bool Server::State::make_room(const std::optional<IpAddress>& network) {
  const Connection* oldest = nullptr;
  for (const auto& [connection, owner] : connections) {
    if (network && (network_of(connection->address()) != *network || !counts(connection->address()))) continue;
    const auto since = connection->waiting_since();
    if (since && (oldest == nullptr || *since < *oldest->waiting_since())) oldest = connection;
  }
  if (oldest != nullptr) remove(oldest);
  return oldest != nullptr;
}

void Server::State::remove_all_ended() {
  for (const Connection* connection : std::exchange(ended, {})) remove(connection);
}

void Server::State::remove(const Connection* connection) {
  if (counts(connection->address())) clients.remove(connection->address());
  connections.erase(connection);
  if (common.draining && connections.empty()) drained.set();
}

void Server::State::stop_accepting() {
  common.draining = true;
  for (const auto& listener : listeners) listener->close();
  if (connections.empty()) drained.set();
}

Server::Server(async::Loop& loop, Limits limits, Handler handler)
    : state_(std::make_unique<State>(loop, std::move(limits), std::move(handler))) {}

Server::~Server() = default;

void Server::listen(int fd) {
  State& state = *state_;
  const auto accept = [&state](std::unique_ptr<TcpStream> tcp) { state.accept(std::move(tcp)); };
  state.listeners.push_back(std::make_unique<TcpListener>(state.common.loop, fd, accept));
}

void Server::use(std::optional<async::TlsContext> tls) { state_->tls = std::move(tls); }

void Server::drain() {
  state_->stop_accepting();
  for (const auto& [connection, owner] : state_->connections) owner->drain();
}

void Server::close() {
  state_->stop_accepting();
  for (const auto& [connection, owner] : state_->connections) owner->close();
}

async::Event& Server::drained() { return state_->drained; }

std::size_t Server::connections() const { return state_->connections.size(); }

}  // namespace swage::http
