// What bench_load and bench_tcp let a command line say alike: which servers, what to ask them, how often and how long.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"
#include "tests/bench/load/measure.h"
#include "tests/bench/load/queries.h"
#include "tests/bench/load/words.h"

namespace swage::bench {

struct Target {
  std::uint16_t port = 0;
  std::vector<pid_t> pids;
  bool echo = false;  // bench_load alone
};

struct CommonOptions {
  std::vector<Target> targets;
  Mix mix;
  Interval interval;
  double probe = 0;  // seconds
  unsigned turns = 1;
  std::size_t count = 0;  // different queries
  bool edns = false;
};

// What stands behind --mix: synth | zone NAMES | popular NAMES | challenges PEERS | file FILE.
[[nodiscard]] inline Result<Mix> parse_mix(Words& words) {
  Mix mix;
  TRY(const std::string kind, words.text());
  if (kind == "synth") return mix;
  if (kind == "zone" || kind == "popular" || kind == "challenges") {
    mix.kind = kind == "zone" ? Mix::Kind::zone : kind == "popular" ? Mix::Kind::popular : Mix::Kind::challenges;
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

// The target that option `name` is about: that of the last --port.
[[nodiscard]] inline Result<Target*> last_target(const std::string& name, CommonOptions& options) {
  if (options.targets.empty()) return fail("{} belongs behind a --port", name);
  return &options.targets.back();
}

// Takes what stands behind `name`; false where it is none of these options.
[[nodiscard]] inline Result<bool> parse_common(const std::string& name, Words& words, CommonOptions& options) {
  if (name == "--port") {
    TRY(const auto port, words.number<std::uint16_t>(1, 65535));
    options.targets.push_back({.port = port, .pids = {}, .echo = false});
  } else if (name == "--pid") {
    TRY(Target* const target, last_target(name, options));
    TRY(const pid_t pid, words.number<pid_t>(1, 1 << 30));
    target->pids.push_back(pid);
  } else if (name == "--mix") {
    TRY(options.mix, parse_mix(words));
  } else if (name == "--edns") {
    options.edns = true;
  } else if (name == "--count") {
    TRY(options.count, words.number<std::size_t>(1, 100'000'000));
  } else if (name == "--probe") {
    TRY(options.probe, words.number<double>(0, 3600));
  } else if (name == "--seconds") {
    TRY(options.interval.seconds, words.number<double>(0.01, 3600));
  } else if (name == "--warm-up") {
    TRY(options.interval.warm_up, words.number<double>(0, 3600));
  } else if (name == "--turns") {
    TRY(options.turns, words.number<unsigned>(1, 10'000));
  } else {
    return false;
  }
  return true;
}

}  // namespace swage::bench
