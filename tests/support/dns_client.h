// A client for tests: bytes to a nameserver and bytes back, over UDP or TCP, with time-outs. It knows nothing of DNS
// but the two bytes of length that frame a message in TCP (RFC 1035 section 4.2.2); see dns_message.h for what is
// inside.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/net.h"
#include "tests/support/process.h"

namespace swage::tests {

using Packet = std::vector<std::uint8_t>;

inline constexpr Milliseconds kPatience{5000};  // for an answer that must come, on a busy machine

// A connected UDP socket: it sees only what the server sent from the address that was asked.
class UdpClient {
 public:
  explicit UdpClient(const Endpoint& server);  // ends the process where there is no such address family
  ~UdpClient();
  UdpClient(const UdpClient&) = delete;
  UdpClient& operator=(const UdpClient&) = delete;

  void send(Bytes packet) const;
  // The next datagram; nothing if none came in time or the port is closed.
  [[nodiscard]] std::optional<Packet> receive(Milliseconds deadline = kPatience) const;
  [[nodiscard]] int descriptor() const { return socket_; }

 private:
  int socket_;
};

class TcpClient {
 public:
  explicit TcpClient(const Endpoint& server);  // connected() says whether that worked
  ~TcpClient();
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] int descriptor() const { return socket_; }
  // Sends bytes as they are, each call in a segment of its own. False if the server has closed.
  [[nodiscard]] bool send_raw(Bytes bytes) const;
  [[nodiscard]] bool send(Bytes packet) const;  // with its length before it
  void finish() const;                          // no more from us (FIN); answers may still come
  // The next message, without its length; nothing if it did not come in time or the server closed before its end.
  [[nodiscard]] std::optional<Packet> receive(Milliseconds deadline = kPatience);
  // True if the server closes, or resets, before `deadline`.
  [[nodiscard]] bool closed_within(Milliseconds deadline);

 private:
  [[nodiscard]] bool fill(Milliseconds deadline);  // reads more into buffer_

  int socket_;
  bool connected_ = false;
  bool ended_ = false;
  Packet buffer_;
};

[[nodiscard]] Packet framed(Bytes packet);  // with its two bytes of length

// One query and its answer.
[[nodiscard]] std::optional<Packet> ask_udp(const Endpoint& server, Bytes query, Milliseconds deadline = kPatience);
[[nodiscard]] std::optional<Packet> ask_tcp(const Endpoint& server, Bytes query, Milliseconds deadline = kPatience);

}  // namespace swage::tests
