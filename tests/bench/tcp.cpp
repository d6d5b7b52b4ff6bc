// bench_tcp: keeps connections to a server on 127.0.0.1 full of queries, checks every answer, and says how many there
// were and what they cost the server. See README.md.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/result.h"
#include "tests/bench/load/measure.h"
#include "tests/bench/load/options.h"
#include "tests/bench/load/queries.h"
#include "tests/bench/load/tcp_client.h"
#include "tests/bench/load/words.h"

namespace swage::bench {
namespace {

constexpr std::string_view kUsage =
    R"(bench_tcp [OPTION]... --port PORT [--pid PID]... [--port PORT ...]

Each --port is a server on 127.0.0.1; they are measured in turns. What follows concerns that server:
  --pid PID         also the CPU time of this process and its descendants; may be repeated

For all:
  --connections N   open, all of them with queries under way (1)
  --window N        queries under way, for each connection (128)
  --mix synth | --mix zone NAMES | --mix challenges PEERS | --mix file FILE     what to ask (synth)
  --edns            with an OPT record in each query
  --count N         different queries (500000); after that they repeat
  --probe S         wait up to so long until each server gives a right answer (0)
  --seconds S       measure for so long (2)
  --warm-up S       ask for so long before (0.3)
  --turns N         measure every server so many times (1); each turn opens its connections anew
)";

constexpr unsigned kOtherDescriptors = 32;

struct Options : CommonOptions {
  TcpOptions client;  // but the port, which is the target's
};

Result<> parse_option(const std::string& name, Words& words, Options& options) {
  TRY(const bool common, parse_common(name, words, options));
  if (common) return {};
  if (name == "--connections") {
    TRY(options.client.connections, words.number<unsigned>(1, 1'000'000));
  } else if (name == "--window") {
    TRY(options.client.window, words.number<unsigned>(1, TcpClient::kMostWindow));
  } else {
    return fail("no such option: {}\n{}", name, kUsage);
  }
  return {};
}

Result<Options> parse_options(int count, char** arguments) {
  Options options;
  options.count = 500'000;
  Words words(count, arguments);
  while (const auto name = words.next()) TRY(parse_option(*name, words, options));
  if (options.targets.empty()) return fail("needs a --port\n{}", kUsage);
  return options;
}

// As many descriptors as there are connections.
Result<> raise_limit(unsigned connections) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < connections + kOtherDescriptors) {
    return fail("{} connections need {} descriptors; this machine lets a process have {} (ulimit -Hn)", connections,
                connections + kOtherDescriptors, limit.rlim_max);
  }
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return {};
}

Result<bool> take_turn(const Target& target, Queries& queries, const Options& options) {
  TcpOptions of_target = options.client;
  of_target.port = target.port;
  TcpClient client(of_target, queries);
  TRY(client.open());
  Asker* const asker = &client;
  TRY(const Report report, measure({&asker, 1}, target.pids, options.interval));
  report.print(target.port);
  return report.good();
}

Result<bool> run(int count, char** arguments) {
  TRY(const Options options, parse_options(count, arguments));
  TRY(raise_limit(options.client.connections));
  TRY(Queries queries, make_queries(options.mix, options.count, 0, options.edns));
  const std::chrono::nanoseconds patience(static_cast<std::int64_t>(options.probe * 1e9));
  for (const Target& target : options.targets) TRY(probe_tcp(target.port, queries, patience));
  bool good = true;
  for (unsigned turn = 0; turn < options.turns; ++turn) {
    for (const Target& target : options.targets) {
      TRY(const bool right, take_turn(target, queries, options));
      good = good && right;
    }
  }
  return good;
}

}  // namespace
}  // namespace swage::bench

int main(int count, char** arguments) {
  const auto good = swage::bench::run(count, arguments);
  if (!good) {
    fmt::print(stderr, "bench_tcp: {}\n", good.error().text());
    return 2;
  }
  return *good ? 0 : 1;
}
