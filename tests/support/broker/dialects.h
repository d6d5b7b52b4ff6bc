// The six AutoTLS clients as a broker sees them: both requests of a registration, byte by byte, as each writes them.
// What differs is on purpose: methods, names and order of fields, the handshake, the hostname that is signed, the body.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/random.h"
#include "core/libp2p/key.h"
#include "core/libp2p/peer_id_auth_client.h"

namespace swage::tests {

struct ClientDialect {
  std::string_view name;
  libp2p::PeerIdAuthClient::Flow flow;
  std::string_view alphabet;  // of challenge-server; empty: base64url of 32 bytes
  std::size_t size;           // of challenge-server
  std::vector<std::string_view> order;
  bool signs_port;     // of the Host
  bool checks_server;  // the server's signature
  // Templates: @HOST@ has a port where the client sends it, @AUTH@ is the Authorization, @BODY@ the body, @LENGTH@ its
  // size, @CHUNKED@ the body as chunks; in the body @VALUE@ and @ADDRESSES@ (a list of JSON strings).
  std::string_view first, second, body;

  [[nodiscard]] libp2p::PeerIdAuthClient client(const libp2p::PrivateKey& key, std::string_view host,
                                                crypto::Random& random) const;
  [[nodiscard]] std::string first_request(std::string_view host, std::string_view authorization) const;
  [[nodiscard]] std::string second_request(std::string_view host, std::string_view authorization,
                                           std::string_view value, const std::vector<std::string>& addresses) const;
};

// Go, JS, nim, Python, Rust, .NET.
[[nodiscard]] std::span<const ClientDialect> client_dialects();

}  // namespace swage::tests
