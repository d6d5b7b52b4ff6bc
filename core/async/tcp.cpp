#include "core/async/tcp.h"

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace swage::async {

namespace {

using SocketName = int (*)(int, sockaddr*, socklen_t*);  // getsockname or getpeername

Result<Endpoint> endpoint_of(int fd, SocketName name) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (name(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return fail("{}", std::strerror(errno));
  return Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&address));
}

// What uv_write takes: the pieces that are not empty.
struct Buffers {
  explicit Buffers(const Stream::Parts& parts) {
    for (const Bytes part : parts) {
      if (part.empty()) continue;
      list[count].base = reinterpret_cast<char*>(const_cast<std::uint8_t*>(part.data()));
      list[count++].len = part.size();
    }
  }

  std::array<uv_buf_t, std::tuple_size_v<Stream::Parts>> list;
  unsigned count = 0;
};

void drop_front(Stream::Parts& parts, std::size_t size) {
  for (Bytes& part : parts) {
    const std::size_t dropped = std::min(size, part.size());
    part = part.subspan(dropped);
    size -= dropped;
  }
}

}  // namespace

// Lives until libuv's last callback, which may be after its TcpStream.
struct TcpStream::State {
  explicit State(Loop& on);
  template <typename Uv>
  [[nodiscard]] static State* of(const Uv* uv) {
    return static_cast<State*>(uv->data);
  }
  [[nodiscard]] uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp); }
  [[nodiscard]] int fd() const;
  [[nodiscard]] int start_reading();
  void close();

  Loop& loop;
  uv_tcp_t tcp{};
  uv_write_t write{};
  uv_connect_t connect{};
  Operation* reader = nullptr;
  Operation* writer = nullptr;  // or a connect
  MutableBytes into;            // the reader's buffer
  bool reading = false;         // libuv watches for bytes
  bool ended = false;           // the other side writes no more
  bool resets = false;          // when closed
};

// A read, write or connect that waits, in the frame of its coroutine; known to the State by `slot` until it is done.
struct TcpStream::Operation : Waiter {
  Operation(TcpStream& of, Operation*& in) : stream(of), slot(&in) { in = this; }
  ~Operation() {
    if (slot == nullptr) return;
    const bool writes = slot == &stream.state_->writer;
    *slot = nullptr;
    if (writes) stream.close();
  }

  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) { coroutine = awaiting; }
  [[nodiscard]] ssize_t await_resume() const { return status; }

  // The State and the stream may be gone afterwards.
  static void finish(Operation*& slot, ssize_t status) {
    if (Operation* operation = take(slot, status)) operation->coroutine.resume();
  }
  [[nodiscard]] static Operation* take(Operation*& slot, ssize_t status) {
    Operation* operation = std::exchange(slot, nullptr);
    if (operation == nullptr) return nullptr;  // closed: it knows
    operation->slot = nullptr;
    operation->status = status;
    return operation;
  }

  TcpStream& stream;
  Operation** slot;
  ssize_t status = 0;  // as libuv gives it
};

TcpStream::State::State(Loop& on) : loop(on) {
  CHECK(uv_tcp_init(loop.uv(), &tcp) == 0);
  CHECK(uv_tcp_nodelay(&tcp, 1) == 0);  // for the socket that it will have
  tcp.data = write.data = connect.data = this;
}

int TcpStream::State::fd() const {
  uv_os_fd_t fd = -1;
  uv_fileno(reinterpret_cast<const uv_handle_t*>(&tcp), &fd);
  return fd;
}

int TcpStream::State::start_reading() {
  // Bytes that come when nobody waits for them get no buffer: libuv then says ENOBUFS, and stops being asked. So a
  // reader that comes back soon costs no system call but its read.
  const auto give_buffer = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    const State* state = State::of(handle);
    *buffer = uv_buf_init(nullptr, 0);
    if (state->reader == nullptr) return;
    buffer->base = reinterpret_cast<char*>(state->into.data());
    buffer->len = state->into.size();
  };
  const auto got = [](uv_stream_t* uv, ssize_t size, const uv_buf_t*) {
    State* state = State::of(uv);
    if (size == 0) return;  // nothing there after all
    if (size < 0) {
      uv_read_stop(uv);
      state->reading = false;
    }
    if (size == UV_EOF) {
      state->ended = true;
      size = 0;
    }
    Operation::finish(state->reader, size);
  };
  if (reading) return 0;
  const int status = uv_read_start(stream(), give_buffer, got);
  reading = status == 0;
  return status;
}

void TcpStream::State::close() {
  for (Operation** slot : {&reader, &writer}) {
    if (Operation* operation = Operation::take(*slot, UV_ECANCELED)) loop.wake(*operation);
  }
  const auto closed = [](uv_handle_t* handle) { delete State::of(handle); };
  if (!resets || uv_tcp_close_reset(&tcp, closed) != 0) uv_close(reinterpret_cast<uv_handle_t*>(&tcp), closed);
}

TcpStream::TcpStream(Loop& loop) : state_(new State(loop)) {}

TcpStream::~TcpStream() { close(); }

void TcpStream::close() {
  if (State* state = std::exchange(state_, nullptr)) state->close();
}

Result<std::unique_ptr<TcpStream>> TcpStream::adopt(Loop& loop, int fd) {
  auto stream = std::make_unique<TcpStream>(loop);
  if (const int status = uv_tcp_open(&stream->state_->tcp, fd); status != 0) {
    ::close(fd);
    return fail("{}", uv_strerror(status));
  }
  TRY(stream->peer_, endpoint_of(fd, getpeername));
  return stream;
}

Endpoint TcpStream::local() const {
  CHECK(state_ != nullptr);
  const auto endpoint = endpoint_of(state_->fd(), getsockname);
  CHECK(endpoint);
  return *endpoint;
}

Task<Result<>> TcpStream::connect(Endpoint to, std::optional<IpAddress> from) {
  if (state_ == nullptr) co_return fail("connect to {}: closed", to.to_string());
  CHECK(state_->writer == nullptr);
  sockaddr_storage address;
  if (from) {
    Endpoint{.address = *from}.to_sockaddr(address);
    const int bound = uv_tcp_bind(&state_->tcp, reinterpret_cast<const sockaddr*>(&address), 0);
    if (bound != 0) co_return fail("connect from {}: {}", from->to_string(), uv_strerror(bound));
  }
  to.to_sockaddr(address);
  const auto connected = [](uv_connect_t* uv, int status) { Operation::finish(State::of(uv)->writer, status); };
  ssize_t status =
      uv_tcp_connect(&state_->connect, &state_->tcp, reinterpret_cast<const sockaddr*>(&address), connected);
  if (status == 0) {
    Operation operation(*this, state_->writer);
    status = co_await operation;
  }
  if (status != 0) co_return fail("connect to {}: {}", to.to_string(), uv_strerror(static_cast<int>(status)));
  peer_ = to;
  co_return {};
}

Task<Result<std::size_t>> TcpStream::read(MutableBytes into) {
  CHECK(!into.empty());
  if (state_ == nullptr) co_return fail("read: closed");
  CHECK(state_->reader == nullptr);
  if (state_->ended) co_return 0U;
  state_->into = into;
  ssize_t size = state_->start_reading();
  if (size == 0) {
    Operation operation(*this, state_->reader);
    size = co_await operation;
  }
  if (size < 0) co_return fail("read: {}", uv_strerror(static_cast<int>(size)));
  co_return static_cast<std::size_t>(size);
}

Task<Result<>> TcpStream::write_parts(Parts parts) {
  if (state_ == nullptr) co_return fail("write: closed");
  CHECK(state_->writer == nullptr);
  const Buffers all(parts);
  if (all.count == 0) co_return {};
  const int written = uv_try_write(state_->stream(), all.list.data(), all.count);
  if (written < 0 && written != UV_EAGAIN) co_return fail("write: {}", uv_strerror(written));
  if (written > 0) drop_front(parts, static_cast<std::size_t>(written));
  const Buffers rest(parts);
  if (rest.count == 0) co_return {};
  const auto done = [](uv_write_t* uv, int status) { Operation::finish(State::of(uv)->writer, status); };
  ssize_t status = uv_write(&state_->write, state_->stream(), rest.list.data(), rest.count, done);
  if (status == 0) {
    Operation operation(*this, state_->writer);
    status = co_await operation;
  }
  if (status != 0) co_return fail("write: {}", uv_strerror(static_cast<int>(status)));
  co_return {};
}

void TcpStream::reset_when_closed() {
  if (state_ != nullptr) state_->resets = true;
}

void TcpStream::end_writing() {
  CHECK(state_ != nullptr && state_->writer == nullptr);
  ::shutdown(state_->fd(), SHUT_WR);
}

}  // namespace swage::async
