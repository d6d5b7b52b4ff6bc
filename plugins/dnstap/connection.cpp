#include "plugins/dnstap/connection.h"

#include <array>
#include <chrono>
#include <vector>

#include "core/async/resolver.h"
#include "core/async/tcp.h"
#include "core/async/tls.h"
#include "core/async/unix_stream.h"

namespace swage::plugins::dnstap {
namespace {

using namespace std::chrono_literals;
using StreamOwner = std::unique_ptr<async::Stream>;

constexpr auto kConnecting = 5s;  // for the connection, and for all that is said before the first frame, each
constexpr auto kWriting = 10s;    // for what write() is given
constexpr auto kFinishing = 1s;

async::Task<Result<std::vector<IpAddress>>> addresses(async::Loop& loop, std::string host) {
  const Result<IpAddress> address = IpAddress::parse(host);
  if (address) co_return std::vector<IpAddress>(1, *address);
  async::Resolver resolver(loop);
  CO_TRY(std::vector<IpAddress> found, co_await resolver.resolve(std::move(host), async::Resolver::Family::any));
  co_return found;
}

async::Task<Result<std::unique_ptr<async::TcpStream>>> connect_tcp(async::Loop& loop, std::string host,
                                                                   std::uint16_t port) {
  CO_TRY(const std::vector<IpAddress> found, co_await addresses(loop, std::move(host)));
  Error last("it has no address");
  for (const IpAddress& address : found) {
    auto tcp = std::make_unique<async::TcpStream>(loop);
    async::TcpStream* const connecting = tcp.get();
    async::Timer deadline(loop, [connecting] { connecting->close(); });
    deadline.start(kConnecting);
    const Endpoint to{address, port, 0};
    const Result<> connected = co_await tcp->connect(to);
    if (connected) co_return std::move(tcp);
    last = connected.error();
  }
  co_return std::unexpected(last);
}

async::Task<Result<StreamOwner>> connect(async::Loop& loop, Target target, bool verifies) {
  if (target.kind == Target::Kind::unix_socket) {
    CO_TRY(auto stream, async::UnixStream::connect(loop, target.path));
    co_return StreamOwner(std::move(stream));
  }
  CO_TRY(auto tcp, co_await connect_tcp(loop, target.host, target.port));
  if (target.kind == Target::Kind::tcp) co_return StreamOwner(std::move(tcp));
  const std::vector<std::string> no_protocols;
  CO_TRY(const async::TlsContext context,
         verifies ? async::TlsContext::client({}, no_protocols) : async::TlsContext::unverified_client(no_protocols));
  auto tls = std::make_unique<async::TlsStream>(loop, std::move(tcp), context, async::TlsSide::client, target.host);
  async::TlsStream* const shaking = tls.get();
  async::Timer deadline(loop, [shaking] { shaking->close(); });
  deadline.start(kConnecting);
  CO_TRY(co_await tls->handshake());
  co_return StreamOwner(std::move(tls));
}

}  // namespace

async::Task<Result<std::shared_ptr<Connection>>> Connection::open(async::Loop& loop, Target target, bool verifies) {
  CO_TRY(StreamOwner stream, co_await connect(loop, std::move(target), verifies));
  auto connection = std::make_shared<Connection>(loop, std::move(stream));
  Result<> begun = co_await connection->begin();
  if (!begun) {
    connection->close();
    co_return std::unexpected(std::move(begun).error());
  }
  loop.spawn(listen(connection));
  co_return connection;
}

async::Task<Result<>> Connection::begin() {
  bool late = false;
  async::Timer deadline(loop_, [this, &late] {
    late = true;
    stream_->close();
  });
  deadline.start(kConnecting);
  Result<> begun = co_await shake_hands();
  if (late) co_return fail("it does not accept");
  co_return begun;
}

async::Task<Result<>> Connection::shake_hands() {
  const std::string ready = control_frame(tap::Control::ready), start = control_frame(tap::Control::start);
  const Bytes ready_bytes = as_bytes(ready), start_bytes = as_bytes(start);
  CO_TRY(co_await stream_->write(ready_bytes));
  std::array<std::uint8_t, 512> said{};
  while (true) {
    CO_TRY(const std::size_t size, co_await stream_->read(said));
    if (size == 0) co_return fail("it closes the connection before it accepts");
    control_.feed(Bytes(said).first(size));
    CO_TRY(const std::optional<tap::Control> frame, control_.next());
    if (!frame) continue;
    if (*frame != tap::Control::accept) co_return fail("it does not begin with ACCEPT");
    break;
  }
  CO_TRY(co_await stream_->write(start_bytes));
  co_return Result<>();
}

// All that may come is FINISH. The end of the other side is the end of this one: a consumer does not half close.
async::Task<> Connection::listen(std::shared_ptr<Connection> self) {
  std::array<std::uint8_t, 512> said{};
  while (true) {
    const Result<std::size_t> size = co_await self->stream_->read(said);
    if (!size || *size == 0) break;
    self->control_.feed(Bytes(said).first(*size));
    const Result<std::optional<tap::Control>> frame = self->control_.next();
    if (!frame || *frame) break;
  }
  self->ended_.set();
  self->stream_->close();
}

async::Task<Result<>> Connection::write(Bytes frames) {
  bool late = false;
  async::Timer deadline(loop_, [this, &late] {
    late = true;
    stream_->close();
  });
  deadline.start(kWriting);
  Result<> written = co_await stream_->write(frames);
  if (late) co_return fail("it takes nothing any more");
  co_return written;
}

async::Task<> Connection::finish() {
  const std::string stop = control_frame(tap::Control::stop);
  const Bytes stop_bytes = as_bytes(stop);
  const Result<> said = co_await write(stop_bytes);
  if (said) static_cast<void>(co_await async::wait_for(ended_, kFinishing));
  close();
}

}  // namespace swage::plugins::dnstap
