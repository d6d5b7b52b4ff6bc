// TCP: TcpStream, a connection; TcpListener, which accepts them.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "core/async/loop.h"
#include "core/async/stream.h"
#include "core/async/task.h"
#include "core/bytes.h"
#include "core/net.h"
#include "core/result.h"

namespace swage::async {

// A connection, with TCP_NODELAY. Closing or destroying it resumes its waiters with an Error, from the loop: a
// coroutine may close or destroy the stream on which another one, or its own caller, waits. A coroutine that is
// destroyed in the middle of a write closes the stream, as nobody knows how much was written.
class TcpStream : public Stream {
 public:
  // Not connected yet: `TcpStream stream(loop); CO_TRY(co_await stream.connect(to));` with a Timer to close it.
  explicit TcpStream(Loop& loop);
  ~TcpStream() override;
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;
  // A connected socket. Takes over `fd`, also where it fails.
  [[nodiscard]] static Result<std::unique_ptr<TcpStream>> adopt(Loop& loop, int fd);

  // REQUIRES: not connected; called once.
  // `from`: our address; none: as the system finds.
  [[nodiscard]] Task<Result<>> connect(Endpoint to, std::optional<IpAddress> from = {});
  // After the end, reads give 0 again. Nothing is read ahead: without a reader the other side has to wait.
  [[nodiscard]] Task<Result<std::size_t>> read(MutableBytes into) override;
  // Tells the other side that no more will be written. REQUIRES: connected, not closed; no write waits.
  void end_writing();
  void close() override;
  // Once closed, the kernel tells the other side at once, forgets what was not sent yet, and keeps no TIME_WAIT: for
  // one that dials many and is not the last to speak.
  void reset_when_closed();

  // REQUIRES: adopted, or connected. Still known when closed.
  [[nodiscard]] const Endpoint& peer() const { return peer_; }
  // REQUIRES: adopted, or connected; not closed.
  [[nodiscard]] Endpoint local() const;

 private:
  struct State;
  struct Operation;
  [[nodiscard]] Task<Result<>> write_parts(Parts parts) override;

  State* state_;  // nullptr when closed; deletes itself when libuv has let go of it
  Endpoint peer_;
};

// Hands each new connection to a function. Where descriptors or memory run out it lets clients wait, and tries again
// after 100 ms.
class TcpListener {
 public:
  using Accepted = std::function<void(std::unique_ptr<TcpStream>)>;

  // Accepts from a listening socket; takes over `fd`. `accepted` may close, pause or destroy the listener.
  TcpListener(Loop& loop, int fd, Accepted accepted);
  // Makes the socket too. Port 0: any; see local(). An IPv6 address listens for IPv6 only.
  [[nodiscard]] static Result<std::unique_ptr<TcpListener>> listen(Loop& loop, const Endpoint& at, Accepted accepted);
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  // Between these, clients wait in the socket's backlog.
  void pause();
  void resume();
  // For good. Accepted connections are not touched.
  void close();

  // REQUIRES: not closed.
  [[nodiscard]] Endpoint local() const;

 private:
  void accept_some(const Accepted& accepted);
  [[nodiscard]] bool accept_one(const Accepted& accepted);

  Loop& loop_;
  int fd_;
  std::optional<Poll> poll_;  // empty when closed. Owns the Accepted, which may destroy this and so must outlive it
  Timer retry_;
  bool starved_ = false;                                            // said in the log already
  std::shared_ptr<bool> accepting_ = std::make_shared<bool>(true);  // for accept_some(), which this may not outlive
};

}  // namespace swage::async
