// Registering a value with a broker over the network: TCP, TLS, the two requests of a Handshake.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/async/tls.h"
#include "core/crypto/random.h"
#include "core/libp2p/key.h"
#include "core/net.h"
#include "core/peer/dialect.h"
#include "core/result.h"

namespace swage::peer {

class RegistrationError : public Error {
 public:
  enum class Kind : std::uint8_t {
    refused,  // by the broker, or by the client, which cannot accept the response
    network,  // no connection, no trust in the certificate, no whole response, no time left
  };
  RegistrationError(Kind kind, std::string text) : Error(std::move(text)), kind_(kind) {}
  [[nodiscard]] Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

struct Registration {
  Url broker;             // whom to connect to
  Submission submission;  // its URL may have another host: for Host, signatures and the certificate
  const Dialect* dialect = nullptr;
  std::optional<async::TlsContext> tls;  // for https
  std::chrono::milliseconds timeout{60'000};
};

// Registers. Unspecified addresses (0.0.0.0, ::) among those to announce become the one from which the broker was
// reached, or go; where that leaves none the broker is not asked. REQUIRES: loop, key and random live until it is done.
[[nodiscard]] async::Task<std::expected<void, RegistrationError>> register_value(async::Loop& loop,
                                                                                 const libp2p::PrivateKey& key,
                                                                                 Registration registration,
                                                                                 crypto::Random& random);

// `addresses` with `mine` in place of unspecified ones of its family; those of the other family are left out.
[[nodiscard]] std::vector<std::string> specified(const std::vector<std::string>& addresses, const IpAddress& mine);

// The broker's addresses in the order in which they are tried: first those that leave something of `addresses`. For a
// node that listens on 0.0.0.0 alone the IPv4 ones, whatever came first.
[[nodiscard]] std::vector<IpAddress> preferred(const std::vector<IpAddress>& broker,
                                               const std::vector<std::string>& addresses);

}  // namespace swage::peer
