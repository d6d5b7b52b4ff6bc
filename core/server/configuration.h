// What a Corefile means: its server blocks with their plugins, the services, and which listener asks which block. Made
// alike in every process by running the setup() of each directive, without any I/O.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/config/errors.h"
#include "core/config/parser.h"
#include "core/config/sources.h"
#include "core/plugin/plugin.h"
#include "core/plugin/report.h"
#include "core/server/block.h"
#include "core/server/messages.h"
#include "core/server/router.h"
#include "core/shm/shared.h"
#include "core/shm/snapshot.h"
#include "core/shm/worker_memory.h"

namespace swage::server {

struct NamedService {
  std::string name;  // its directive's, for the log
  std::unique_ptr<Service> service;
  const Block* block;  // its server block
  config::Token at;    // its directive
};

struct NamedFetcher : NamedService {
  Fetcher* fetcher;  // what `service` is
};

// A TCP socket that a Service has asked for.
struct ServiceSocket {
  Endpoint endpoint;
  config::Token token;    // that says so
  std::string directive;  // of the Service
};

struct Configuration {
  std::unique_ptr<metrics::Registry> metrics;
  std::vector<std::unique_ptr<Block>> blocks;
  std::vector<NamedService> services;
  std::vector<NamedFetcher> fetchers;
  std::map<std::string, std::unique_ptr<shm::Snapshot>> snapshots;              // by name
  std::map<std::string, std::unique_ptr<shm::Shared>> shared;                   // by name
  std::map<std::string, std::unique_ptr<shm::ServiceMemory>> service_memories;  // by name
  std::map<std::string, std::unique_ptr<shm::WorkerMemory>> worker_memories;    // by name
  std::vector<std::unique_ptr<Fetch>> fetches;                                  // by number, from 1
  std::map<Endpoint, Router> listeners;
  std::map<Endpoint, config::Token> places;  // of the first server block that listens there
  std::vector<ServiceSocket> service_sockets;
  std::unique_ptr<WholeServer> server = std::make_unique<WholeServer>();  // to which the blocks point
  std::vector<Error> warnings;                                            // for the operator, with file and line

  // Whether the memory of that name is a Fetcher's, which the fetch process provides.
  [[nodiscard]] bool is_fetched(const shm::Shared& memory) const;
  // What another dns process, or this one, has of a WorkerMemory; one that is not known is left alone.
  [[nodiscard]] Result<> take(message::OwnPiece message);
  [[nodiscard]] Result<> take(message::WorkerPiece message);
  // A line for each zone and listener, for the operator: "dns://0.0.0.0:53 libp2p.direct.".
  [[nodiscard]] std::vector<std::string> summary() const;
};

// Sets up the Corefile at `path`. `default_port` is for keys without one; without `metrics` nobody sees what is
// counted. Errors say file and line.
[[nodiscard]] Result<Configuration> configure(config::Sources& sources, const std::string& path,
                                              std::span<const PluginType> plugins, std::uint16_t default_port,
                                              std::unique_ptr<metrics::Registry> metrics = nullptr,
                                              config::Translations translations = {});
// The same, as far as it can be set up; what is wrong goes to `errors`.
[[nodiscard]] Configuration configure(config::Sources& sources, const std::string& path,
                                      std::span<const PluginType> plugins, std::uint16_t default_port,
                                      std::unique_ptr<metrics::Registry> metrics, config::Errors& errors,
                                      config::Translations translations = {});

// What a Service says, with file, line and directive, as far as it does not say them itself.
[[nodiscard]] Error placed(const NamedService& named, const Error& error);
// Has those of them that remember what they were told forget what is at and below `zone`; gives how many answers that
// was.
template <typename Named>
[[nodiscard]] Result<std::size_t> forget(const std::string& zone, const std::vector<Named>& services) {
  TRY(const dns::Name name, dns::Name::parse(zone));
  std::size_t count = 0;
  for (const Named& each : services) {
    if (auto* const remembering = dynamic_cast<Remembering*>(each.service.get())) count += remembering->forget(name);
  }
  return count;
}

// Service::prepare(), Fetcher::check() or Fetcher::look_up(), whose Error says file, line and directive. Not for a
// block that is unsure.
[[nodiscard]] Result<> prepare(const NamedService& named);
[[nodiscard]] Result<> check(const NamedFetcher& named);
[[nodiscard]] Result<> look_up(const NamedFetcher& named);

}  // namespace swage::server
