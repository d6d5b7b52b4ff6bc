// What both kinds of child process have in common: taking over what the supervisor hands them, before there is a loop.
#pragma once

#include <chrono>
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

namespace swage::server {

// The descriptor of its channel that a child finds open when it starts.
inline constexpr int kChannelDescriptor = 3;

struct Inheritance {
  struct Socket {
    std::string transport;  // "udp" or "tcp"
    Endpoint endpoint;
    Descriptor socket;
  };
  std::string corefile;  // path
  bool again = false;    // a process of this configuration, which is in force, has ended before
  std::uint16_t default_port = 53;
  config::Sources sources;
  std::vector<Socket> sockets;
  std::map<std::string, Descriptor> snapshots;  // by name
  std::map<std::string, Descriptor> shared;     // by name
  std::vector<Message> metrics;                 // the first: where this process counts
  Pulse pulse;
};

// The memory where this process counts.
[[nodiscard]] Result<std::unique_ptr<metrics::Registry>> take_own_metrics(Inheritance& inheritance);

// Reads messages up to `set_up`, waiting for them.
[[nodiscard]] Result<Inheritance> receive_inheritance(Channel& channel);

// How an endpoint goes through a channel: "ADDRESS PORT"; from the service process with the place in the Corefile that
// says so: "ADDRESS PORT FILE:LINE".
[[nodiscard]] std::string endpoint_text(const Endpoint& endpoint);
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text);
[[nodiscard]] std::string place_in(std::string_view text);  // empty: none

// How long a message `drain` gives the child.
[[nodiscard]] std::chrono::milliseconds drain_time(const Message& message);

// The main functions of the children; return the exit status. `worker`: which of the dns processes this is, from 0.
[[nodiscard]] int run_dns_child(std::size_t worker, std::span<const PluginType> plugins,
                                config::Translations translations);
[[nodiscard]] int run_service_child(std::span<const PluginType> plugins, config::Translations translations);

// To be called first in a child: it dies with the supervisor and leaves signals to it; nobody can look into it. `name`:
// what ps and top show, at most 15 bytes.
void become_child(const std::string& name);

// Beats, and counts from time to time how many descriptors are open. Lives on the loop of its process.
class Heart {
 public:
  Heart(async::Loop& loop, Pulse pulse, metrics::Registry& registry);

 private:
  void beat();

  Pulse pulse_;
  metrics::Gauge descriptors_;
  unsigned beats_ = 0;
  async::Timer timer_;
};

}  // namespace swage::server
