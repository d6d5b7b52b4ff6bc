#include "core/http/server.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <map>
#include <utility>

#include "core/async/tcp.h"
#include "core/async/tls.h"
#include "core/http/clients.h"
#include "core/http/connection.h"
#include "core/http/forwarded.h"

namespace swage::http {

using async::TcpListener;
using async::TcpStream;

namespace {

constexpr std::size_t kManyConnections = 256;

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
  [[nodiscard]] bool close(const Client* client);
  void relieve();
  void remove(const Connection* connection);
  void give_memory_back();
  void remove_all_ended();
  void stop_accepting();
  [[nodiscard]] bool counts(const IpAddress& client) const;

  Connection::Shared shared;
  std::size_t most;  // connections
  std::optional<async::TlsContext> tls;
  Clients clients;
  std::size_t peak = 0;  // connections, since there were none
  std::size_t few = 0;   // so many that memory is given back when no more are left of them
  async::Event drained;
  std::vector<std::unique_ptr<TcpListener>> listeners;
  std::vector<Connection*> ended;  // and their coroutines may be on the stack yet
  async::Timer remove_ended, relieving, trimming;
  std::map<const Client*, std::unique_ptr<Connection>> connections;
};

Server::State::State(async::Loop& loop, Limits limits, Handler handler)
    : shared{loop, std::move(limits), std::move(handler), {}, {}, {}},
      most(most_connections(shared.limits.connections)),
      drained(loop),
      remove_ended(loop, [this] { remove_all_ended(); }),
      relieving(loop, [this] { relieve(); }),
      trimming(loop, [] { malloc_trim(0); }) {
  shared.ended = [this](Connection& connection) {
    ended.push_back(&connection);
    remove_ended.start(std::chrono::milliseconds(0));
  };
  shared.pressed = [this] { relieving.start(std::chrono::milliseconds(0)); };
}

// Called by the loop, never by a connection.
void Server::State::accept(std::unique_ptr<TcpStream> tcp) {
  remove_all_ended();  // nobody is turned away for those
  const IpAddress client = tcp->peer().address;
  if (!admit(client)) return;  // which closes it
  auto made = std::make_unique<Connection>(shared, std::move(tcp), tls);
  Connection& connection = *made;
  clients.add(connection.client());
  connections.emplace(&connection.client(), std::move(made));
  peak = std::max(peak, connections.size());
  few = std::max(few, connections.size() / 4);
  connection.start();
}

bool Server::State::admit(const IpAddress& address) {
  const IpAddress network = network_of(address);
  const bool is_full = counts(address) && clients.count(network) >= shared.limits.of_network;
  // First of its own network, which has as many as it may: nobody else's connection ends for it.
  if (is_full && !close(clients.longest_waiting(network))) return false;
  return connections.size() < most || close(clients.longest_waiting_of_most());
}

bool Server::State::counts(const IpAddress& client) const { return !is_in(shared.limits.proxies, client); }

// False where there is none.
bool Server::State::close(const Client* client) {
  if (client == nullptr) return false;
  const auto connection = connections.find(client);
  CHECK(connection != connections.end());
  remove(connection->second.get());
  return true;
}

// Called by the loop, never by a connection.
void Server::State::relieve() {
  while (shared.held > shared.limits.held && close(clients.longest_waiting_of_heaviest())) {
  }
}

void Server::State::remove_all_ended() {
  for (const Connection* connection : std::exchange(ended, {})) remove(connection);
}

void Server::State::remove(const Connection* connection) {
  clients.remove(connection->client());
  connections.erase(&connection->client());
  give_memory_back();
  if (shared.draining && connections.empty()) drained.set();
}

// What thousands of connections took goes back to the system when they are gone: malloc keeps it else.
void Server::State::give_memory_back() {
  if (peak < kManyConnections || connections.size() > few) return;
  few = connections.size() / 4;
  if (connections.empty()) peak = 0;
  trimming.start(std::chrono::milliseconds(100));  // libuv frees what was closed in a later turn of the loop
}

void Server::State::stop_accepting() {
  shared.draining = true;
  for (const auto& listener : listeners) listener->close();
  if (connections.empty()) drained.set();
}

Server::Server(async::Loop& loop, Limits limits, Handler handler)
    : state_(std::make_unique<State>(loop, std::move(limits), std::move(handler))) {}

Server::~Server() = default;

void Server::listen(int fd) {
  State& state = *state_;
  const auto accept = [&state](std::unique_ptr<TcpStream> tcp) { state.accept(std::move(tcp)); };
  state.listeners.push_back(std::make_unique<TcpListener>(state.shared.loop, fd, accept));
}

void Server::use(std::optional<async::TlsContext> tls) { state_->tls = std::move(tls); }

void Server::on_refusal(OnRefusal told) { state_->shared.refused = std::move(told); }

void Server::drain() {
  state_->stop_accepting();
  for (const auto& [client, owner] : state_->connections) owner->drain();
}

void Server::close() {
  state_->stop_accepting();
  for (const auto& [client, owner] : state_->connections) owner->close();
}

async::Event& Server::drained() { return state_->drained; }

std::size_t Server::connections() const { return state_->connections.size(); }

}  // namespace swage::http
