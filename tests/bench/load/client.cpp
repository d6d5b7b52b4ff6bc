#include "tests/bench/load/client.h"

#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

namespace swage::bench {
namespace {

Result<int> connect_to(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail("socket: {}", std::strerror(errno));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    ::close(descriptor);
    return fail("connect: {}", std::strerror(errno));
  }
  return descriptor;
}

}  // namespace

Flow::Flow(int descriptor, const ClientOptions& options, Queries& queries, Counters& counters, Histogram& latency)
    : descriptor_(descriptor),
      options_(options),
      queries_(queries),
      counters_(counters),
      latency_(latency),
      slots_(kSlots),
      messages_{} {
  for (std::size_t i = 0; i < kBatch; ++i) {
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
}

Flow::~Flow() { ::close(descriptor_); }

std::size_t Flow::room() const {
  const std::size_t slots = kSlots - static_cast<std::size_t>(next_ - oldest_);
  return std::min<std::size_t>(slots, options_.window - std::min<std::size_t>(options_.window, under_way_));
}

std::size_t Flow::send(std::size_t first, std::size_t count, std::uint64_t due, std::uint64_t step) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t query = (first + i) % queries_.size();
    const auto packet = queries_.packet(query);
    const auto id = static_cast<std::uint16_t>(next_ + i);
    store_u16(packet.data(), id);
    parts_[i] = {.iov_base = packet.data(), .iov_len = packet.size()};
    slot(next_ + i) = {.due = due + i * step, .query = static_cast<std::uint32_t>(query), .id = id, .under_way = true};
  }
  const int sent = ::sendmmsg(descriptor_, messages_.data(), static_cast<unsigned>(count), 0);
  const std::size_t taken = sent > 0 ? static_cast<std::size_t>(sent) : 0;  // full, or the server is gone: tried again
  for (std::size_t i = taken; i < count; ++i) slot(next_ + i).under_way = false;
  next_ += taken;
  under_way_ += taken;
  return taken;
}

std::size_t Flow::receive(bool measuring) {
  if (idle() && given_up_ == 0) return 0;
  for (std::size_t i = 0; i < kBatch; ++i) parts_[i] = {.iov_base = buffers_[i].data(), .iov_len = buffers_[i].size()};
  const int received = ::recvmmsg(descriptor_, messages_.data(), kBatch, 0, nullptr);
  if (received <= 0) return 0;
  const auto count = static_cast<std::size_t>(received);
  const std::uint64_t now = now_ns();
  for (std::size_t i = 0; i < count; ++i) take(Bytes(buffers_[i]).first(messages_[i].msg_len), now, measuring);
  while (oldest_ != next_ && !slot(oldest_).under_way) ++oldest_;
  return count;
}

void Flow::take(Bytes answer, std::uint64_t now, bool measuring) {
  if (answer.size() < 12) return counters_.add_wrong(answer);
  const std::uint16_t id = load_u16(answer.data());
  Slot& asked = slot(id);
  if (!asked.under_way || asked.id != id) {
    if (given_up_ == 0) return counters_.add_wrong(answer);
    --given_up_;
    return Counters::add(counters_.late);
  }
  asked.under_way = false;
  --under_way_;
  if (!check(answer, asked)) return counters_.add_wrong(answer);
  Counters::add(counters_.answered);
  if (measuring) latency_.add(now > asked.due ? now - asked.due : 0);
}

bool Flow::check(Bytes answer, const Slot& asked) const {
  if (options_.echo) return (answer[2] & 0x80) != 0;
  return queries_.answered_by(answer, asked.query);
}

void Flow::expire(std::uint64_t now) {
  const auto timeout = static_cast<std::uint64_t>(options_.timeout.count());
  for (; oldest_ != next_; ++oldest_) {
    Slot& asked = slot(oldest_);
    if (!asked.under_way) continue;
    if (now < asked.due + timeout) return;
    asked.under_way = false;
    --under_way_;
    ++given_up_;
    Counters::add(counters_.lost);
  }
}

Result<> Client::open() {
  for (unsigned i = 0; i < options_.sockets; ++i) {
    TRY(const int descriptor, connect_to(options_.port));
    flows_.push_back(std::make_unique<Flow>(descriptor, options_, queries_, counters_, latency_));
  }
  return {};
}

Result<> Client::probe(std::chrono::nanoseconds patience) {
  using std::chrono::milliseconds;
  Counters counters;
  ClientOptions options = options_;
  options.timeout = milliseconds(20);
  TRY(const int descriptor, connect_to(options.port));
  Flow flow(descriptor, options, queries_, counters, latency_);
  const std::uint64_t end = now_ns() + static_cast<std::uint64_t>(patience.count());
  for (std::uint64_t now = now_ns(); now < end; now = now_ns()) {
    if (flow.idle()) flow.send(0, 1, now, 0);
    std::this_thread::sleep_for(milliseconds(2));
    flow.receive(false);
    flow.expire(now);
    if (counters.answered > 0) return {};
  }
  return fail("port {}: no right answer ({} wrong, {} lost) {}", options.port, counters.wrong.load(),
              counters.lost.load(), counters.first_wrong);
}

void Client::run(const std::atomic<Phase>& phase) {
  start_ = now_ns();
  start_asked_ = asked_;
  latency_ = Histogram();
  bool idle = false;
  while (true) {
    const Phase current = phase.load(std::memory_order_relaxed);
    if (current == Phase::drain && idle) return;
    const std::uint64_t round = now_ns();
    idle = true;
    for (const auto& flow : flows_) {
      flow->receive(current == Phase::measure);
      flow->expire(round);
      if (current != Phase::drain) fill(*flow, now_ns());
      idle = idle && flow->idle();
    }
  }
}

void Client::fill(Flow& flow, std::uint64_t now) {
  if (options_.rate > 0) {
    // An open loop: what is due is sent, and is as late as it is, if the server or this thread was slow.
    const double step = 1e9 / options_.rate;
    const auto due = static_cast<std::size_t>(static_cast<double>(now - start_) / step);
    const std::size_t asked = asked_ - start_asked_;
    const std::size_t count = std::min({due - std::min(due, asked), flow.room(), Flow::kBatch});
    if (count == 0) return;
    const auto first_due = start_ + static_cast<std::uint64_t>(static_cast<double>(asked) * step);
    asked_ += flow.send(asked_, count, first_due, static_cast<std::uint64_t>(step));
    return;
  }
  // A closed loop: in bursts of half a window, for single packets would make batches of one in the server.
  const std::size_t burst = std::min<std::size_t>(Flow::kBatch, std::max(1U, options_.window / 2));
  if (flow.room() >= burst) asked_ += flow.send(asked_, burst, now, 0);
}

}  // namespace swage::bench
