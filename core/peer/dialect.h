// The dialects of the clients that register with brokers: what each one's HTTP library writes, and what it makes of the
// answers. A table and the functions that fill its templates; the handshake itself is handshake.h's. No I/O.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/libp2p/peer_id_auth_client.h"
#include "core/peer/url.h"

namespace swage::peer {

// What is registered, and where.
struct Submission {
  Url url;  // as the client believes it to be
  std::string value;
  std::vector<std::string> addresses;  // multiaddrs, as text
  std::string token;                   // for Forge-Authorization; empty: none
};

struct Dialect {
  // The Host with the port that was written, or that is not the scheme's own; without port; registration.libp2p.direct.
  enum class Signs : std::uint8_t { written, authority, host, libp2p_direct };
  enum class Bearer : std::uint8_t { ignored, if_present, demanded };  // of the second response
  enum class Reuse : std::uint8_t { always, after_empty, never };      // of the connection, for the second request

  // How JSON is spelled.
  struct Body {
    std::string_view value = "value", addresses = "addresses";  // the keys
    std::string_view comma = ",", colon = ":";
    bool one_address = false;  // only the first
  };

  std::string_view name;
  libp2p::PeerIdAuthClient::Flow flow = libp2p::PeerIdAuthClient::Flow::client_initiated;

  // The requests, with placeholders in braces:
  //   target, clean       the URL's path and the API's, where there may be two slashes between, or not
  //   authority, written  the Host with its port if that is not the scheme's own, or if it was written
  //   host, origin        the Host without port; the scheme and the authority
  //   authorization       the field's value
  //   Token, token        the line of Forge-Authorization, spelled so or in lower case; nothing without a token
  //   brotli              "br, " over TLS, where undici offers it
  //   body, size, hex     the body; its size, decimal and hexadecimal
  std::string_view first, second;
  Body body{};

  Signs signs = Signs::written;
  std::string_view alphabet{};                             // of challenge-server; empty: base64url of 32 bytes
  std::size_t challenge_size = 0;                          // characters of it
  std::array<std::string_view, 4> order{"opaque", "sig"};  // parameters of the second Authorization
  bool checks_server = true;

  bool first_must_be_401 = false;
  bool splits_at_commas = false;  // reads headers like that, and else nothing of their syntax
  bool fixed_lengths = false;     // signs only what has the lengths that it knows: py-libp2p
  bool any_2xx = false;           // is success; otherwise 200
  Bearer bearer = Bearer::ignored;
  Reuse reuse = Reuse::never;
};

// go, js, nim, python, rust, dotnet.
[[nodiscard]] std::span<const Dialect> dialects();
// nullptr: no such name.
[[nodiscard]] const Dialect* find_dialect(std::string_view name);

// The bytes of a request. `authorization`: the header's value; not used by a first request whose server begins.
[[nodiscard]] std::string first_request(const Dialect& dialect, const Submission& submission,
                                        std::string_view authorization);
[[nodiscard]] std::string second_request(const Dialect& dialect, const Submission& submission,
                                         std::string_view authorization);

// The name that the client signs, and that it thinks the broker signs.
[[nodiscard]] std::string signed_hostname(const Dialect& dialect, const Url& url);

}  // namespace swage::peer
