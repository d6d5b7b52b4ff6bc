// The server's side of libp2p's HTTP authentication of peers
// (https://github.com/libp2p/specs/blob/master/http/peer-id-auth.md). It keeps nothing between requests: what it must
// know later is in tokens (auth_token.h), and its keys come from one secret. So every instance with the secret can
// finish what another began, also after a restart. The price: within its 5 minutes a challenge can be answered again by
// anybody who overheard the answer, which TLS prevents. No I/O, any process.
//
//     server-initiated   →                                                401 ← challenge-client, public-key, opaque
//                        → public-key, opaque, challenge-server, sig          ← sig, bearer
//     client-initiated   → challenge-server, public-key                   401 ← … and sig
//                        → opaque, sig                                        ← bearer
//     later              → bearer
//
// Where the client begins it is answered before it has signed a name: the server signs the Host as sent. Otherwise it
// signs the name that the client has signed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/crypto/random.h"
#include "core/crypto/secret.h"
#include "core/libp2p/auth_params.h"
#include "core/libp2p/auth_token.h"
#include "core/libp2p/key.h"
#include "core/libp2p/peer_id.h"

namespace swage::libp2p {

class PeerIdAuth {
 public:
  static constexpr std::size_t kMinSecret = 32;  // bytes

  struct Request {
    std::string_view authorization;  // the header's value; empty where there is none
    std::string_view host;           // the Host header's value, as sent
  };
  // 401 with a challenge, also for another scheme than ours.
  struct Challenge {
    std::string www_authenticate;
  };
  struct Authenticated {
    PeerId peer;
    std::string authentication_info;  // for the response, whatever its status; empty after a bearer
  };
  // What is at fault, for metrics.
  enum class Fault : std::uint8_t { host, header, token, signature };
  // 400: repeating the request will not help.
  struct Malformed {
    std::string why;
    Fault fault = Fault::header;
  };
  // 401, with a fresh challenge: a token that is not ours or has expired, or a signature that does not verify.
  struct Refused {
    std::string why;
    std::string www_authenticate;
    Fault fault = Fault::token;
  };
  // The gate does not let a signature be verified now. The client is not known; the challenge stays good.
  struct Postponed {};
  using Answer = std::variant<Challenge, Authenticated, Malformed, Refused, Postponed>;

  // Guards what is expensive: a signature is verified only if the gate lets it. Without that an answer takes hashes
  // alone, and one signature of our own.
  class Gate {
   public:
    enum class Leave : std::uint8_t { granted, spent, postponed };
    virtual ~Gate() = default;
    // Before each verification of a signature, which will take about `cost`; the client answers the challenge in
    // `token`, which is ours. spent: such an answer was wrong before.
    virtual Leave ask(std::string_view token, std::chrono::microseconds cost) = 0;
    // The client has signed no name that it may have signed.
    virtual void failed(std::string_view token) = 0;
  };

  // `domains` are the names of the service: a request for another Host is malformed, since a signature for another
  // name may have been made for another server that hands it on. They are compared without case, port and trailing
  // dot. REQUIRES: at least one domain, and a secret of 32 unpredictable bytes or more.
  PeerIdAuth(const crypto::Secret& secret, std::vector<std::string> domains);

  // For any method. The client may have signed the Host as sent, the Host without its port, or any of the domains:
  // where these are different names, there is one verification for each until one succeeds, in this order. What
  // everything takes: core_libp2p_test "[bench]".
  [[nodiscard]] Answer answer(const Request& request, AuthTime now, crypto::Random& random, Gate& gate) const;
  // As above, with a gate that lets everything pass.
  [[nodiscard]] Answer answer(const Request& request, AuthTime now, crypto::Random& random) const;

  [[nodiscard]] const PublicKey& public_key() const { return key_.public_key(); }

 private:
  struct Exchange;  // one request, and what it takes to answer it
  struct Client;    // the key that it claims, and what it should have signed
  [[nodiscard]] std::optional<Exchange> begin(const Request& request, AuthTime now, crypto::Random& random,
                                              Gate& gate) const;
  Answer check_bearer(const Exchange& exchange, std::string_view bearer) const;
  Answer answer_challenge(const Exchange& exchange, const AuthParams& params) const;
  Answer finish_server_initiated(const Exchange& exchange, const AuthParams& params, const AuthToken& token) const;
  Answer finish_client_initiated(const Exchange& exchange, const AuthParams& params, const AuthToken& token) const;
  Answer accept(const Exchange& exchange, const AuthParams& params, const Client& client) const;
  Answer admit(const Exchange& exchange, const Client& client, const PeerId& peer, std::string_view hostname) const;
  Answer refuse(const Exchange& exchange, std::string why, Fault fault = Fault::token) const;
  [[nodiscard]] std::string fresh_challenge(const Exchange& exchange) const;
  // The names that the client may have signed, each once.
  [[nodiscard]] std::vector<std::string_view> names_of(const Exchange& exchange) const;
  // Begins the header with a new challenge, which it puts into `token` too.
  AuthHeader challenge(const Exchange& exchange, AuthToken& token) const;
  [[nodiscard]] std::string sign(std::string_view challenge_server, Bytes client_key, std::string_view hostname) const;

  std::vector<std::string> domains_;  // as they are compared
  crypto::Secret token_key_;
  PrivateKey key_;
  std::vector<std::uint8_t> public_key_;  // as protobuf
  std::string public_key_text_;           // the same as base64url
};

}  // namespace swage::libp2p
