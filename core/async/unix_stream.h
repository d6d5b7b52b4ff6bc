// UnixStream: a connection to a Unix socket, by its path; or one that came to a Unix socket.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/async/event.h"
#include "core/async/loop.h"
#include "core/async/socket_watch.h"
#include "core/async/stream.h"
#include "core/descriptor.h"

namespace swage::async {

// As TcpStream, but that it must not be destroyed while somebody waits: close() it, and they end with an Error.
class UnixStream : public Stream {
 public:
  // Connects at once, or fails at once: nothing listens there, it may not be written, too many wait to be accepted.
  [[nodiscard]] static Result<std::unique_ptr<UnixStream>> connect(Loop& loop, const std::string& path);
  // A connection that was accepted.
  [[nodiscard]] static std::unique_ptr<UnixStream> adopt(Loop& loop, Descriptor socket) {
    return std::unique_ptr<UnixStream>(new UnixStream(loop, std::move(socket)));
  }
  [[nodiscard]] Task<Result<std::size_t>> read(MutableBytes into) override;
  void close() override;

 private:
  UnixStream(Loop& loop, Descriptor socket);
  [[nodiscard]] Task<Result<>> write_parts(Parts parts) override;
  void want();

  Descriptor socket_;  // none: closed
  std::optional<SocketWatch> watch_;
  Event readable_, writable_;
  bool reads_ = false, writes_ = false;  // somebody waits
};

}  // namespace swage::async
