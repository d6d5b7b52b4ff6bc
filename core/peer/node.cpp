#include "core/peer/node.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/libp2p/identify.h"
#include "core/websocket/websocket.h"

namespace swage::peer {
namespace {

using async::Task;
using libp2p::Multiaddr;
using libp2p::multiaddr::Protocol;

struct Place {
  Endpoint at;
  bool is_websocket = false;
};

std::optional<Place> place_of(const Multiaddr& address) {
  const auto components = address.components();
  if (components.size() < 2 || components.size() > 3) return std::nullopt;
  const auto ip = components[0].ip();
  if (!ip || components[1].protocol != Protocol::tcp) return std::nullopt;
  const bool is_websocket = components.size() == 3;
  if (is_websocket && components[2].protocol != Protocol::ws) return std::nullopt;
  return Place{{*ip, components[1].port().value_or(0), 0}, is_websocket};
}

Multiaddr address_of(const Endpoint& at, bool is_websocket) {
  const auto address = Multiaddr::parse(fmt::format("/{}/{}/tcp/{}{}", at.address.is_v6() ? "ip6" : "ip4",
                                                    at.address.to_string(), at.port, is_websocket ? "/ws" : ""));
  CHECK(address);
  return *address;
}

dial::Upgrader::Offer offer_of(const Node::Settings& settings) {
  dial::Upgrader::Offer offer;
  offer.securities.clear();
  if (settings.noise) offer.securities.emplace_back("/noise");
  if (settings.tls) offer.securities.emplace_back("/tls/1.0.0");
  CHECK(!offer.securities.empty());
  return offer;
}

}  // namespace

Result<std::unique_ptr<Node>> Node::start(async::Loop& loop, const libp2p::PrivateKey& key, Settings settings) {
  TRY(auto copy, libp2p::PrivateKey::from_protobuf(key.to_protobuf().bytes()));
  std::unique_ptr<Node> node(new Node(loop, std::move(copy), std::move(settings)));
  for (const Multiaddr& address : node->settings_.listen) {
    TRY(node->listen(address));
  }
  return node;
}

Node::Node(async::Loop& loop, libp2p::PrivateKey key, Settings settings)
    : loop_(loop), settings_(std::move(settings)), upgrader_(loop, std::move(key), offer_of(settings_)) {}

Result<> Node::listen(const Multiaddr& address) {
  const auto place = place_of(address);
  if (!place) return fail("{}: cannot listen there: not /ip4 or /ip6, /tcp, and perhaps /ws", address.to_string());
  const auto accepted = [this, is_websocket = place->is_websocket](std::unique_ptr<async::TcpStream> tcp) {
    if (tasks_.size() >= settings_.connections) return;
    dial::Services services = services_for(tcp->peer(), is_websocket);
    tasks_.start(serve(std::move(tcp), is_websocket, std::move(services)));
  };
  auto listener = async::TcpListener::listen(loop_, place->at, accepted);
  if (!listener) return fail("{}: {}", address.to_string(), listener.error().text());
  const Endpoint at = (*listener)->local();
  listening_.push_back({*std::move(listener), at, place->is_websocket});
  return {};
}

std::vector<Multiaddr> Node::addresses() const {
  std::vector<Multiaddr> all;
  for (const Listening& each : listening_) all.push_back(address_of(each.at, each.is_websocket));
  return all;
}

void Node::close() {
  for (const Listening& each : listening_) each.listener->close();
}

dial::Services Node::services_for(const Endpoint& peer, bool is_websocket) const {
  libp2p::identify::Message message;
  message.protocol_version = "ipfs/0.1.0";
  message.agent_version = settings_.agent;
  message.public_key = upgrader_.identity().to_protobuf();
  message.observed_address = address_of(peer, is_websocket).to_bytes();
  for (const Multiaddr& address : addresses()) message.listen_addresses.push_back(address.to_bytes());
  message.protocols = {std::string(libp2p::identify::kProtocol), std::string(dial::kPing)};
  return {.identify = std::move(message), .ping = true};
}

// What goes wrong is the other side's business: the dialler sees it.
Task<> Node::serve(std::unique_ptr<async::Stream> stream, bool is_websocket, dial::Services services) {
  auto accepting = accept(std::move(stream), is_websocket);
  auto accepted = co_await async::within(loop_, settings_.handshake_timeout, std::move(accepting));
  if (!accepted || !*accepted) co_return;
  const std::unique_ptr<dial::Connection> connection = **std::move(accepted);
  co_await dial::serve(loop_, *connection, std::move(services));
}

Task<Result<std::unique_ptr<dial::Connection>>> Node::accept(std::unique_ptr<async::Stream> stream, bool is_websocket) {
  if (is_websocket) {
    CO_TRY(stream, co_await websocket::accept(loop_, std::move(stream)));
  }
  CO_TRY(auto secured, co_await upgrader_.secure(std::move(stream), dial::Side::listener, std::nullopt));
  CO_TRY(auto connection,
         co_await upgrader_.multiplex(std::move(secured), dial::Side::listener, libp2p::yamux::Limits()));
  co_return connection;
}

}  // namespace swage::peer
