// The line between the supervisor and one child: a SEQPACKET socket pair that carries small messages, some with a file
// descriptor. Neither side ever waits for the other: what does not fit is kept and sent later.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "core/descriptor.h"
#include "core/result.h"

namespace swage::server {

struct Message {
  enum class Kind : char {
    // From the supervisor, in this order:
    corefile = 'c',  // text: its path; descriptor: memory with the recorded Sources
    socket = 's',    // text: "udp" or "tcp", a space, the endpoint; descriptor: the bound socket. To the service:
                     // before `start`
    snapshot =
        'n',  // text: its name; descriptor: the sealed memory. Also later, whenever there is a newer one. And from
              // the service to the supervisor: a publication
    shared =
        'm',  // text: its name; descriptor: memory that lasts. Also later. And from the service to the supervisor: what
              // the memory of this name is from now on; without a descriptor: what it was
    metrics = 'x',  // what is counted: see scraper.h. To a dns process: only its own memory
    set_up = 'u',   // all that was inherited is there: set up, and say ready or failed. Text: "again" to a process that
                    // replaces one of the configuration in force
    start = 'g',    // to the service: the configuration is in force, run
    drain = 'd',    // finish what was begun, then exit; text: within how many milliseconds. May come again, with fewer
    pulse = 'p',    // descriptor: the page of its Pulse
    ending = 'e',   // to the service: the server is told to end, and serves on for as long as `lameduck` said
    // From the service, before it is ready:
    declare = 'a',         // text: the kind of a memory ('n', 'm' or 'k') and its name. Others are not taken
    listen = 'l',          // text: an endpoint that the configuration wants sockets for
    listen_service = 't',  // text: an endpoint where the service itself wants a TCP socket
    service_memory = 'k',  // as `shared`, for service processes alone
    lameduck = 'w',        // text: for how many milliseconds to serve on when told to end
    stays_root = 'o',      // it could become nobody else
    serves = 'z',          // text: a line for the operator about what is served
    settled = 'i',         // only later: it runs, and has sent the memory that takes the place of what was before
    reload = 'h',          // and later alone: read the Corefile again
    // From any child, once:
    ready = 'r',
    failed = 'f',  // text: why; the child exits
  };
  Kind kind;
  std::string text;  // at most kMostText bytes
  Descriptor descriptor;

  static constexpr std::size_t kMostText = 64 << 10;
};

class Channel {
 public:
  explicit Channel(Descriptor socket) : socket_(std::move(socket)) {}

  // Two connected ends, non-blocking, closed on exec.
  [[nodiscard]] static Result<std::pair<Channel, Channel>> pair();

  // Sends, or keeps the message for flush(). A peer that is gone is noticed by receive().
  void send(Message message);
  // The same for a message that makes earlier ones of its kind and text worthless: those that still wait are left out.
  // So however slow the other end is, no more waits for it than there are texts.
  void send_newest(Message message);
  // Sends what was kept, as far as it goes. For when the socket is writable, and unsent() says that something is
  // waiting.
  void flush();
  // Waits, up to 5 s, until all is sent. For the last words of a child.
  void flush_patiently();
  [[nodiscard]] bool unsent() const { return !waiting_.empty(); }

  // The next message; nullopt when there is none now. An Error when the other end is gone, or a message has
  // lost its descriptor because too many are open here: then this process is of no use any more.
  [[nodiscard]] Result<std::optional<Message>> receive();

  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  [[nodiscard]] bool try_send(const Message& message);

  Descriptor socket_;
  std::deque<Message> waiting_;
  std::string incoming_;
};

}  // namespace swage::server
