#include "core/dial/services.h"

#include <array>
#include <vector>

#include "core/async/tasks.h"
#include "core/dial/select.h"

namespace swage::dial {
namespace {

namespace identify = libp2p::identify;
using async::Task;

// https://github.com/libp2p/specs/blob/master/ping/ping.md: 32 bytes come back, as often as they come. Whether there
// may be more.
Task<bool> answer_one_ping(PushbackStream& stream) {
  std::array<std::uint8_t, 32> bytes;
  for (std::size_t size = 0; size < bytes.size();) {
    const auto more = co_await stream.read(MutableBytes(bytes).subspan(size));
    if (!more || *more == 0) co_return false;
    size += *more;
  }
  const Result<> written = co_await stream.write(bytes);
  co_return written.has_value();
}

// js-libp2p loses the message where the stream has ended before it has taken note of the protocol; others read until
// the end. So where the connection is about to end, too, the end comes a little later, or when they have ended their
// side. Elsewhere not: to js-libp2p one such stream is as many as there may be, and it asks again when its user does.
constexpr std::chrono::milliseconds kUntilEnd{100};

Task<Result<>> tell(PushbackStream& stream, const identify::Message& message) {
  std::vector<std::uint8_t> bytes;
  identify::append_delimited(bytes, message);
  co_return co_await stream.write(bytes);
}

Task<bool> read_to_end(PushbackStream& stream) {
  std::array<std::uint8_t, 4096> buffer;
  for (;;) {
    const auto size = co_await stream.read(buffer);
    if (!size || *size == 0) co_return true;
  }
}

// Whether and how this fails is the other side's business.
Task<> answer(async::Loop& loop, std::unique_ptr<Substream> substream, const Services& services) {
  PushbackStream stream(std::move(substream));
  std::vector<std::string> protocols;
  if (services.identify) protocols.emplace_back(identify::kProtocol);
  if (services.ping) protocols.emplace_back(kPing);
  auto selecting = select(stream, Side::listener, std::move(protocols));
  const auto selected = co_await async::within(loop, services.patience, std::move(selecting));
  if (!selected || !*selected) co_return;
  if (**selected == identify::kProtocol) {
    auto telling = tell(stream, *services.identify);
    const auto told = co_await async::within(loop, services.patience, std::move(telling));
    if (!told || !*told || services.identified == nullptr) co_return;
    auto reading = read_to_end(stream);
    co_await async::within(loop, kUntilEnd, std::move(reading));
    services.identified->set();
    co_return;
  }
  for (bool more = true; more;) {
    auto answering = answer_one_ping(stream);
    const std::optional<bool> answered = co_await async::within(loop, services.patience, std::move(answering));
    more = answered.value_or(false);
  }
}

}  // namespace

Task<> serve(async::Loop& loop, Connection& connection, Services services) {
  async::Tasks answers;
  for (;;) {
    auto substream = co_await connection.accept();
    if (!substream) co_return;
    if (answers.size() >= services.streams) {
      (*substream)->reset();
    } else {
      answers.start(answer(loop, *std::move(substream), services));
    }
  }
}

Task<Result<identify::Message>> ask_identity(Connection& connection) {
  CO_TRY(const auto stream, co_await connection.open(std::string(identify::kProtocol)));
  identify::Reader reader;
  std::array<std::uint8_t, 4096> buffer;
  for (;;) {
    CO_TRY(const std::size_t size, co_await stream->read(buffer));
    if (size == 0) break;
    if (const auto received = reader.receive(Bytes(buffer).first(size)); !received) {
      co_return fail("identify: {}", received.error().text());
    }
  }
  auto message = reader.finish();
  if (!message) co_return fail("identify: {}", message.error().text());
  co_return *std::move(message);
}

}  // namespace swage::dial
