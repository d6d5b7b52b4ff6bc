#include "plugins/broker/journal.h"

#include <time.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "core/log.h"

namespace swage::plugins::broker {
namespace {

constexpr std::uint64_t kMaxLines = 100;           // of the log, a second
constexpr std::uint64_t kMaxLinesOfRefusals = 10;  // anybody can cause them
constexpr std::size_t kRemembered = 200;           // of each kind
constexpr std::int64_t kIdentify = 6'000;          // milliseconds: longer than identify may take

std::int64_t read_clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// What strangers may have written, on one line, and harmless to terminals.
std::string printable(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(line, [](char c) { return c < ' ' || c > '~'; }, '?');
  return line;
}

}  // namespace

Clocks Clocks::system() {
  return {[] { return read_clock(CLOCK_REALTIME); }, [] { return read_clock(CLOCK_MONOTONIC); }};
}

Journal::Journal(std::string name, Measures measures, Clocks::Read steady)
    : name_(std::move(name)),
      measures_(std::move(measures)),
      steady_(steady),
      lines_(name_, kMaxLines),
      lines_of_refusals_(name_, kMaxLinesOfRefusals) {}

void Journal::refused(Measures::Unproven reason, const IpAddress& client, unsigned status, std::string_view why) {
  measures_.unproven(reason);
  if (!lines_of_refusals_.may_log(steady_())) return;
  log::info("plugin/{}: somebody from {}: {}: {}", name_, client.to_string(), status, why);
  remember(refused_, {.client = client.to_string(), .result = std::to_string(status), .why = std::string(why)});
}

void Journal::reached(const libp2p::PeerId& peer, Agent requested_by) {
  measure();
  unidentified_.push_back({peer, requested_by, steady_()});
}

void Journal::identified(const libp2p::PeerId& peer, std::string_view agent) {
  const auto known = std::ranges::find(unidentified_, peer, &Unidentified::peer);
  if (known != unidentified_.end()) {
    measures_.probed(true, agent_of(agent));
    unidentified_.erase(known);
  }
  if (!lines_.may_log(steady_())) return;
  log::info("plugin/{}: {} is {}", name_, peer.to_base58(), printable(agent));
}

void Journal::decided(const libp2p::PeerId& peer, const IpAddress& client, const Verdict& verdict, std::int64_t began) {
  measures_.decided(verdict.counted());
  const std::int64_t now = steady_();
  remember(decided_, {.peer = peer.to_base58(),
                      .client = client.to_string(),
                      .result = verdict.ended_as(),
                      .why = printable(verdict.why()),
                      .took = now - began});
  if (!lines_.may_log(now)) return;
  log::info("plugin/{}: {} from {}: {} after {} ms: {}", name_, peer.to_base58(), client.to_string(),
            verdict.ended_as(), now - began, printable(verdict.why()));
}

void Journal::remember(std::deque<Report::Registration>& list, Report::Registration registration) {
  registration.at = read_clock(CLOCK_REALTIME);
  list.push_back(std::move(registration));
  if (list.size() > kRemembered) list.pop_front();
}

void Journal::report(Report& report) const {
  for (const auto* const list : {&decided_, &refused_}) {
    for (const Report::Registration& each : *list) report.add(report.registrations, each);
  }
  std::ranges::stable_sort(report.registrations, std::greater(), &Report::Registration::at);
}

void Journal::measure() { count_unidentified(steady_() - kIdentify); }

void Journal::close() { count_unidentified(INT64_MAX); }

// Those that were reached before this time have not said what they are.
void Journal::count_unidentified(std::int64_t before) {
  while (!unidentified_.empty() && unidentified_.front().since < before) {
    measures_.probed(true, unidentified_.front().requested_by);
    unidentified_.pop_front();
  }
}

}  // namespace swage::plugins::broker
