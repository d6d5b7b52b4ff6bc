#include "tests/bench/load/measure.h"

#include <chrono>
#include <cstdio>
#include <thread>

#include <fmt/format.h>

#include "tests/bench/load/cpu_time.h"

namespace swage::bench {
namespace {

using Clock = std::chrono::steady_clock;

Totals totals(std::span<Asker* const> askers) {
  Totals sum;
  for (const Asker* const asker : askers) {
    sum.answered += asker->counters().answered;
    sum.wrong += asker->counters().wrong;
    sum.lost += asker->counters().lost;
    sum.late += asker->counters().late;
  }
  return sum;
}

Totals operator-(const Totals& a, const Totals& b) {
  return {.answered = a.answered - b.answered,
          .wrong = a.wrong - b.wrong,
          .lost = a.lost - b.lost,
          .late = a.late - b.late};
}

// One end of the measured interval.
struct Mark {
  Clock::time_point time;
  std::uint64_t answered = 0;
  CpuTime cpu;
};

Result<Mark> take_mark(std::span<Asker* const> askers, const std::vector<pid_t>& pids) {
  TRY(const CpuTime cpu, cpu_time(pids));
  return Mark{.time = Clock::now(), .answered = totals(askers).answered, .cpu = cpu};
}

}  // namespace

Result<Report> measure(std::span<Asker* const> askers, const std::vector<pid_t>& pids, Interval interval) {
  const Totals before = totals(askers);
  std::atomic<Phase> phase = Phase::warm_up;
  std::vector<std::jthread> threads;
  for (Asker* const asker : askers) threads.emplace_back([&phase, asker] { asker->run(phase); });
  std::this_thread::sleep_for(std::chrono::duration<double>(interval.warm_up));
  const auto begin = take_mark(askers, pids);
  phase = Phase::measure;
  if (begin) std::this_thread::sleep_for(std::chrono::duration<double>(interval.seconds));
  const auto end = take_mark(askers, pids);
  phase = Phase::drain;
  threads.clear();
  if (!begin) return std::unexpected(begin.error());
  if (!end) return std::unexpected(end.error());

  Report report;
  report.total = totals(askers) - before;
  for (const Asker* const asker : askers) {
    report.latency.merge(asker->latency());
    if (report.first_wrong.empty()) report.first_wrong = asker->counters().first_wrong;
  }
  const auto answered = static_cast<double>(end->answered - begin->answered);
  const auto run = static_cast<double>(end->cpu.run - begin->cpu.run) / 1e9;
  const auto user = static_cast<double>(end->cpu.user - begin->cpu.user);
  const auto system = static_cast<double>(end->cpu.system - begin->cpu.system);
  report.seconds = std::chrono::duration<double>(end->time - begin->time).count();
  report.rate = answered / report.seconds;
  report.busy = run / report.seconds;
  if (answered > 0) report.cpu = run / answered * 1e6;
  if (user + system > 0) report.system_share = system / (user + system);
  return report;
}

bool Report::good() const { return total.wrong == 0 && total.answered > 0 && total.lost * 1000 <= total.answered; }

void Report::print(std::uint16_t port) const {
  const auto us = [&](double share) { return static_cast<double>(latency.quantile(share)) / 1000; };
  fmt::print(R"({{"port": {}, "seconds": {:.3f}, "answered": {}, "wrong": {}, "lost": {}, "late": {}, "qps": {:.0f}, )",
             port, seconds, total.answered, total.wrong, total.lost, total.late, rate);
  fmt::print(R"("latency_us": {{"p50": {:.1f}, "p99": {:.1f}, "p999": {:.1f}}}, )", us(0.5), us(0.99), us(0.999));
  fmt::print(R"("cpu_us": {:.4f}, "cpu_system_share": {:.3f}, "cpu_busy": {:.3f}, "first_wrong": "{}"}})"
             "\n",
             cpu, system_share, busy, first_wrong);
  fmt::print(stderr, "port {}: {:.0f} queries/s, {} wrong, {} lost; latency p50 {:.0f} p99 {:.0f} p99.9 {:.0f} µs",
             port, rate, total.wrong, total.lost, us(0.5), us(0.99), us(0.999));
  if (busy > 0) {
    fmt::print(stderr, "; {:.3f} µs CPU a query, {:.0f} % of it system, {:.2f} CPUs busy", cpu, system_share * 100,
               busy);
  }
  fmt::print(stderr, "\n");
  if (!first_wrong.empty()) fmt::print(stderr, "the first wrong answer: {}\n", first_wrong);
}

}  // namespace swage::bench
