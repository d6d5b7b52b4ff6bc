// One TCP connection of a client (RFC 7766): pipelined requests, answered in order, but for those whose answer has to
// be fetched (park.h): these are answered when it is there. In dns processes.
//
//     wait for bytes ── serve(): read a buffer, answer what is whole, write ──▶ wait for bytes
//                                  │ the client does not take it, or there is more to answer
//                                  ▼
//                            wait for room ── serve(): write the rest, answer more ──▶
//
// Where the listener is one of tls:// or https://, a handshake comes first, a step of it a turn (async::TlsSocket);
// what is read and written is encrypted from then on.
//
// Of https:// what is read goes through a codec of HTTP (http::Inbound), and so does what is written: it has what is
// not answered, and what is to be written, in place of in_.
//
// A response that others follow (dns::Stream: a zone transfer) has a turn for each message, which is made when the
// kernel has room for it; requests that come meanwhile wait until it has ended.
//
// So a turn costs at most a buffer of requests and about a buffer of responses. A client that does not read has one
// buffer of responses here, and what the kernel's buffers hold (sockets.cpp); it is not read from until it reads. A
// connection that is idle holds nothing but itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "core/async/loop.h"
#include "core/async/tls_socket.h"
#include "core/descriptor.h"
#include "core/http/inbound.h"
#include "core/server/park.h"
#include "core/server/responder.h"
#include "core/server/tcp_clients.h"

namespace swage::server {

class TcpServer;
class TcpTurns;

class TcpSession final : public TcpClients::Connection, public Origin {
 public:
  static constexpr std::size_t kMostParked = 256;  // queries that wait for something to be fetched

  using Place = std::list<TcpSession>::iterator;
  enum class Waits : std::uint8_t {
    for_bytes,
    for_a_turn,  // there is more to answer
    for_room,    // the kernel does not take what is written
    for_nothing  // no more is read, and what was read waits for something to be fetched
  };

  // `socket`: non-blocking, of `client`. The server outlives it.
  TcpSession(TcpServer& server, TcpTurns& turns, Descriptor socket, const Endpoint& client, const Endpoint& local);
  TcpSession(const TcpSession&) = delete;
  TcpSession& operator=(const TcpSession&) = delete;

  // `self`: where its server has it. The session may be closed, and gone, afterwards; so with all of these.
  void start(Place self);
  // A turn: what it waited for is there.
  void serve();
  // What was written arrives, what was not does not.
  void close();
  void evict() override { cut_off(); }
  void answer_later(const Arrival& arrival, Bytes response) override;
  void flush_later() override;
  // From now on; closed where nothing is asked until then.
  void close_after(std::chrono::milliseconds time);

  [[nodiscard]] int fd() const { return socket_.get(); }  // negative: closed

 private:
  friend TcpTurns;
  using Step = async::TlsSocket::Step;

  void shake_hands();
  // False where the connection was closed, or something is missing yet.
  [[nodiscard]] bool begin_tls();
  void begin_to_linger();
  void read_on();
  void begin_http();
  void serve_http();
  // True where something was answered.
  [[nodiscard]] bool answer_http();
  // Writes what HTTP has to say, a buffer of it. False where the connection is broken.
  [[nodiscard]] bool write_http();
  [[nodiscard]] Step read(std::size_t& size);
  // How much of `bytes` the kernel takes now; nothing where the connection is broken.
  [[nodiscard]] std::optional<std::size_t> send(Bytes bytes);
  [[nodiscard]] bool has_more() const { return tls_ != nullptr && tls_->has_more(); }
  void wait_for(Waits waits);

  // False where the connection was closed.
  [[nodiscard]] bool receive(Bytes& requests);
  // Takes a header of the PROXY protocol off what the connection begins with, once it is there: awaits_header_ says
  // whether it is. False where the client is not to be served.
  [[nodiscard]] bool take_header(Bytes& requests);
  // What the kernel does not take is kept. False where the connection is broken.
  [[nodiscard]] bool write(Bytes responses);
  [[nodiscard]] bool write_rest();
  // Answers whole requests, into the buffer for responses; returns the bytes of those that were answered.
  [[nodiscard]] std::size_t answer(Bytes requests, std::size_t& size);
  void send_following();
  void end_following();
  void keep(Bytes requests);
  void settle(bool answered);
  void set_deadline(std::int64_t from, std::chrono::milliseconds time);
  void time_passed();
  void cut_off();

  TcpServer& server_;
  TcpTurns& turns_;
  Descriptor socket_;
  std::unique_ptr<async::TlsSocket> tls_;  // nullptr: there is no TLS, or not yet
  bool secured_;                           // the handshake is done, or there is none
  std::unique_ptr<http::Inbound> http_;    // nullptr: messages come after their length
  Place self_;
  Arrival arrival_;
  Waits waits_ = Waits::for_bytes;
  std::vector<std::uint8_t> in_;        // what was read and not answered
  std::vector<std::uint8_t> out_;       // what the kernel did not take
  std::optional<Following> following_;  // messages that are to be sent before anything else
  bool awaits_header_;                  // of the PROXY protocol, or to know that there is none
  bool more_ = false;                   // of whole requests, in in_
  bool lingers_ = false;                // all is said
  bool blocked_ = false;                // TLS has to write before it can read
  bool ends_ = false;                   // when all is written
  bool begun_ = false;                  // a part of a request is there
  bool answered_ = false;               // something, since all was written
  std::uint32_t requests_ = 0;          // that were answered

  std::size_t held_ = 0;  // TcpTurns::hold()
  std::list<TcpSession*>::iterator holder_;

  std::int64_t deadline_ = 0;  // nanoseconds, steady clock
  std::int64_t timer_passes_ = std::numeric_limits<std::int64_t>::max();
  async::Timer timer_;  // passes at the deadline, or before it and is started again: to move the deadline costs nothing
};

}  // namespace swage::server
