// For the tests of core/dial: identities, and a peer on loopback that is dialled.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/async/tasks.h"
#include "core/async/tls.h"
#include "core/dial/connection.h"
#include "core/dial/plan.h"
#include "core/dial/services.h"
#include "core/dial/upgrade.h"
#include "core/libp2p/key.h"
#include "core/websocket/websocket.h"

#include "core/async/stream_testing.h"  // with Catch
#include "core/async/tls_testing.h"

namespace swage::dial::testing {

using async::Loop;
using async::Stream;
using async::Task;
using async::testing::tcp_pair;

inline libp2p::PrivateKey key_of(std::uint8_t seed) {
  return libp2p::PrivateKey::from_seed(std::vector<std::uint8_t>(32, seed));
}
inline libp2p::PeerId peer_of(std::uint8_t seed) { return key_of(seed).public_key().peer_id(); }

// Open descriptors of this process.
inline std::size_t descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Runs tasks on a loop until all of them are finished, whatever else there is that could happen.
class Together {
 public:
  explicit Together(Loop& loop) : loop_(loop) {}
  template <typename T>
  void add(Task<T> task, std::optional<T>& result) {
    ++running_;
    loop_.spawn(keep(std::move(task), result, *this));
  }
  void run() {
    waits_ = true;
    if (running_ > 0) loop_.run();
  }

 private:
  template <typename T>
  static Task<> keep(Task<T> task, std::optional<T>& result, Together& together) {
    result.emplace(co_await std::move(task));
    if (--together.running_ == 0 && together.waits_) together.loop_.stop();
  }
  Loop& loop_;
  int running_ = 0;
  bool waits_ = false;
};

// One task.
template <typename T>
T run(Loop& loop, Task<T> task) {
  std::optional<T> result;
  Together together(loop);
  together.add(std::move(task), result);
  together.run();
  REQUIRE(result.has_value());
  return *std::move(result);
}

// A libp2p node: accepts on 127.0.0.1 (or elsewhere), upgrades, answers identify and ping.
class Node {
 public:
  struct Options {
    Transport transport = Transport::tcp;
    Upgrader::Offer offer{};
    Endpoint at = async::testing::loopback();
    std::string agent = "test/1";
    bool identifies = true;
    // What goes between TCP and the rest, and between WebSocket and the rest.
    std::function<std::unique_ptr<Stream>(std::unique_ptr<Stream>)> below{}, above{};
  };

  Node(Loop& loop, libp2p::PrivateKey identity, Options options)
      : loop_(loop), options_(std::move(options)), upgrader_(loop, std::move(identity), options_.offer) {
    auto listening = async::TcpListener::listen(loop, options_.at, [this](std::unique_ptr<async::TcpStream> stream) {
      ++accepted_;
      tasks_.start(serve_one(std::move(stream)));
    });
    REQUIRE(listening);
    listener_ = std::move(*listening);
    at_ = listener_->local();
    if (options_.transport != Transport::wss) return;
    static const auto identity_of_tls = async::testing::make_tls_identity("DNS:whatever.example");
    auto context = async::TlsContext::server(identity_of_tls.certificate_pem, identity_of_tls.key_pem, {"http/1.1"});
    REQUIRE(context);
    context_.emplace(*std::move(context));
  }

  [[nodiscard]] const Endpoint& at() const { return at_; }
  [[nodiscard]] int accepted() const { return accepted_; }
  [[nodiscard]] int proven() const { return proven_; }
  [[nodiscard]] std::string address() const {
    const std::string_view end = options_.transport == Transport::tcp  ? ""
                                 : options_.transport == Transport::ws ? "/ws"
                                                                       : "/wss";
    return fmt::format("/{}/{}/tcp/{}{}", at_.address.is_v6() ? "ip6" : "ip4", at_.address.to_string(), at_.port, end);
  }
  // So that the loop can end.
  void close() { listener_->close(); }

 private:
  Task<> serve_one(std::unique_ptr<Stream> stream) { static_cast<void>(co_await try_to_serve(std::move(stream))); }
  Task<Result<>> try_to_serve(std::unique_ptr<Stream> stream) {
    if (options_.below) stream = options_.below(std::move(stream));
    if (context_) {
      auto tls = std::make_unique<async::TlsStream>(loop_, std::move(stream), *context_, async::TlsSide::server);
      CO_TRY(co_await tls->handshake());
      stream = std::move(tls);
    }
    if (options_.transport != Transport::tcp) {
      CO_TRY(stream, co_await websocket::accept(loop_, std::move(stream)));
    }
    if (options_.above) stream = options_.above(std::move(stream));
    CO_TRY(Secured secured, co_await upgrader_.secure(std::move(stream), Side::listener, std::nullopt));
    ++proven_;
    CO_TRY(const auto connection,
           co_await upgrader_.multiplex(std::move(secured), Side::listener, libp2p::yamux::Limits()));
    Services services;
    services.ping = true;
    libp2p::identify::Message message;
    message.agent_version = options_.agent;
    if (options_.identifies) services.identify = message;
    co_await serve(loop_, *connection, services);
    co_return {};
  }

  Loop& loop_;
  Options options_;
  Upgrader upgrader_;
  std::unique_ptr<async::TcpListener> listener_;
  Endpoint at_;
  std::optional<async::TlsContext> context_;
  int accepted_ = 0;
  int proven_ = 0;
  async::Tasks tasks_;
};

}  // namespace swage::dial::testing
