// Handshake: one registration as one of the clients makes it: two requests, and what the client makes of the
// responses. No I/O.
//
//     first()  →        ← challenge
//     second() →        ← status          finish()
#pragma once

#include <string>
#include <string_view>

#include "core/crypto/random.h"
#include "core/http/message.h"
#include "core/libp2p/key.h"
#include "core/libp2p/peer_id_auth_client.h"
#include "core/peer/dialect.h"
#include "core/result.h"

namespace swage::peer {

class Handshake {
 public:
  // REQUIRES: the dialect and the key outlive it.
  Handshake(const Dialect& dialect, const libp2p::PrivateKey& key, Submission submission, crypto::Random& random);

  [[nodiscard]] std::string first() const;
  // From the response to the first. An Error is what makes the client give up, with the response's status and body.
  [[nodiscard]] Result<std::string> second(const http::Response& response);
  // Whether the response to the second is success for this client.
  [[nodiscard]] Result<> finish(const http::Response& response);

  // Whether the client sends its second request on the connection on which `first` came, if the broker keeps it.
  [[nodiscard]] bool stays(const http::Response& first) const;

 private:
  // The header as the client understands it, in the one form that PeerIdAuthClient reads.
  [[nodiscard]] Result<std::string> reading(std::string_view header) const;
  [[nodiscard]] Result<> check_lengths(std::string_view header) const;
  [[nodiscard]] Result<> check_bearer(const http::Response& response);

  const Dialect& dialect_;
  libp2p::PeerIdAuthClient auth_;
  Submission submission_;
};

// "403 Forge-Authorization is missing; Retry-After: 5": what an operator wants to know of a response.
[[nodiscard]] std::string summary(const http::Response& response);

}  // namespace swage::peer
