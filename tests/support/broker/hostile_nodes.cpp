#include "tests/support/broker/hostile_nodes.h"

#include <random>

#include <fmt/format.h>

#include "core/libp2p/noise.h"
#include "core/libp2p/tls.h"
#include "tests/support/broker/nodes.h"

namespace swage::tests {
namespace {

// Bytes that an honest node says up to its proof: hardly less than these with Noise (multistream-select, two keys of 32
// bytes, a signature of 64) and TLS (a certificate, three signatures); and up to somewhere behind it.
constexpr std::size_t kLeastProof[] = {160, 500};
constexpr std::size_t kMostHonest[] = {400, 1300};

}  // namespace

HostileNodes::HostileNodes(async::Loop& loop) : loop_(loop) {
  const auto accepted = [this](std::unique_ptr<async::TcpStream> stream) {
    loop_.spawn(answer(*this, std::move(stream)));
  };
  auto listener = async::TcpListener::listen(loop, Endpoint{}, accepted);
  CHECK(listener);
  listener_ = *std::move(listener);
}

HostileNodes::Behaviour HostileNodes::behaviour(std::uint32_t index) {
  std::mt19937 random(index);
  Behaviour behaviour;
  behaviour.tls = random() % 2 == 0;
  behaviour.impostor = random() % 8 == 0;
  behaviour.honest = random() % kMostHonest[behaviour.tls ? 1 : 0];
  behaviour.fault = static_cast<Fault>(random() % kFaults);
  return behaviour;
}

bool HostileNodes::can_prove(std::uint32_t index) {
  const Behaviour of = behaviour(index);
  return !of.impostor && of.honest >= kLeastProof[of.tls ? 1 : 0];
}

libp2p::PrivateKey HostileNodes::key(std::uint32_t index) { return Nodes::key(index % kIdentities); }

std::string HostileNodes::address(std::uint32_t index) const {
  return fmt::format("/ip4/{}/tcp/{}", node_address(index).to_string(), listener_->local().port);
}

dial::Upgrader& HostileNodes::upgrader(const Behaviour& behaviour, std::uint32_t index) {
  const std::uint32_t identity = (index + (behaviour.impostor ? 1 : 0)) % kIdentities;
  auto& upgrader = upgraders_[{behaviour.tls, identity}];
  if (!upgrader) {
    const auto protocol = behaviour.tls ? libp2p::tls::kProtocol : libp2p::noise::kProtocol;
    dial::Upgrader::Offer offer;
    offer.securities = {std::string(protocol)};
    upgrader = std::make_unique<dial::Upgrader>(loop_, key(identity), std::move(offer));
  }
  return *upgrader;
}

async::Task<> HostileNodes::answer(HostileNodes& nodes, std::unique_ptr<async::TcpStream> stream) {
  const std::uint32_t index = node_at(stream->local().address);
  const Behaviour behaviour = HostileNodes::behaviour(index);
  dial::Upgrader& upgrader = nodes.upgrader(behaviour, index);
  auto faulty = std::make_unique<FaultyStream>(nodes.loop_, std::move(stream), behaviour.honest, behaviour.fault);
  auto secured = co_await upgrader.secure(std::move(faulty), dial::Side::listener, std::nullopt);
  if (!secured) co_return;
  auto connection = co_await upgrader.multiplex(*std::move(secured), dial::Side::listener, {});
  if (!connection) co_return;
  co_await async::sleep(nodes.loop_, std::chrono::seconds(2));
}

}  // namespace swage::tests
