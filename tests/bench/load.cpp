// bench_load: asks a server on 127.0.0.1 as much as it can answer, checks every answer, and says how many there were
// and what they cost the server. See README.md.
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/result.h"
#include "tests/bench/load/client.h"
#include "tests/bench/load/measure.h"
#include "tests/bench/load/options.h"
#include "tests/bench/load/queries.h"
#include "tests/bench/load/words.h"

namespace swage::bench {
namespace {

constexpr std::string_view kUsage =
    R"(bench_load [OPTION]... --port PORT [--pid PID]... [--echo] [--port PORT ...]
bench_load --write-zone NAMES FILE

Each --port is a server on 127.0.0.1; they are measured in turns. What follows concerns that server:
  --pid PID        also the CPU time of this process and its descendants; may be repeated
  --echo           it is an echo: check the id of its answers only

For all:
  --mix synth | --mix zone NAMES | --mix popular NAMES | --mix challenges PEERS | --mix file FILE   what to ask (synth)
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

struct Options : CommonOptions {
  ClientOptions client;  // but the port and echo, which are the target's
  unsigned threads = 1;
  std::string zone_file;  // write it, and nothing else
};

Result<> parse_option(const std::string& name, Words& words, Options& options) {
  ClientOptions& client = options.client;
  TRY(const bool common, parse_common(name, words, options));
  if (common) return {};
  if (name == "--echo") {
    TRY(Target* const target, last_target(name, options));
    target->echo = true;
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
  options.count = 1'000'000;
  Words words(count, arguments);
  while (const auto name = words.next()) TRY(parse_option(*name, words, options));
  if (options.targets.empty() && options.zone_file.empty()) return fail("needs a --port\n{}", kUsage);
  options.client.rate /= options.threads;
  return options;
}

using Clients = std::vector<std::unique_ptr<Client>>;  // one for each thread

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
      std::vector<Asker*> askers;
      for (const auto& client : servers[i]) askers.push_back(client.get());
      TRY(const Report report, measure(askers, options.targets[i].pids, options.interval));
      report.print(options.targets[i].port);
      good = good && report.good();
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
