#include "core/dial/upgrade.h"

#include <optional>
#include <string>
#include <vector>

#include "core/dial/testing.h"  // last, with Catch: its CHECK is the one that counts here

namespace swage::dial::testing {
namespace {

using Offer = Upgrader::Offer;
using Outcome = Result<Secured>;

const Offer kNoise{{"/noise"}, true}, kTls{{"/tls/1.0.0"}, true}, kPlainTls{{"/tls/1.0.0"}, false};

// Both sides of an upgrade, over TCP on loopback; reads and writes of at most `step` bytes.
struct Upgrade {
  Upgrade(Offer of_dialler, Offer of_listener, std::optional<libp2p::PeerId> expected, std::size_t step = 1 << 20)
      : dialler(loop, key_of(1), std::move(of_dialler)), listener(loop, key_of(2), std::move(of_listener)) {
    auto [near, far] = tcp_pair(loop);
    auto slow_near = std::make_unique<async::testing::Slow>(std::move(near), step);
    auto slow_far = std::make_unique<async::testing::Slow>(std::move(far), step);
    Together both(loop);
    both.add(dialler.secure(std::move(slow_near), Side::dialler, expected), dialled);
    both.add(listener.secure(std::move(slow_far), Side::listener, std::nullopt), accepted);
    both.run();
  }

  Loop loop;
  Upgrader dialler, listener;
  std::optional<Outcome> dialled, accepted;
};

Task<Result<std::string>> ask(Upgrader& upgrader, Secured secured) {
  CO_TRY(const auto connection,
         co_await upgrader.multiplex(std::move(secured), Side::dialler, libp2p::yamux::Limits()));
  CO_TRY(const auto message, co_await ask_identity(*connection));
  co_await connection->finish(std::chrono::seconds(1));
  co_return message.agent_version.value_or("");
}

Task<Result<std::string>> answer(Loop& loop, Upgrader& upgrader, Secured secured) {
  CO_TRY(const auto connection,
         co_await upgrader.multiplex(std::move(secured), Side::listener, libp2p::yamux::Limits()));
  Services services;
  services.identify.emplace();
  services.identify->agent_version = "listener";
  co_await serve(loop, *connection, services);
  co_return "served";
}

}  // namespace

TEST_CASE("upgrade: noise and TLS, with and without an inlined muxer, up to identify") {
  struct Case {
    Offer dialler, listener;
    std::string security, muxer;
  };
  const std::vector<Case> cases = {
      {Offer{}, Offer{}, "noise", ""},
      {Offer{}, kNoise, "noise", ""},
      {Offer{}, kTls, "tls", "/yamux/1.0.0"},
      {Offer{}, kPlainTls, "tls", ""},
      {kTls, Offer{}, "tls", "/yamux/1.0.0"},
      {kPlainTls, Offer{}, "tls", ""},
      {kPlainTls, kPlainTls, "tls", ""},
      {kNoise, Offer{}, "noise", ""},
      {Offer{{"/tls/1.0.0", "/noise"}, true}, Offer{}, "tls", "/yamux/1.0.0"},
  };
  for (const Case& each : cases) {
    for (const std::size_t step : {std::size_t{1} << 20, std::size_t{7}, std::size_t{1}}) {
      INFO(each.security << " " << each.muxer << " in steps of " << step);
      Upgrade upgrade(each.dialler, each.listener, peer_of(2), step);
      REQUIRE((upgrade.dialled && upgrade.accepted));
      INFO((*upgrade.dialled ? "" : upgrade.dialled->error().text()));
      REQUIRE((*upgrade.dialled && *upgrade.accepted));
      for (const auto* side : {&**upgrade.dialled, &**upgrade.accepted}) {
        CHECK(side->security == each.security);
        CHECK(side->muxer == each.muxer);
      }
      CHECK((**upgrade.dialled).peer == peer_of(2));
      CHECK((**upgrade.accepted).peer == peer_of(1));
      CHECK((**upgrade.accepted).key == upgrade.dialler.identity());

      std::optional<Result<std::string>> asked, answered;
      Together both(upgrade.loop);
      both.add(ask(upgrade.dialler, *std::move(*upgrade.dialled)), asked);
      both.add(answer(upgrade.loop, upgrade.listener, *std::move(*upgrade.accepted)), answered);
      both.run();
      REQUIRE((asked && answered));
      INFO((*asked ? "" : asked->error().text()));
      CHECK((*asked && **asked == "listener"));
      CHECK((*answered && **answered == "served"));
    }
  }
}

TEST_CASE("upgrade: somebody else") {
  for (const Offer& offer : {kNoise, kTls, kPlainTls}) {
    Upgrade upgrade(offer, Offer{}, peer_of(3));
    REQUIRE((upgrade.dialled && upgrade.accepted));
    CHECK_FALSE(*upgrade.dialled);
    CHECK(upgrade.dialled->error().text().find("the peer is " + peer_of(2).to_base58()) != std::string::npos);
    if (offer.securities[0] == "/noise") CHECK_FALSE(*upgrade.accepted);
  }
}

TEST_CASE("upgrade: nothing in common") {
  Upgrade upgrade(kNoise, kTls, peer_of(2));
  REQUIRE((upgrade.dialled && upgrade.accepted));
  CHECK_FALSE(*upgrade.dialled);
  CHECK_FALSE(*upgrade.accepted);
}

}  // namespace swage::dial::testing
