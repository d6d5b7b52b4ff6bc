// The line between the supervisor and one child: a SEQPACKET socket pair that carries small messages (messages.h), some
// with a descriptor. Neither side ever waits for the other: what does not fit is kept and sent later.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "core/descriptor.h"
#include "core/result.h"
#include "core/server/message_codec.h"

namespace swage::server {

class Channel {
 public:
  explicit Channel(Descriptor socket) : socket_(std::move(socket)) {}

  // Two connected ends, non-blocking, closed on exec.
  [[nodiscard]] static Result<std::pair<Channel, Channel>> pair();

  // Sends, or keeps the message for flush(). A peer that is gone is noticed by receive().
  template <typename Message>
  void send(Message message) {
    send_packet(encode(std::move(message)));
  }
  // The same for a message that makes earlier ones worthless which differ in nothing but the descriptor: those that
  // still wait are left out. So however slow the other end is, a bounded number of them waits for it.
  template <typename Message>
  void send_newest(Message message) {
    send_newest_packet(encode(std::move(message)));
  }
  // Sends what was kept, as far as it goes. For when the socket is writable, and unsent() says that something is
  // waiting.
  void flush();
  // Waits, up to 5 s, until all is sent. For the last words of a child.
  void flush_patiently();
  [[nodiscard]] bool unsent() const { return !waiting_.empty(); }

  // Hands what has arrived to `take`, packet by packet, until nothing is left or `take` returns false. An Error when
  // the other end is gone, or a message has lost its descriptor because too many are open here: then this process is of
  // no use any more.
  [[nodiscard]] Result<> receive(const std::function<bool(Packet)>& take);

  [[nodiscard]] const Descriptor& socket() const { return socket_; }

 private:
  void send_packet(Packet packet);
  void send_newest_packet(Packet packet);
  [[nodiscard]] bool try_send(const Packet& packet);
  [[nodiscard]] Result<std::optional<Packet>> receive_packet();

  Descriptor socket_;
  std::deque<Packet> waiting_;
  std::string incoming_;
};

}  // namespace swage::server
