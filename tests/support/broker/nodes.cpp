#include "tests/support/broker/nodes.h"

#include <fmt/format.h>

#include "core/dial/pushback_stream.h"
#include "core/dial/select.h"
#include "core/libp2p/noise.h"

namespace swage::tests {
namespace {

constexpr std::uint32_t kFirst = 0x7F010000;  // 127.1.0.0

}  // namespace

IpAddress node_address(std::uint32_t index) {
  const std::uint32_t number = kFirst + index;
  const std::array<std::uint8_t, 4> bytes = {static_cast<std::uint8_t>(number >> 24),
                                             static_cast<std::uint8_t>(number >> 16),
                                             static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  return IpAddress::v4(bytes);
}

std::uint32_t node_at(const IpAddress& address) {
  std::uint32_t number = 0;
  for (const std::uint8_t byte : address.bytes()) number = number << 8 | byte;
  return number - kFirst;
}

Nodes::Nodes(async::Loop& loop, const IpAddress& first) : loop_(loop), first_(node_at(first)) {
  const auto accepted = [this](std::unique_ptr<async::TcpStream> stream) {
    loop_.spawn(answer(*this, std::move(stream)));
  };
  auto listener = async::TcpListener::listen(loop, Endpoint{}, accepted);
  CHECK(listener);
  listener_ = *std::move(listener);
}

libp2p::PrivateKey Nodes::key(std::uint32_t index) {
  std::array<std::uint8_t, 32> seed{};
  for (std::size_t i = 0; i < 4; ++i) seed[i] = static_cast<std::uint8_t>(index >> (8 * i));
  return libp2p::PrivateKey::from_seed(seed);
}

std::string Nodes::address(std::uint32_t index) const {
  return fmt::format("/ip4/{}/tcp/{}", node_address(first_ + index).to_string(), listener_->local().port);
}

async::Task<> Nodes::answer(Nodes& nodes, std::unique_ptr<async::TcpStream> stream) {
  const libp2p::PrivateKey identity = key(node_at(stream->local().address) - nodes.first_);
  dial::PushbackStream buffered(std::move(stream));
  std::vector<std::string> protocols = {std::string(libp2p::noise::kProtocol)};
  const auto selected = co_await dial::select(buffered, dial::Side::listener, std::move(protocols));
  if (!selected) co_return;
  auto handshake = libp2p::noise::Handshake::start({.role = libp2p::noise::Role::responder}, identity, nodes.random_);
  if (!handshake) co_return;
  const auto done = co_await dial::converse(*handshake, buffered);
  if (!done) co_return;
  std::array<std::uint8_t, 256> ignored;
  while (true) {
    const auto size = co_await buffered.read(ignored);
    if (!size || *size == 0) co_return;
  }
}

}  // namespace swage::tests
