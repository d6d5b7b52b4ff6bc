// The protocols of multiaddrs: the table https://github.com/multiformats/multiaddr/blob/master/protocols.csv (and
// plaintextv2 of the multicodec table), and the form of the value each of them has. No I/O, any process.
#pragma once

#include <cstdint>
#include <string_view>

namespace swage::libp2p::multiaddr {

// What a component's value looks like.
enum class Form : std::uint8_t {
  none,           // no value
  ip4,            // 4 bytes
  ip6,            // 16 bytes
  prefix_length,  // 1 byte, at most 128
  port,           // 2 bytes, big-endian
  onion,          // 10 bytes of a host, a port that is not 0
  onion3,         // 35 bytes of a host, a port that is not 0
  // The following have their length in front of them, a varint, and are not empty.
  text,       // as it is written: no control characters, no '/'
  path,       // a path of the file system: begins with '/', does not end with one; nothing follows it
  http_path,  // any bytes; percent-encoded in text
  peer_id,    // a multihash; base58btc in text, a CID in base32, base36 or base58btc is read too
  certhash,   // a multihash; base64url with its multibase prefix in text, other bases are read too
  garlic32,   // 32, 35 or more bytes; base32 in text
  garlic64,   // 386 or more bytes; base64 with '-' and '~' in text
};

enum class Protocol : std::uint32_t {
  ip4 = 4,
  tcp = 6,
  dccp = 33,
  ip6 = 41,
  ip6zone = 42,
  ipcidr = 43,
  dns = 53,
  dns4 = 54,
  dns6 = 55,
  dnsaddr = 56,
  sctp = 132,
  udp = 273,
  p2p_webrtc_star = 275,
  p2p_webrtc_direct = 276,
  p2p_stardust = 277,
  webrtc_direct = 280,
  webrtc = 281,
  p2p_circuit = 290,
  udt = 301,
  utp = 302,
  unix_path = 400,  // "unix", which compilers define as 1
  p2p = 421,        // "ipfs" is its old name
  https = 443,
  onion = 444,
  onion3 = 445,
  garlic64 = 446,
  garlic32 = 447,
  tls = 448,
  sni = 449,
  noise = 454,
  quic = 460,
  quic_v1 = 461,
  webtransport = 465,
  certhash = 466,
  ws = 477,
  wss = 478,
  p2p_websocket_star = 479,
  http = 480,
  http_path = 481,
  memory = 777,
  plaintextv2 = 7367777,
};

struct ProtocolInfo {
  Protocol code;
  std::string_view name;
  Form form;
};

// The row of the table; nullptr if there is none.
[[nodiscard]] const ProtocolInfo* find_protocol(std::string_view name);
[[nodiscard]] const ProtocolInfo* find_protocol(std::uint64_t code);

// The row of a protocol that is one.
[[nodiscard]] const ProtocolInfo& info(Protocol protocol);

}  // namespace swage::libp2p::multiaddr
