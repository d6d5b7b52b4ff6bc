// Authentication: whose request is it? What it costs to find out is bounded (verification_limit.h); what fails is
// logged and counted. In the service process.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "core/crypto/random.h"
#include "core/http/message.h"
#include "core/libp2p/peer_id_auth.h"
#include "core/net.h"
#include "plugins/broker/line_limit.h"
#include "plugins/broker/measures.h"
#include "plugins/broker/verification_limit.h"

namespace swage::plugins::broker {

class Authentication {
 public:
  struct Clock {
    std::int64_t wall, steady;  // milliseconds
  };

  // `clients`: how often a network may register. `name`: of the plugin, in the log. REQUIRES: `random` outlives it.
  Authentication(libp2p::PeerIdAuth auth, dial::Rate clients, const Measures& measures, const std::string& name,
                 crypto::Random& random);

  // Who it is, or the response that says that this is not known (yet). `client` is who asks.
  [[nodiscard]] std::expected<libp2p::PeerIdAuth::Authenticated, http::Response> authenticate(
      const http::Request& request, const IpAddress& client, Clock now);

  // For the log and the figures: what came was no request.
  void not_a_request(const IpAddress& connection, unsigned status, std::string_view why, std::int64_t now);

 private:
  using Reason = Measures::Unproven;
  void note(Reason reason, const IpAddress& client, unsigned status, std::string_view why, std::int64_t now);
  http::Response refuse(http::Response response, Reason reason, const IpAddress& client, Clock now,
                        std::string_view why);
  http::Response postpone(const VerificationLimit::Answer& answer, const IpAddress& client, Clock now);

  libp2p::PeerIdAuth auth_;
  const Measures& measures_;
  crypto::Random& random_;
  VerificationLimit limit_;
  std::string name_;
  LineLimit lines_;
};

// Those who can have one address can have all of its network: 24 bits of IPv4, 48 of IPv6.
[[nodiscard]] Bytes client_network(const IpAddress& client);

}  // namespace swage::plugins::broker
