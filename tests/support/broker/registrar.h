// A node's HTTP part of a registration: PeerID authentication and the request, as Go's client does it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/async/loop.h"
#include "core/async/tcp.h"
#include "core/crypto/random.h"
#include "core/http/client.h"
#include "core/libp2p/key.h"
#include "core/net.h"

namespace swage::tests {

// A value as nodes register them: 32 bytes in base64url, made of `number`.
[[nodiscard]] std::string challenge_value(std::uint64_t number);

// {"value": …, "addresses": […]}
[[nodiscard]] std::string registration_body(const std::string& value, const std::vector<std::string>& addresses);

// A connection to a broker, plain HTTP, kept from registration to registration.
class Registrar {
 public:
  // `host`: the Host header, and what is signed.
  Registrar(async::Loop& loop, Endpoint broker, std::string host)
      : loop_(loop), broker_(broker), host_(std::move(host)) {}

  // Leg 1 and leg 2. The answer to the last request that was answered; status 0 where the connection failed. REQUIRES:
  // `key` and the Registrar live until then.
  [[nodiscard]] async::Task<http::Response> registers(const libp2p::PrivateKey& key, std::string body);
  // A POST to the registration API with this Authorization (empty: none) and body.
  [[nodiscard]] async::Task<http::Response> post(std::string authorization, std::string body);

  // From now on, as X-Forwarded-For: for a broker that trusts us as its proxy.
  void come_from(std::string client) { client_ = std::move(client); }
  void close() { stream_.reset(); }

 private:
  [[nodiscard]] async::Task<Result<>> connect();

  async::Loop& loop_;
  Endpoint broker_;
  std::string host_, client_;
  crypto::SystemRandom random_;
  std::unique_ptr<async::TcpStream> stream_;
};

}  // namespace swage::tests
