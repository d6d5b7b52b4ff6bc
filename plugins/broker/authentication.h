// Authentication: which peer sent a request. What it costs to find out is bounded (verification_limit.h); failures go
// to the Journal. In the service process.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "core/crypto/random.h"
#include "core/http/message.h"
#include "core/libp2p/peer_id_auth.h"
#include "core/net.h"
#include "plugins/broker/journal.h"
#include "plugins/broker/verification_limit.h"

namespace swage::plugins::broker {

class Authentication {
 public:
  struct Clock {
    std::int64_t wall, steady;  // milliseconds
  };

  // `clients`: how often a network may register. REQUIRES: `random` and `journal` outlive it.
  Authentication(libp2p::PeerIdAuth auth, dial::Rate clients, crypto::Random& random, Journal& journal);

  // The peer, or the response to a request that does not prove one (yet). `client`: the request's address.
  [[nodiscard]] std::expected<libp2p::PeerIdAuth::Authenticated, http::Response> authenticate(
      const http::Request& request, const IpAddress& client, Clock now);

 private:
  using Reason = Measures::Unproven;
  http::Response refuse(http::Response response, Reason reason, const IpAddress& client, std::string_view why);
  http::Response postpone(const VerificationLimit::Answer& answer, const IpAddress& client);

  libp2p::PeerIdAuth auth_;
  crypto::Random& random_;
  Journal& journal_;
  VerificationLimit limit_;
};

// Whoever has one address may have all of its network: 24 bits of IPv4, 48 of IPv6.
[[nodiscard]] Bytes client_network(const IpAddress& client);

}  // namespace swage::plugins::broker
