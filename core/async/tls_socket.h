// TlsSocket: the server's side of TLS on a non-blocking socket, without coroutines: for who serves thousands of
// connections in turns (core/server/tcp_session). No call waits: each does what the kernel has bytes, or room, for, and
// says what it lacks. In dns processes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/async/tls.h"
#include "core/bytes.h"

namespace swage::async {

class TlsSocket {
 public:
  enum class Step : std::uint8_t {
    done,
    wants_bytes,  // go on when there is something to read
    wants_room,   // go on when the kernel has room for what is written
    ended,        // the other side says nothing more
    failed,       // for good: close the socket
  };

  // `socket` stays the caller's, and open for as long as this exists. `first`: bytes that were read from it already.
  TlsSocket(const TlsContext& context, int socket, Bytes first = {});
  ~TlsSocket();
  TlsSocket(const TlsSocket&) = delete;
  TlsSocket& operator=(const TlsSocket&) = delete;

  // To be called until it is done, or failed, before anything else.
  [[nodiscard]] Step handshake();
  // Reads at most `into`, and at most kRecords records; `size`: how many bytes. done: one or more.
  [[nodiscard]] Step read(MutableBytes into, std::size_t& size);
  // True where read() has something without another byte from the kernel.
  [[nodiscard]] bool has_more() const;
  // Writes as much of `from` as the kernel takes; `size`: how many bytes. What is not written must be the start of the
  // next write.
  [[nodiscard]] Step write(Bytes from, std::size_t& size);
  // Says close_notify, if the kernel takes it. REQUIRES: the handshake is done, and nothing waits to be written.
  void say_goodbye();

  // REQUIRES: the handshake is done.
  [[nodiscard]] std::string alpn() const;
  [[nodiscard]] bool resumed() const;

 private:
  static constexpr unsigned kRecords = 16;

  struct State;
  [[nodiscard]] Step step_of(int result) const;

  std::unique_ptr<State> state_;
};

}  // namespace swage::async
