// The client's side of libp2p's HTTP authentication of peers
// (https://github.com/libp2p/specs/blob/master/http/peer-id-auth.md), in the dialects of the clients there are: for
// swage-peer and for tests of the server. One object does one handshake. No I/O, any process.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/random.h"
#include "core/libp2p/key.h"
#include "core/result.h"

namespace swage::libp2p {

class PeerIdAuthClient {
 public:
  enum class Flow { client_initiated, server_initiated };

  struct Dialect {
    Flow flow = Flow::client_initiated;
    std::string hostname;          // what the client signs, and what it thinks the server has signed
    std::string challenge_server;  // see the makers below
    std::vector<std::string_view> order = {"opaque", "sig"};  // of the parameters of the second request
    bool padding = true;                                      // of base64url
    bool checks_server = true;                                // whether it looks at the server's signature
  };

  // REQUIRES: the key outlives the client.
  PeerIdAuthClient(const PrivateKey& key, Dialect dialect) : key_(&key), dialect_(std::move(dialect)) {}

  // The Authorization of the first request; empty where the server begins.
  [[nodiscard]] std::string first() const;
  // The Authorization of the second request, from the WWW-Authenticate of the first response. Where the client began,
  // this verifies the server's signature.
  [[nodiscard]] Result<std::string> second(std::string_view www_authenticate);
  // Takes the bearer from the Authentication-Info of the second response. Where the server began, this verifies its
  // signature.
  [[nodiscard]] Result<> finish(std::string_view authentication_info);

  // The Authorization of later requests. REQUIRES: finish() succeeded.
  [[nodiscard]] std::string later() const;
  // Whom the server said, and with its signature proved, to be. REQUIRES: second() succeeded.
  [[nodiscard]] const PublicKey& server() const { return *server_; }

  // Challenges as clients make them: base64url of 32 bytes, or so many characters of an alphabet of up to 256.
  [[nodiscard]] static std::string base64_challenge(crypto::Random& random);
  [[nodiscard]] static std::string challenge_of(std::string_view alphabet, std::size_t size, crypto::Random& random);

 private:
  [[nodiscard]] std::string to_text(Bytes bytes) const;
  [[nodiscard]] Result<> verify(std::optional<std::string_view> sig) const;

  const PrivateKey* key_;
  Dialect dialect_;
  std::optional<PublicKey> server_;
  std::string bearer_;
};

}  // namespace swage::libp2p
