#include "core/upstream/connections.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/async/tcp.h"

namespace swage::upstream {
namespace {

async::Task<Result<>> read_all(async::Stream& stream, MutableBytes into) {
  while (!into.empty()) {
    CO_TRY(const std::size_t size, co_await stream.read(into));
    if (size == 0) co_return fail("the connection was closed");
    into = into.subspan(size);
  }
  co_return Result<>();
}

async::Task<Result<std::vector<std::uint8_t>>> exchange(async::Stream& stream, const Asked& asked) {
  std::array<std::uint8_t, 2> length{};
  store_u16(length.data(), static_cast<std::uint16_t>(asked.message().size()));
  const Bytes head(length), question = asked.message();
  CO_TRY(co_await stream.write(head, question));
  CO_TRY(co_await read_all(stream, length));
  std::vector<std::uint8_t> message(load_u16(length.data()));
  CO_TRY(co_await read_all(stream, message));
  if (asked.judge(message) == Verdict::foreign) co_return fail("answers what was not asked");
  co_return message;
}

}  // namespace

async::Task<Result<std::vector<std::uint8_t>>> Connections::ask(const Asked& asked) {
  const async::Semaphore::Permit permit = co_await room_.acquire();
  while (true) {
    Connection connection = take_idle();
    const bool reused = connection.stream != nullptr;
    if (!reused) {
      CO_TRY(connection.stream, co_await open());
      connection.born = loop_.now();
    }
    ++(reused ? hits_ : misses_);
    Result<std::vector<std::uint8_t>> answer = co_await exchange(*connection.stream, asked);
    if (answer) keep(std::move(connection));
    if (answer) co_return std::move(answer);
    if (!reused) co_return fail("{}: {}", way_.to.to_string(), answer.error().text());
  }
}

async::Task<Result<Connections::StreamOwner>> Connections::open() {
  auto tcp = std::make_unique<async::TcpStream>(loop_);
  const Result<> connected = co_await tcp->connect(way_.to, way_.from);
  if (!connected) co_return fail("{}: {}", way_.to.to_string(), connected.error().text());
  if (!way_.tls) co_return StreamOwner(std::move(tcp));
  auto tls =
      std::make_unique<async::TlsStream>(loop_, std::move(tcp), *way_.tls, async::TlsSide::client, way_.server_name);
  const Result<> shaken = co_await tls->handshake();
  if (!shaken) co_return fail("{}: {}", way_.to.to_string(), shaken.error().text());
  co_return StreamOwner(std::move(tls));
}

Connections::Connection Connections::take_idle() {
  sweep();
  if (idle_.empty()) return {};
  Connection connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void Connections::keep(Connection connection) {
  if (way_.expire.count() == 0) return;
  connection.idle_since = loop_.now();
  idle_.push_back(std::move(connection));
  if (idle_.size() == 1) sweep_.start(way_.expire);
}

void Connections::sweep() {
  const std::int64_t now = loop_.now(), expire = std::chrono::nanoseconds(way_.expire).count(),
                     max_age = std::chrono::nanoseconds(way_.max_age).count();
  std::erase_if(idle_, [&](const Connection& each) {
    return each.idle_since + expire <= now || (max_age != 0 && each.born + max_age <= now);
  });
  if (!idle_.empty()) sweep_.start(way_.expire);
}

}  // namespace swage::upstream
