// Connections of core/dial with libp2p nodes that are not our code, in both directions: the security handshake that
// proves who is there, yamux, ping and identify. See README.md.
#include <numeric>
#include <optional>

#include "core/async/tasks.h"
#include "core/async/tcp.h"
#include "core/dial/services.h"
#include "core/dial/upgrade.h"
#include "core/websocket/websocket.h"
#include "tests/support/broker/interop_peer.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;
using async::Task;
using dial::Side;
using libp2p::KeyType;

constexpr std::chrono::milliseconds kLong{20000};

struct Case {
  std::string transport;
  std::string security;
  KeyType key;
  bool inlined_muxer = true;
};

// What carries a connection has nothing to do with keys; so not each with each.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::string security : {"noise", "tls"}) {
    for (const KeyType key : {KeyType::ed25519, KeyType::rsa, KeyType::secp256k1, KeyType::ecdsa}) {
      all.push_back({"tcp", security, key});
    }
    all.push_back({"ws", security, KeyType::ed25519});
  }
  all.push_back({"tcp", "tls", KeyType::ed25519, false});
  return all;
}

dial::Upgrader::Offer only(const Case& each) {
  dial::Upgrader::Offer offer;
  offer.securities = {each.security == "tls" ? "/tls/1.0.0" : "/noise"};
  offer.inlined_muxer = each.inlined_muxer;
  return offer;
}

libp2p::PrivateKey new_identity() { return libp2p::PrivateKey::generate(KeyType::ed25519); }

// --- we dial -------------------------------------------------------------------------------------------------------

struct Found {
  std::string security;
  std::string agent;
  std::size_t echoed = 0;  // bytes of pings that came back as they went
};

// Pings of 32 bytes, 32 at a time, together more than the window that a stream of yamux begins with (256 KiB). How many
// bytes came back as they went.
constexpr std::size_t kPinged = 300 * 1024;

Task<Result<std::size_t>> ping(dial::Connection& connection) {
  CO_TRY(const auto stream, co_await connection.open(std::string(dial::kPing)));
  std::size_t echoed = 0;
  for (std::uint8_t round = 0; echoed < kPinged; ++round) {
    std::array<std::uint8_t, 1024> sent, received;
    std::iota(sent.begin(), sent.end(), round);
    CO_TRY(co_await stream->write(sent));
    for (std::size_t size = 0; size < received.size();) {
      CO_TRY(const std::size_t more, co_await stream->read(MutableBytes(received).subspan(size)));
      if (more == 0) co_return fail("the end, after {} bytes", echoed + size);
      size += more;
    }
    if (sent != received) co_return fail("other bytes, after {}", echoed);
    echoed += received.size();
  }
  co_return echoed;
}

Task<Result<std::unique_ptr<async::Stream>>> connect(async::Loop& loop, Endpoint to, bool websocket) {
  auto tcp = std::make_unique<async::TcpStream>(loop);
  CO_TRY(co_await tcp->connect(to));
  if (!websocket) co_return std::move(tcp);
  co_return co_await websocket::connect(loop, std::move(tcp), to.to_string(), "/");
}

Task<Result<Found>> dial_peer(async::Loop& loop, dial::Upgrader& upgrader, Endpoint to, bool websocket,
                              libp2p::PeerId expected) {
  CO_TRY(auto raw, co_await connect(loop, to, websocket));
  CO_TRY(auto secured, co_await upgrader.secure(std::move(raw), Side::dialler, expected));
  Found found;
  found.security = secured.security;
  const libp2p::yamux::Limits limits;
  CO_TRY(const auto connection, co_await upgrader.multiplex(std::move(secured), Side::dialler, limits));
  CO_TRY(found.echoed, co_await ping(*connection));
  CO_TRY(const auto message, co_await dial::ask_identity(*connection));
  found.agent = message.agent_version.value_or("none");
  co_await connection->finish(1s);
  co_return found;
}

Task<> keep(async::Loop& loop, Task<Result<Found>> dialling, Result<Found>& result) {
  auto found = co_await async::within(loop, kLong, std::move(dialling));
  if (found) result = *std::move(found);
}

Result<Found> dial_peer(const Case& each, const ListeningPeer& peer, const libp2p::PeerId& expected) {
  async::Loop loop;
  dial::Upgrader upgrader(loop, new_identity(), only(each));
  Result<Found> result = fail("too long");
  const bool websocket = each.transport == "ws";
  loop.spawn(keep(loop, dial_peer(loop, upgrader, loopback(peer.port()), websocket, expected), result));
  loop.run();
  return result;
}

// --- we are dialled ------------------------------------------------------------------------------------------------

// A node of ours that answers ping and identify for one connection.
class OurNode {
 public:
  OurNode(const Case& each, KeyFile& identity)
      : websocket_(each.transport == "ws"), identity_(identity), upgrader_(loop_, copy(identity), only(each)) {
    auto listener = async::TcpListener::listen(loop_, loopback(0), [this](std::unique_ptr<async::TcpStream> stream) {
      tasks_.start(serve(std::move(stream)));
    });
    REQUIRE(listener);
    listener_ = *std::move(listener);
  }

  [[nodiscard]] std::string address() const {
    return "/ip4/127.0.0.1/tcp/" + std::to_string(listener_->local().port) + (websocket_ ? "/ws" : "") + "/p2p/" +
           identity_.peer_id().to_base58();
  }

  // Serves until the process has ended.
  void run_until_end_of(Process& process) {
    loop_.spawn(watch(loop_, process));
    loop_.run();
  }

  std::string error;  // of the connection

 private:
  static libp2p::PrivateKey copy(const KeyFile& identity) {
    const crypto::Secret protobuf = identity.key().to_protobuf();
    return *libp2p::PrivateKey::from_protobuf(protobuf.bytes());
  }

  static Task<> watch(async::Loop& loop, Process& process) {
    const std::int64_t end = loop.now() + std::chrono::nanoseconds(kLong).count();
    while (process.running() && loop.now() < end) co_await async::sleep(loop, 5ms);
    loop.stop();
  }

  Task<> serve(std::unique_ptr<async::TcpStream> stream) {
    const Result<> served = co_await upgrade_and_serve(std::move(stream));
    if (!served) error = served.error().text();
  }

  Task<Result<>> upgrade_and_serve(std::unique_ptr<async::TcpStream> tcp) {
    std::unique_ptr<async::Stream> raw = std::move(tcp);
    if (websocket_) {
      CO_TRY(auto upgraded, co_await websocket::accept(loop_, std::move(raw)));
      raw = std::move(upgraded);
    }
    CO_TRY(auto secured, co_await upgrader_.secure(std::move(raw), Side::listener, std::nullopt));
    const libp2p::yamux::Limits limits;
    CO_TRY(const auto connection, co_await upgrader_.multiplex(std::move(secured), Side::listener, limits));
    dial::Services services;
    services.identify.emplace();
    services.identify->agent_version = "swage-test/1";
    services.identify->public_key = identity_.key().public_key().to_protobuf();
    services.identify->protocols = {std::string(dial::kPing), "/ipfs/id/1.0.0"};
    services.ping = true;
    co_await dial::serve(loop_, *connection, std::move(services));
    co_return {};
  }

  bool websocket_;
  KeyFile& identity_;
  async::Loop loop_;
  dial::Upgrader upgrader_;
  std::unique_ptr<async::TcpListener> listener_;
  async::Tasks tasks_;
};

}  // namespace

TEST_CASE("interop: we dial other implementations") {
  for (const std::string& peer : interop_peers()) {
    for (const Case& each : cases()) {
      if (!has_identities(peer, each.key)) continue;
      const KeyFile identity(each.key);
      const ListeningPeer listening({peer, each.transport, each.security}, identity);
      const Result<Found> found = dial_peer(each, listening, identity.peer_id());
      INFO(listening.address() << " " << each.security << ": " << (found ? "" : found.error().text()));
      CHECK(found);
      if (!found) continue;
      CHECK(found->security == each.security);
      CHECK(found->echoed == kPinged);
      CHECK(found->agent.starts_with(peer + "-libp2p/"));

      const Result<Found> other = dial_peer(each, listening, KeyFile(each.key).peer_id());
      CHECK_FALSE(other);  // it is not who it should be
    }
  }
}

TEST_CASE("interop: other implementations dial us") {
  for (const std::string& peer : interop_peers()) {
    for (const Case& each : cases()) {
      if (!has_identities(peer, each.key)) continue;
      KeyFile identity(each.key);
      OurNode node(each, identity);
      auto process = Process::start(interop_command(peer, {"dial", node.address(), "--security", each.security}));
      REQUIRE(process);
      node.run_until_end_of(*process);
      INFO(peer << " " << node.address() << " " << each.security << ": " << node.error << "\n" << process->log());
      REQUIRE(process->wait(1s));
      CHECK(process->wait(1s)->clean());
      const std::string security = each.security == "tls" ? "/tls/1.0.0" : "/noise";
      CHECK(process->output().starts_with("connection " + security + " /yamux/1.0.0\npong "));
      CHECK(process->output().ends_with("\nagent swage-test/1\n"));
    }
  }
}
