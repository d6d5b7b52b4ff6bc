#include "plugins/dnstap/sending.h"

#include <algorithm>
#include <utility>

#include "core/log.h"

namespace swage::plugins::dnstap {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kFirstPause = 500ms, kLongestPause = 30s;  // between attempts to connect
constexpr milliseconds kBusy = 10ms, kIdle = 160ms;               // between looks at the rings
constexpr milliseconds kQuiet = 400ms;      // nothing comes for so long: nothing will, when it is told to stop
constexpr std::size_t kAtATime = 64 << 10;  // bytes of each ring

template <typename Clock>
std::int64_t now() {
  return std::chrono::duration_cast<nanoseconds>(Clock::now().time_since_epoch()).count();
}

}  // namespace

Sending::Sending(Settings settings, shm::WorkerMemory& memory, Counts counts)
    : settings_(std::move(settings)), memory_(memory), counts_(counts), begun_(now<std::chrono::steady_clock>()) {}

async::Task<Result<>> Sending::run(Host& host) {
  milliseconds pause = kFirstPause;
  while (true) {
    const std::int64_t before = host.loop().now();
    const Result<bool> served = co_await serve(host);
    if (served && *served) co_return Result<>();
    if (!served) report(std::unexpected(served.error()));
    // One that stayed for a while is tried again soon.
    if (host.loop().now() - before > nanoseconds(kLongestPause).count()) pause = kFirstPause;
    const bool stopped = co_await host.stopping(pause);
    if (stopped) co_return Result<>();
    pause = std::min(pause * 2, kLongestPause);
  }
}

async::Task<Result<bool>> Sending::serve(Host& host) {
  CO_TRY(const std::shared_ptr<Connection> connection,
         co_await Connection::open(host.loop(), settings_.target, settings_.verifies));
  report({});
  counts_.connections.add(1);
  Result<> sent = co_await send_all(host, *connection);
  if (sent && !connection->ended().is_set()) co_await connection->finish();
  connection->close();
  counts_.connections.add(-1);
  if (!sent) co_return std::unexpected(std::move(sent).error());
  co_return host.stopping().is_set();
}

async::Task<Result<>> Sending::send_all(Host& host, Connection& connection) {
  milliseconds pause = kBusy, quiet = 0ms;
  while (true) {
    const bool more = gather();
    if (!frames_.empty()) {
      const Bytes frames = as_bytes(frames_);
      Result<> written = co_await connection.write(frames);
      if (!written) {
        counts_.lost.add(std::exchange(in_frames_, 0));
        co_return std::unexpected(std::move(written).error());
      }
      counts_.sent.add(std::exchange(in_frames_, 0));
      pause = kBusy;
      quiet = 0ms;
    } else {
      pause = std::clamp(pause * 2, kBusy, host.stopping().is_set() ? kBusy : kIdle);
      quiet += pause;
    }
    if (host.last_call().is_set() || (host.stopping().is_set() && quiet >= kQuiet)) co_return Result<>();
    if (more) pause = 0ms;
    const bool ended = co_await async::wait_for(connection.ended(), pause);
    if (ended) co_return fail("it has closed the connection");
  }
}

bool Sending::gather() {
  frames_.clear();
  in_frames_ = 0;
  settings_.sender.clock = now<std::chrono::system_clock>() - now<std::chrono::steady_clock>();
  const std::vector<Bytes>& rings = memory_.all();
  if (readers_.size() < rings.size()) readers_.resize(rings.size());
  bool more = false;
  for (std::size_t i = 0; i < rings.size(); ++i) {
    readers_[i].read(rings[i], kAtATime, batch_);
    more = more || batch_.more;
    counts_.lost.add(batch_.lost);
    for (const tap::Event& event : batch_.events) {
      if (event.received < begun_) continue;
      tap::write_query(event, settings_.sender, payload_);
      tap::append_frame(payload_, frames_);
      ++in_frames_;
      if (!event.answered) continue;
      tap::write_response(event, settings_.sender, payload_);
      tap::append_frame(payload_, frames_);
      ++in_frames_;
    }
  }
  return more;
}

// In the log once, for as long as it is so.
void Sending::report(const Result<>& result) {
  if (result) {
    log::info("plugin/dnstap: {}: connected", settings_.target.text);
    problem_.clear();
  } else if (result.error().text() != problem_) {
    problem_ = result.error().text();
    log::warning("plugin/dnstap: {}: {}; trying again", settings_.target.text, problem_);
  }
}

}  // namespace swage::plugins::dnstap
