#include "core/control/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <vector>

#include "core/async/unix_stream.h"
#include "core/control/answers.h"

namespace swage::control {

using namespace std::chrono_literals;

// What connections share, which may outlive the Server.
struct Server::State {
  async::Loop& loop;
  Backend& backend;
  std::size_t connections = 0;

  static async::Task<> serve(std::shared_ptr<State> state, std::unique_ptr<async::UnixStream> stream);
};

namespace {

constexpr auto kPatience = 5s;  // for the whole request, and for each part of an answer
constexpr auto kStarved = 100ms;
constexpr std::size_t kPart = 64 << 10;  // bytes of an answer that are written at a time

bool may_ask(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

Error too_long() { return Error(formatted("the request has more than {} bytes", Server::kMaxRequest)); }

// A line, without its end. nullopt: there is none, or nobody waits for an answer.
async::Task<Result<std::optional<std::string>>> read_request(async::Loop& loop, async::UnixStream& stream) {
  async::Timer deadline(loop, [&stream] { stream.close(); });
  deadline.start(kPatience);
  std::string line;
  std::array<std::uint8_t, 1024> bytes{};
  while (line.find('\n') == std::string::npos) {
    if (line.size() > Server::kMaxRequest) co_return std::unexpected(too_long());
    const Result<std::size_t> size = co_await stream.read(bytes);
    if (!size || (*size == 0 && line.empty())) co_return std::nullopt;
    if (*size == 0) break;
    line.append(reinterpret_cast<const char*>(bytes.data()), *size);
  }
  line.resize(std::min(line.find('\n'), line.size()));
  if (line.size() > Server::kMaxRequest) co_return std::unexpected(too_long());
  co_return line;
}

async::Task<Result<>> write(async::Loop& loop, async::UnixStream& stream, const std::string& text) {
  async::Timer deadline(loop, [&stream] { stream.close(); });
  deadline.start(kPatience);
  const Bytes bytes = as_bytes(text);
  co_return co_await stream.write(bytes);
}

// In parts: a client that reads slowly has time for each.
async::Task<> write_lines(async::Loop& loop, async::UnixStream& stream, std::vector<std::string> lines) {
  std::string part;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    part += lines[i];
    part += '\n';
    if (part.size() < kPart && i + 1 < lines.size()) continue;
    const Result<> written = co_await write(loop, stream, part);
    if (!written) co_return;
    part.clear();
  }
}

}  // namespace

async::Task<> Server::State::serve(std::shared_ptr<State> state, std::unique_ptr<async::UnixStream> stream) {
  Result<std::optional<std::string>> request = co_await read_request(state->loop, *stream);
  std::vector<std::string> lines;
  if (!request) {
    lines.push_back(error_line(request.error()));
  } else if (*request) {
    std::string line = **std::move(request);
    lines = co_await answer(state->backend, std::move(line));
  }
  co_await write_lines(state->loop, *stream, std::move(lines));
  stream->close();
  --state->connections;
}

Server::Server(async::Loop& loop, Descriptor socket, Backend& backend)
    : state_(new State{loop, backend}),
      socket_(std::move(socket)),
      poll_(loop, socket_.get(), [this] { accept_some(); }),
      retry_(loop, [this] { poll_.start(); }) {}

Server::~Server() = default;

void Server::accept_some() {
  while (true) {
    Descriptor accepted(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!accepted.exists()) {
      if (errno == EAGAIN) return;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      poll_.stop();  // descriptors have run out: who has connected waits
      retry_.start(kStarved);
      return;
    }
    const char* const refusal = !may_ask(accepted.get())                 ? "only root and the server's user may ask"
                                : state_->connections >= kMaxConnections ? "too many ask at the same time"
                                                                         : nullptr;
    if (refusal != nullptr) {
      const std::string line = error_line(Error(refusal)) + "\n";
      static_cast<void>(send(accepted.get(), line.data(), line.size(), MSG_NOSIGNAL));
      continue;
    }
    ++state_->connections;
    state_->loop.spawn(State::serve(state_, async::UnixStream::adopt(state_->loop, std::move(accepted))));
  }
}

}  // namespace swage::control
