#include "core/server/configuration.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include <fmt/format.h>

#include "core/config/parser.h"
#include "core/crash_note.h"
#include "core/server/amplification.h"
#include "core/server/directive_setup.h"
#include "core/server/server_secrets.h"
#include "core/server/switches.h"
#include "core/server/versions.h"

namespace swage::server {
namespace {

// The zones of a block's keys, each once, though "a:53 a:54" names one twice.
std::vector<dns::Name> zones_of(const config::ServerBlock& source, config::Errors& errors) {
  std::vector<dns::Name> zones;
  for (const config::Key& key : source.keys) {
    for (const std::string& text : key.zones) {
      const Result<dns::Name> zone = dns::Name::parse(text);
      if (!zone) {
        errors.add(key.token.error(zone.error().text()));
      } else if (std::ranges::find(zones, *zone) == zones.end()) {
        zones.push_back(zone->lowercased());
      }
    }
  }
  return zones;
}

// The server blocks that have a zone on a listener for all queries, for errors about later ones.
struct Owners {
  std::map<std::pair<Endpoint, std::string>, const config::Token*> zones;
  std::map<Endpoint, const config::Token*> listeners;  // the first one there
};

// No Service listens where queries come in.
void check_service_sockets(const Configuration& configuration, const Owners& owners, config::Errors& errors) {
  for (const ServiceSocket& socket : configuration.service_sockets) {
    const auto taken = std::ranges::find_if(
        owners.listeners, [&](const auto& listener) { return overlap(listener.first, socket.endpoint); });
    if (taken == owners.listeners.end()) continue;
    const auto& [endpoint, key] = *taken;
    errors.add(
        socket.token.error(fmt::format("{}: {}: DNS is served on {} already, by {}:{}", socket.directive,
                                       socket.endpoint.to_string(), endpoint.to_string(), key->file, key->line)));
  }
}

// Whether the block may be one of those on this listener: all of them are asked in the same way.
Result<> agree(const config::Key& key, const Endpoint& endpoint, const Block& block, Configuration& configuration) {
  const auto known = configuration.listeners.find(endpoint);
  const auto& tls = block.settings.tls;
  if (known == configuration.listeners.end()) {
    Router& router = configuration.listeners[endpoint];
    router.scheme = key.scheme;
    if (key.scheme != Scheme::dns) router.tls = &*tls;
    return {};
  }
  const Router& router = known->second;
  const config::Token& first = configuration.places.at(endpoint);
  if (router.scheme != key.scheme) {
    return std::unexpected(key.token.error(fmt::format("{} is that of {}:// already, by {}:{}", endpoint.to_string(),
                                                       to_string(router.scheme), first.file, first.line)));
  }
  if (router.tls != nullptr && *router.tls != *tls) {
    return std::unexpected(key.token.error(
        fmt::format("tls: the server block of {}:{}, on {}, says something else: there is one certificate on a port",
                    first.file, first.line, endpoint.to_string())));
  }
  return {};
}

Result<> listen(const config::Key& key, const dns::Name& zone, const Endpoint& endpoint, const Block& block,
                Configuration& configuration, Owners& owners) {
  TRY(agree(key, endpoint, block, configuration));
  Router& router = configuration.listeners[endpoint];
  if (!router.add(zone, block)) {
    const config::Token& owner = *owners.zones.at({endpoint, zone.to_string()});
    return std::unexpected(key.token.error(fmt::format("zone {} on {} is already that of {}:{}", zone.to_string(),
                                                       endpoint.to_string(), owner.file, owner.line)));
  }
  if (block.filters.empty()) owners.zones.emplace(std::pair(endpoint, zone.to_string()), &key.token);
  owners.listeners.emplace(endpoint, &key.token);
  configuration.places.emplace(endpoint, key.token);
  const auto& proxy = block.settings.proxy;
  if (proxy && router.proxy != nullptr && *router.proxy != *proxy) {
    return std::unexpected(key.token.error(
        fmt::format("proxyproto: another server block on {} says something else", endpoint.to_string())));
  }
  if (proxy) router.proxy = &*proxy;
  const TcpLimits& tcp = block.settings.tcp;
  if (tcp.idle) router.tcp.idle = tcp.idle;
  if (tcp.read) router.tcp.read = tcp.read;
  if (tcp.write) router.tcp.write = tcp.write;
  if (tcp.most_requests) router.tcp.most_requests = tcp.most_requests;
  return {};
}

void add_block(const config::ServerBlock& source, const Inputs& inputs, Configuration& configuration, Owners& owners,
               config::Errors& errors) {
  auto owned = std::make_unique<Block>();
  Block& block = *owned;
  block.settings = settings_of(source, inputs, *configuration.server);
  block.settings.zones = zones_of(source, errors);
  configuration.blocks.push_back(std::move(owned));
  run_setups(source, inputs, block, configuration, errors);
  if (block.unsure) return;  // what it serves, and where, is not known

  std::vector<IpAddress>& addresses = block.settings.addresses;
  if (addresses.empty()) addresses = everywhere();
  std::vector<dns::Name>& zones = block.settings.zones;
  for (const config::Key& key : source.keys) {
    if (key.scheme != Scheme::dns && !block.settings.tls) {
      errors.add(key.token.error(fmt::format("{}:// needs a certificate: expected 'tls CERT KEY' in this server block",
                                             to_string(key.scheme))));
      continue;
    }
    for (const std::string& text : key.zones) {
      // Routers view the zones where they are kept: in the block.
      const auto name = dns::Name::parse(text);
      const auto zone = name ? std::ranges::find(zones, *name) : zones.end();
      if (zone == zones.end()) continue;
      for (const IpAddress& address : addresses) {
        const Endpoint endpoint{address, key.port.value_or(default_port(key.scheme, inputs)), 0};
        const Result<> listening = listen(key, *zone, endpoint, block, configuration, owners);
        if (listening) continue;
        errors.add(listening.error());
        break;  // on the other addresses it is the same
      }
    }
  }
}

// What every server has, without a line in the Corefile: cookies, a limit of large answers, and what swagectl switches.
void add_protection(Configuration& configuration) {
  auto& secrets = configuration.snapshots[ServerSecrets::kName];
  if (secrets == nullptr) secrets = std::make_unique<shm::Snapshot>(ServerSecrets::kName);
  auto& switches = configuration.snapshots[Switches::kName];
  if (switches == nullptr) switches = std::make_unique<shm::Snapshot>(Switches::kName);
  auto& memory = configuration.worker_memories[AmplificationLimit::kName];
  memory = std::make_unique<shm::WorkerMemory>(AmplificationLimit::kName);
  memory->ask_for(rates::RateTable::bytes_for(AmplificationLimit::kAccounts));
  versions::declare(configuration);
  if (configuration.blocks.empty() || configuration.places.empty()) return;  // something is wrong
  const CookieSettings& settings = configuration.server->cookies;
  const config::Token at = settings.at ? *settings.at : configuration.places.begin()->second;
  configuration.services.push_back(
      {"cookie", std::make_unique<ServerSecrets>(settings, *secrets), configuration.blocks.front().get(), at});
}

}  // namespace

bool Configuration::is_fetched(const shm::Shared& memory) const {
  return std::ranges::any_of(fetchers, [&](const NamedFetcher& each) { return &each.fetcher->memory() == &memory; });
}

Result<> Configuration::take(message::OwnPiece message) {
  const auto memory = worker_memories.find(message.name);
  if (memory == worker_memories.end() || message.worker >= shm::WorkerMemory::kMaxWorkers) return {};
  TRY(shm::Segment piece, shm::Segment::attach(std::move(message.piece)));
  piece.close_descriptor();
  if (piece.bytes().size() != memory->second->size()) return fail("{}: memory of another size", message.name);
  memory->second->begin(message.worker, std::move(piece));
  return {};
}

Result<> Configuration::take(message::WorkerPiece message) {
  const auto memory = worker_memories.find(message.name);
  if (memory == worker_memories.end() || message.worker >= shm::WorkerMemory::kMaxWorkers) return {};
  TRY(shm::Mapping piece, shm::Mapping::open_sealed(std::move(message.piece), shm::Seal::elsewhere));
  piece.close_descriptor();
  if (piece.bytes().size() != memory->second->size()) return fail("{}: memory of another size", message.name);
  memory->second->replace(message.worker, std::move(piece));
  return {};
}

std::vector<std::string> Configuration::summary() const {
  std::vector<std::string> lines;
  for (const auto& [endpoint, router] : listeners) {
    for (const auto& block : blocks) {
      for (const dns::Name& zone : block->settings.zones) {
        if (router.serves(zone, *block)) {
          lines.push_back(fmt::format("{}://{} {}", to_string(router.scheme), endpoint.to_string(), zone.to_string()));
        }
      }
    }
  }
  for (const ServiceSocket& socket : service_sockets) {
    lines.push_back(fmt::format("tcp://{} {}", socket.endpoint.to_string(), socket.directive));
  }
  return lines;
}

Configuration configure(config::Sources& sources, const std::string& path, std::span<const PluginType> plugins,
                        std::uint16_t default_port, std::unique_ptr<metrics::Registry> metrics, config::Errors& errors,
                        config::Translations translations) {
  Configuration configuration;
  configuration.metrics = metrics ? std::move(metrics) : std::make_unique<metrics::Registry>();
  const std::vector<config::ServerBlock> blocks = config::parse(sources, path, errors, translations);
  if (blocks.empty() && errors.empty()) {
    errors.add(fail("{}: no server block: expected something like 'example.org {{ … }}'", path));
  }
  Owners owners;
  const Inputs inputs{sources, plugins, default_port};
  const CrashNote note(fmt::format("{}: crashed while it was set up", path));  // so that those within cost little
  for (const config::ServerBlock& block : blocks) add_block(block, inputs, configuration, owners, errors);
  check_service_sockets(configuration, owners, errors);
  add_protection(configuration);
  return configuration;
}

Result<Configuration> configure(config::Sources& sources, const std::string& path, std::span<const PluginType> plugins,
                                std::uint16_t default_port, std::unique_ptr<metrics::Registry> metrics,
                                config::Translations translations) {
  config::Errors errors;
  Configuration configuration =
      configure(sources, path, plugins, default_port, std::move(metrics), errors, translations);
  if (!errors.empty()) return std::unexpected(errors.joined());
  return configuration;
}

Error placed(const NamedService& named, const Error& error) {
  const std::string& text = error.text();
  const std::string directive = named.name + ": ";
  if (!text.starts_with(named.at.file + ":")) return named.at.error(directive + text);
  const std::size_t place = text.find(": ", named.at.file.size());
  if (place == std::string::npos || text.compare(place + 2, directive.size(), directive) == 0) return error;
  return Error(text.substr(0, place + 2) + directive + text.substr(place + 2));
}

// What `step`, a function of the Service, comes to; who crashes in it is named.
static Result<> step_of(const NamedService& named, std::string_view name, const std::function<Result<>()>& step) {
  const CrashNote note(placed(named, Error(fmt::format("crashed in {}", name))).text());
  const Result<> done = step();
  if (done) return {};
  return std::unexpected(placed(named, done.error()));
}

Result<> prepare(const NamedService& named) {
  return step_of(named, "prepare()", [&] { return named.service->prepare(); });
}

Result<> check(const NamedFetcher& named) {
  return step_of(named, "check()", [&] { return named.fetcher->check(); });
}

Result<> look_up(const NamedFetcher& named) {
  return step_of(named, "look_up()", [&] { return named.fetcher->look_up(); });
}

}  // namespace swage::server
