#include "core/server/fetch_client.h"

#include <unistd.h>

#include <algorithm>

#include "core/log.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRunsATurn = 128;  // about what two batches of queries over UDP take
constexpr int kPacketsATurn = 4;
constexpr auto kRoomComes = 1ms;

}  // namespace

FetchClient::FetchClient(async::Loop& loop, Responder& responder, Fetches fetches, metrics::Registry& metrics,
                         std::function<void()> catch_up)
    : loop_(loop),
      metrics_(metrics, fetches),
      catch_up_(std::move(catch_up)),
      timer_(loop, [this] { turn(); }),
      park_(responder, fetches, metrics_, [this] { wake(); }, {}, NetworkShares::new_key()) {}

void FetchClient::connect(Fetch::By by, Descriptor socket) {
  disconnect(by);
  Line& line = this->line(by);
  line.socket = FetchLine(std::move(socket));
  line.poll.emplace(loop_, line.socket.fd(), [this, by] { receive(by); });
  park_.say_again(by);
}

void FetchClient::disconnect(Fetch::By by) {
  Line& line = this->line(by);
  line.poll.reset();
  line.socket = FetchLine();
  line.packet.clear();
}

void FetchClient::drain() {
  draining_ = true;
  for (const Fetch::By by : kFetchBy) {
    if (!line(by).socket.exists()) park_.give_up(by);
  }
  run_given_up();
}

void FetchClient::give_up() {
  for (const Fetch::By by : kFetchBy) park_.give_up(by);
  run_given_up();
}

void FetchClient::run_given_up() {
  while (park_.run(kRunsATurn, loop_.now())) {
  }
}

void FetchClient::wake() {
  if (std::exchange(woken_, true)) return;
  timer_.start(0ms);
}

void FetchClient::receive(Fetch::By by) {
  for (int i = 0; i < kPacketsATurn; ++i) {
    const Result<Bytes> packet = line(by).socket.receive(in_);
    if (packet && packet->empty()) return;
    if (packet) catch_up_();  // which may bring another line: what was fetched by way of this one is there all the same
    if (packet && take(by, *packet)) continue;
    disconnect(by);  // the process ended; the next one has another line
    if (!draining_) return;
    park_.give_up(by);
    return run_given_up();
  }
}

bool FetchClient::take(Fetch::By by, Bytes packet) {
  const bool sound = read_fetch_packet(packet, [this, by](const FetchMessage& message) {
    if (message.kind == FetchMessage::Kind::answered) {
      park_.answer(by, message.ticket, message.key);
      return true;
    }
    const bool fetched = message.kind == FetchMessage::Kind::settled;
    if (!fetched && message.kind != FetchMessage::Kind::failed) return false;
    park_.settle(by, message.ticket, fetched);
    return true;
  });
  if (!sound) {
    log::error("the {} process says what cannot be read of what was fetched",
               by == Fetch::By::fetch ? "fetch" : "service");
  }
  return sound;
}

void FetchClient::turn() {
  woken_ = false;
  const std::int64_t now = loop_.now();
  park_.let_pass(now);
  const bool more = park_.run(kRunsATurn, now);
  const bool said = say();
  if (more || woken_) {
    woken_ = true;
    timer_.start(0ms);
  } else if (!said) {
    timer_.start(kRoomComes);
  } else if (const auto deadline = park_.next_deadline()) {
    const std::chrono::nanoseconds left(std::max<std::int64_t>(*deadline - now, 0));
    timer_.start(std::chrono::ceil<std::chrono::milliseconds>(left) + 1ms);  // it may fire 1 ms early
  }
}

bool FetchClient::say() {
  return std::ranges::count_if(kFetchBy, [this](Fetch::By by) { return !say(by); }) == 0;
}

bool FetchClient::say(Fetch::By by) {
  Line& line = this->line(by);
  if (!line.socket.exists()) return true;
  while (true) {
    if (line.packet.empty()) park_.write(by, line.packet);
    if (line.packet.empty()) return true;
    if (!line.socket.send(line.packet.bytes())) return false;
    line.packet.clear();
  }
}

}  // namespace swage::server
