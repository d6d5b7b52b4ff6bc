// bench_load: asks a server on 127.0.0.1 as much as it can answer, checks every answer, and says how many there were
// and what they cost the server. See README.md.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/result.h"
#include "tests/bench/load/client.h"
#include "tests/bench/load/cpu_time.h"
#include "tests/bench/load/queries.h"

namespace swage::bench {
namespace {

constexpr std::string_view kUsage =
    R"(bench_load [OPTION]... --port PORT [--pid PID]... [--echo] [--port PORT ...]
bench_load --write-zone NAMES FILE

Each --port is a server on 127.0.0.1; they are measured in turns. What follows concerns that server:
  --pid PID        also the CPU time of this process and its descendants; may be repeated
  --echo           it is an echo: check the id of its answers only

For all:
  --mix synth | --mix zone NAMES | --mix challenges PEERS | --mix file FILE     what to ask (synth)
  --edns           with an OPT record in each query
  --count N        different queries of each thread (1000000); after that they repeat
  --probe S        wait up to so long until each server gives a right answer
  --seconds S      measure for so long (2)
  --warm-up S      ask for so long before (0.3)
  --turns N        measure every server so many times (1)
  --window N       queries under way, for each socket (32)
  --sockets N      sockets of each thread (4)
  --threads N      threads that ask (1)
  --rate QPS       queries a second; without it as many as the window lets through
  --timeout MS     an answer that takes longer is lost (500)
)";

struct Target {
  std::uint16_t port = 0;
  std::vector<pid_t> pids;
  bool echo = false;
};

struct Options {
  std::vector<Target> targets;
  ClientOptions client;  // but the port and echo, which are the target's
  Mix mix;
  double seconds = 2;
  double warm_up = 0.3;
  double probe = 0;
  unsigned turns = 1;
  unsigned threads = 1;
  std::size_t count = 1'000'000;
  bool edns = false;
  std::string zone_file;  // write it, and nothing else
};

// The words of the command line, one after the other.
class Words {
 public:
  Words(int count, char** words) : words_(words + 1, words + count) {}

  [[nodiscard]] std::optional<std::string> next() {
    if (at_ == words_.size()) return std::nullopt;
    return words_[at_++];
  }

  [[nodiscard]] Result<std::string> text() {
    auto word = next();
    if (!word) return fail("'{}' needs an argument", words_.back());
    return *word;
  }

  template <typename T>
  [[nodiscard]] Result<T> number(T lowest, T highest) {
    TRY(const std::string word, text());
    T value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value < lowest || value > highest) {
      return fail("'{}' is not a number from {} to {}", word, lowest, highest);
    }
    return value;
  }

 private:
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

Result<Mix> parse_mix(Words& words) {
  Mix mix;
  TRY(const std::string kind, words.text());
  if (kind == "synth") return mix;
  if (kind == "zone" || kind == "challenges") {
    mix.kind = kind == "zone" ? Mix::Kind::zone : Mix::Kind::challenges;
    TRY(mix.names, words.number<std::size_t>(1, 10'000'000));
    return mix;
  }
  if (kind == "file") {
    mix.kind = Mix::Kind::file;
    TRY(mix.path, words.text());
    return mix;
  }
  return fail("no such mix: {}", kind);
}

Result<> parse_target_option(const std::string& name, Words& words, std::vector<Target>& targets) {
  if (name == "--port") {
    TRY(const auto port, words.number<std::uint16_t>(1, 65535));
    targets.push_back({.port = port, .pids = {}, .echo = false});
    return {};
  }
  if (targets.empty()) return fail("{} belongs behind a --port", name);
  if (name == "--echo") {
    targets.back().echo = true;
    return {};
  }
  TRY(const pid_t pid, words.number<pid_t>(1, 1 << 30));
  targets.back().pids.push_back(pid);
  return {};
}

Result<> parse_option(const std::string& name, Words& words, Options& options) {
  ClientOptions& client = options.client;
  if (name == "--port" || name == "--pid" || name == "--echo") {
    TRY(parse_target_option(name, words, options.targets));
  } else if (name == "--mix") {
    TRY(options.mix, parse_mix(words));
  } else if (name == "--edns") {
    options.edns = true;
  } else if (name == "--count") {
    TRY(options.count, words.number<std::size_t>(1, 100'000'000));
  } else if (name == "--probe") {
    TRY(options.probe, words.number<double>(0, 3600));
  } else if (name == "--seconds") {
    TRY(options.seconds, words.number<double>(0.01, 3600));
  } else if (name == "--warm-up") {
    TRY(options.warm_up, words.number<double>(0, 3600));
  } else if (name == "--turns") {
    TRY(options.turns, words.number<unsigned>(1, 10'000));
  } else if (name == "--window") {
    TRY(client.window, words.number<unsigned>(1, Flow::kSlots / 2));
  } else if (name == "--sockets") {
    TRY(client.sockets, words.number<unsigned>(1, 1000));
  } else if (name == "--threads") {
    TRY(options.threads, words.number<unsigned>(1, 64));
  } else if (name == "--rate") {
    TRY(client.rate, words.number<double>(1, 1e8));
  } else if (name == "--timeout") {
    TRY(const unsigned timeout, words.number<unsigned>(1, 60'000));
    client.timeout = std::chrono::milliseconds(timeout);
  } else if (name == "--write-zone") {
    TRY(options.mix.names, words.number<std::size_t>(1, 10'000'000));
    TRY(options.zone_file, words.text());
  } else {
    return fail("no such option: {}\n{}", name, kUsage);
  }
  return {};
}

Result<Options> parse_options(int count, char** arguments) {
  Options options;
  Words words(count, arguments);
  while (const auto name = words.next()) TRY(parse_option(*name, words, options));
  if (options.targets.empty() && options.zone_file.empty()) return fail("needs a --port\n{}", kUsage);
  options.client.rate /= options.threads;
  return options;
}

using Clients = std::vector<std::unique_ptr<Client>>;  // one for each thread
using Clock = std::chrono::steady_clock;

struct Totals {
  std::uint64_t answered = 0;
  std::uint64_t wrong = 0;
  std::uint64_t lost = 0;
  std::uint64_t late = 0;
};

Totals totals(const Clients& clients) {
  Totals sum;
  for (const auto& client : clients) {
    sum.answered += client->counters().answered;
    sum.wrong += client->counters().wrong;
    sum.lost += client->counters().lost;
    sum.late += client->counters().late;
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

Result<Mark> take_mark(const Clients& clients, const std::vector<pid_t>& pids) {
  TRY(const CpuTime cpu, cpu_time(pids));
  return Mark{.time = Clock::now(), .answered = totals(clients).answered, .cpu = cpu};
}

struct Report {
  double seconds = 0;
  double rate = 0;  // right answers a second
  double cpu = 0;   // µs for each right answer
  double system_share = 0;
  double busy = 0;  // CPUs that the server used
  Totals total;     // warm-up and end included
  Histogram latency;
  std::string first_wrong;
};

// One turn of one server.
Result<Report> measure(Clients& clients, const std::vector<pid_t>& pids, const Options& options) {
  const Totals before = totals(clients);
  std::atomic<Phase> phase = Phase::warm_up;
  std::vector<std::jthread> threads;
  for (const auto& client : clients) threads.emplace_back([&phase, &client] { client->run(phase); });
  std::this_thread::sleep_for(std::chrono::duration<double>(options.warm_up));
  const auto begin = take_mark(clients, pids);
  phase = Phase::measure;
  if (begin) std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
  const auto end = take_mark(clients, pids);
  phase = Phase::drain;
  threads.clear();
  if (!begin) return std::unexpected(begin.error());
  if (!end) return std::unexpected(end.error());

  Report report;
  report.total = totals(clients) - before;
  for (const auto& client : clients) {
    report.latency.merge(client->latency());
    if (report.first_wrong.empty()) report.first_wrong = client->counters().first_wrong;
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

void print(const Report& report, const Target& target) {
  const auto us = [&](double share) { return static_cast<double>(report.latency.quantile(share)) / 1000; };
  const Totals& total = report.total;
  fmt::print(R"({{"port": {}, "seconds": {:.3f}, "answered": {}, "wrong": {}, "lost": {}, "late": {}, "qps": {:.0f}, )",
             target.port, report.seconds, total.answered, total.wrong, total.lost, total.late, report.rate);
  fmt::print(R"("latency_us": {{"p50": {:.1f}, "p99": {:.1f}, "p999": {:.1f}}}, )", us(0.5), us(0.99), us(0.999));
  fmt::print(R"("cpu_us": {:.4f}, "cpu_system_share": {:.3f}, "cpu_busy": {:.3f}, "first_wrong": "{}"}})"
             "\n",
             report.cpu, report.system_share, report.busy, report.first_wrong);
  fmt::print(stderr, "port {}: {:.0f} queries/s, {} wrong, {} lost; latency p50 {:.0f} p99 {:.0f} p99.9 {:.0f} µs",
             target.port, report.rate, total.wrong, total.lost, us(0.5), us(0.99), us(0.999));
  if (!target.pids.empty()) {
    fmt::print(stderr, "; {:.3f} µs CPU a query, {:.0f} % of it system, {:.2f} CPUs busy", report.cpu,
               report.system_share * 100, report.busy);
  }
  fmt::print(stderr, "\n");
  if (!report.first_wrong.empty()) fmt::print(stderr, "the first wrong answer: {}\n", report.first_wrong);
}

// What every thread asks; the same for each server.
Result<std::vector<Queries>> make_all_queries(const Options& options) {
  std::vector<Queries> all;
  for (unsigned i = 0; i < options.threads; ++i) {
    TRY(Queries queries, make_queries(options.mix, options.count, i * 1'000'000'000ULL, options.edns));
    all.push_back(std::move(queries));
  }
  return all;
}

Result<Clients> connect(const Target& target, std::vector<Queries>& queries, const Options& options) {
  ClientOptions client = options.client;
  client.port = target.port;
  client.echo = target.echo;
  Clients clients;
  for (Queries& part : queries) {
    clients.push_back(std::make_unique<Client>(client, part));
    TRY(clients.back()->open());
  }
  if (options.probe > 0) TRY(clients.front()->probe(std::chrono::nanoseconds(static_cast<long>(options.probe * 1e9))));
  return clients;
}

// Whether every answer was right and at most one query in a thousand was lost.
Result<bool> load(const Options& options) {
  TRY(std::vector<Queries> queries, make_all_queries(options));
  std::vector<Clients> servers;
  for (const Target& target : options.targets) {
    TRY(Clients clients, connect(target, queries, options));
    servers.push_back(std::move(clients));
  }
  bool good = true;
  for (unsigned turn = 0; turn < options.turns; ++turn) {
    for (std::size_t i = 0; i < servers.size(); ++i) {
      TRY(const Report report, measure(servers[i], options.targets[i].pids, options));
      print(report, options.targets[i]);
      const Totals& total = report.total;
      good = good && total.wrong == 0 && total.answered > 0 && total.lost * 1000 <= total.answered;
    }
  }
  return good;
}

Result<bool> run(int count, char** arguments) {
  TRY(const Options options, parse_options(count, arguments));
  if (options.zone_file.empty()) return load(options);
  TRY(write_zone(options.mix.names, options.zone_file));
  return true;
}

}  // namespace
}  // namespace swage::bench

int main(int count, char** arguments) {
  const auto good = swage::bench::run(count, arguments);
  if (!good) {
    fmt::print(stderr, "bench_load: {}\n", good.error().text());
    return 2;
  }
  return *good ? 0 : 1;
}
