// Work: what a dns process is at, in the page that the supervisor shares with it (core/server/pulse.h). The process
// parses each query and builds each response in this memory, so it costs the way of a query three stores; when the
// process crashes or hangs, the supervisor says which query it was.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>

#include "core/dns/query.h"
#include "core/dns/response.h"
#include "core/plugin/plugin.h"

namespace swage::server {

struct Work {
  enum class Stage : std::uint8_t {
    none,     // of query and response nothing is to be said
    chain,    // the plugins of a server block
    sending,  // encoding, and Observers
  };

  std::atomic<Stage> stage = Stage::none;
  dns::Query query;
  dns::Response response;
};
static_assert(std::atomic<Work::Stage>::is_always_lock_free);

// In the supervisor: " while it answered 'www.example.org. A' (the last directive asked was 'file')"; empty where it
// answered nothing. `memory` is a Work of a process that may still run, and may have been taken over: it may hold
// anything. `plugins`: those of this build.
[[nodiscard]] std::string describe_work(Bytes memory, std::span<const PluginType> plugins);

}  // namespace swage::server
