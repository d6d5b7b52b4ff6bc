// What all kinds of child process have in common: taking over what the supervisor hands them, before there is a loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/loop.h"
#include "core/config/parser.h"
#include "core/config/sources.h"
#include "core/net.h"
#include "core/plugin/plugin.h"
#include "core/server/channel.h"
#include "core/server/pulse.h"
#include "core/server/role.h"
#include "core/server/scraper.h"

namespace swage::server {

// The descriptor of its channel that a child finds open when it starts.
inline constexpr int kChannelDescriptor = 3;

struct Inheritance {
  std::string corefile;  // path
  bool again = false;    // a process of this configuration, which is in force, has ended before
  std::uint16_t default_port = 53;
  config::Sources sources;
  std::vector<PluginLibrary> libraries;
  std::vector<message::Socket> sockets;
  std::map<MemoryName, Descriptor> memories;
  std::vector<message::OwnPiece> own_pieces;        // of a dns process
  std::vector<message::WorkerPiece> worker_pieces;  // of all others that are ready
  std::vector<message::FetchLine> fetch_lines;      // of several to the same process the last one counts
  std::unique_ptr<metrics::Registry> metrics;       // where this process counts
  Scraper scraper;                                  // of all processes; empty in a dns process
  Pulse pulse;
};

// Reads messages up to SetUp, waiting for them.
[[nodiscard]] Result<Inheritance> receive_inheritance(Channel& channel);

// The main functions of the children; return the exit status. `built_in`: the plugins of this build. `role`: which
// of the dns processes this is.
[[nodiscard]] int run_dns_child(Role role, std::span<const PluginType> built_in, config::Translations translations);
[[nodiscard]] int run_fetch_child(std::span<const PluginType> built_in, config::Translations translations);
[[nodiscard]] int run_service_child(std::span<const PluginType> built_in, config::Translations translations);

// To be called first in a child: it dies with the supervisor and leaves signals to it; nobody can look into it. `name`:
// what ps and top show, at most 15 bytes.
void become_child(const std::string& name);

// Beats, and counts from time to time how many descriptors are open. Lives on the loop of its process.
class Heart {
 public:
  Heart(async::Loop& loop, Pulse& pulse, metrics::Registry& registry);

 private:
  void beat();

  Pulse& pulse_;
  metrics::Registry& registry_;
  metrics::Gauge descriptors_;
  unsigned beats_ = 0;
  async::Timer timer_;
};

// Ends a loop whose process was told to finish, when nothing is left to do or the time is over.
class Drain {
 public:
  // `finish` is asked from time to time, first at once: it does what is to be done in the time that is left (less than
  // 0: over), and says whether that was all.
  Drain(async::Loop& loop, std::function<bool(std::chrono::nanoseconds left)> finish);

  // To be called again where there is another time.
  void within(std::chrono::milliseconds time);

 private:
  void check();

  async::Loop& loop_;
  std::function<bool(std::chrono::nanoseconds)> finish_;
  std::int64_t until_ = 0;
  async::Timer timer_;
};

}  // namespace swage::server
