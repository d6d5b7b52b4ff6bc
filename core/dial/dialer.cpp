#include "core/dial/dialer.h"

namespace swage::dial {

struct Dialer::State {};

Dialer::Dialer(async::Loop&, libp2p::PrivateKey, Settings) : state_(std::make_unique<State>()) {}
Dialer::~Dialer() = default;

async::Task<std::expected<Reached, DialError>> Dialer::reach(libp2p::PeerId, std::vector<std::string>, async::Event&) {
  co_return std::unexpected(DialError(DialError::Kind::unreachable, "no dials yet"));
}

std::size_t Dialer::dialling() const { return 0; }
std::size_t Dialer::identifying() const { return 0; }

}  // namespace swage::dial
