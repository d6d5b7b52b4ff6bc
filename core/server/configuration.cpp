#include "core/server/configuration.h"

#include <algorithm>
#include <iterator>

#include "core/config/parser.h"

namespace swage::server {
namespace {

std::vector<IpAddress> everywhere() { return {IpAddress(), IpAddress::v6(std::array<std::uint8_t, 16>{})}; }

// What configure() was given.
struct Given {
  const config::Sources& sources;
  std::span<const PluginType> plugins;
  std::uint16_t default_port;
};

// Whether a socket at one keeps those who want to listen at the other from it. (Sockets of IPv6 take no IPv4.)
bool overlap(const Endpoint& a, const Endpoint& b) {
  if (a.port != b.port || a.address.is_v6() != b.address.is_v6()) return false;
  return a.address == b.address || a.address.is_unspecified() || b.address.is_unspecified();
}

// The Controller of one directive of one server block.
class Setup : public Controller {
 public:
  Setup(std::vector<config::Token> tokens, const Given& given, const config::ServerBlock& source, Block& block,
        Configuration& configuration, std::string& root)
      : Controller(std::move(tokens)),
        given_(given),
        source_(source),
        block_(block),
        configuration_(configuration),
        root_(root) {}

  const std::vector<dns::Name>& zones() const override { return block_.zones; }

  Result<std::vector<dns::Name>> remaining_zones() override {
    std::vector<dns::Name> zones;
    while (next_arg()) {
      const Result<std::vector<std::string>> texts = config::zones_of(val());
      if (!texts) return std::unexpected(error("{}", texts.error().text()));
      for (const std::string& text : *texts) {
        const Result<dns::Name> zone = dns::Name::parse(text);
        if (!zone) return std::unexpected(error("{}", zone.error().text()));
        zones.push_back(zone->lowercased());
      }
    }
    return zones.empty() ? block_.zones : zones;
  }

  std::string path(std::string_view written) const override {
    return written.starts_with('/') || root_.empty() ? std::string(written) : fmt::format("{}/{}", root_, written);
  }

  const std::vector<std::string>* interface(const std::string& name) const override {
    const auto found = given_.sources.interfaces().find(name);
    return found == given_.sources.interfaces().end() ? nullptr : &found->second;
  }

  void add(std::unique_ptr<const Plugin> plugin) override {
    const auto type = std::ranges::find(given_.plugins, directive(), &PluginType::name);
    if (type != given_.plugins.end()) {
      plugin->set_number(static_cast<std::uint8_t>(type - given_.plugins.begin() + 1));
    }
    block_.chain.push_back(std::move(plugin));
  }
  void add(std::unique_ptr<const Filter> filter) override { block_.filters.push_back(std::move(filter)); }
  void add(std::unique_ptr<const Observer> observer) override { block_.observers.push_back(std::move(observer)); }
  void add(std::unique_ptr<Service> service) override {
    configuration_.services.push_back({directive(), std::move(service), &block_});
  }

  shm::Snapshot& snapshot(const std::string& name) override {
    auto& entry = configuration_.snapshots[name];
    if (entry == nullptr) entry = std::make_unique<shm::Snapshot>(name);
    return *entry;
  }

  shm::Shared& shared(const std::string& name) override { return memory(name, shm::Shared::Audience::everyone); }
  shm::Shared& service_memory(const std::string& name) override { return memory(name, shm::Shared::Audience::service); }

  Result<> listen_tcp(const Endpoint& endpoint) override {
    for (const ServiceSocket& each : configuration_.service_sockets) {
      if (!overlap(each.endpoint, endpoint)) continue;
      std::string what = endpoint.to_string();
      if (each.endpoint != endpoint) {
        const char* const how = endpoint.address.is_unspecified() ? "includes" : "is within";
        what += fmt::format(" {} {}, which", how, each.endpoint.to_string());
      }
      return std::unexpected(error("{} is already that of {}:{}", what, each.token.file, each.token.line));
    }
    configuration_.service_sockets.push_back({endpoint, token(), directive()});
    return {};
  }

  Result<bool> share_tcp(const Endpoint& endpoint) override {
    for (const ServiceSocket& each : configuration_.service_sockets) {
      if (each.endpoint == endpoint && each.directive == directive()) return false;
    }
    TRY(listen_tcp(endpoint));
    return true;
  }

  void add_for_strays(std::unique_ptr<const Observer> observer) override {
    if (configuration_.strays == nullptr) configuration_.strays = std::move(observer);
  }

  std::vector<Listener> listeners() const override {
    std::vector<Listener> listeners;
    const auto add_new = [&](const Endpoint& endpoint, std::string name) {
      const auto is_it = [&](const Listener& each) { return each.endpoint == endpoint; };
      if (std::ranges::none_of(listeners, is_it)) listeners.push_back({endpoint, std::move(name)});
    };
    for (const config::Key& key : source_.keys) {
      const std::uint16_t port = key.port.value_or(given_.default_port);
      for (const IpAddress& address : block_.addresses) {
        const Endpoint endpoint{address, port, 0};
        add_new(endpoint, "dns://" + endpoint.to_string());
      }
      if (!block_.addresses.empty()) continue;
      for (const IpAddress& address : everywhere()) add_new({address, port, 0}, fmt::format("dns://:{}", port));
    }
    return listeners;
  }

  std::vector<std::string> directives() const override {
    std::vector<std::string> names;
    for (const PluginType& plugin : given_.plugins) {
      if (find(plugin.name) == nullptr) continue;
      std::string name = known_as(plugin.name);
      if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
    return names;
  }

  std::string known_as(std::string_view directive) const override {
    const config::Directive* const found = find(directive);
    return found == nullptr || found->known_as.empty() ? std::string(directive) : found->known_as;
  }

  std::string view_name() const override {
    const config::Directive* const view = find("view");
    return view == nullptr || view->tokens.size() < 2 ? std::string() : view->tokens[1].text;
  }

  std::span<const PluginType> all_plugins() const override { return given_.plugins; }

  Metadata& metadata() override { return block_.metadata; }
  void report_ready() override { block_.reports_ready = true; }
  void delay_shutdown(std::chrono::milliseconds time) override {
    configuration_.lameduck = std::max(configuration_.lameduck, time);
  }

  Result<> run_as(const config::Token& user) override {
    if (configuration_.user) {
      const config::Token& other = *configuration_.user;
      return std::unexpected(
          user.error(fmt::format("directive 'user': {}:{} says it already", other.file, other.line)));
    }
    configuration_.user = user;
    return {};
  }

  metrics::Registry& metrics() override { return *configuration_.metrics; }

  void listen_on(std::vector<IpAddress> addresses) override { block_.addresses = std::move(addresses); }
  void limit_tcp(const TcpLimits& limits) override { block_.tcp = limits; }
  void set_root(std::string folder) override { root_ = std::move(folder); }
  void accept_chaos() override { block_.accepts_chaos = true; }

 private:
  // nullptr: the server block has no such directive.
  const config::Directive* find(std::string_view name) const {
    const auto is_it = [name](const config::Directive& each) { return each.name.text == name; };
    const auto found = std::ranges::find_if(source_.directives, is_it);
    return found == source_.directives.end() ? nullptr : &*found;
  }
  shm::Shared& memory(const std::string& name, shm::Shared::Audience audience) {
    auto& entry = configuration_.shared[name];
    if (entry == nullptr) entry = std::make_unique<shm::Shared>(name, audience);
    CHECK(entry->audience() == audience);
    return *entry;
  }

  const Given& given_;
  const config::ServerBlock& source_;
  Block& block_;
  Configuration& configuration_;
  std::string& root_;
};

Result<> run_setups(const config::ServerBlock& source, const Given& given, Block& block, Configuration& configuration) {
  std::string root;
  for (const PluginType& plugin : given.plugins) {
    const auto directive = std::find_if(source.directives.begin(), source.directives.end(),
                                        [&](const auto& each) { return each.name.text == plugin.name; });
    if (directive == source.directives.end()) continue;
    Setup setup(directive->tokens, given, source, block, configuration, root);
    TRY(plugin.setup(setup));
  }
  block.chain.push_back(nullptr);
  return {};
}

// The zones of a block's keys, each once, though "a:53 a:54" names one twice.
Result<std::vector<dns::Name>> zones_of(const config::ServerBlock& source) {
  std::vector<dns::Name> zones;
  for (const config::Key& key : source.keys) {
    for (const std::string& text : key.zones) {
      const Result<dns::Name> zone = dns::Name::parse(text);
      if (!zone) return std::unexpected(key.token.error(zone.error().text()));
      if (std::find(zones.begin(), zones.end(), *zone) == zones.end()) zones.push_back(zone->lowercased());
    }
  }
  return zones;
}

// Who has a zone on a listener for all queries, for errors about those who come second.
struct Owners {
  std::map<std::pair<Endpoint, std::string>, const config::Token*> zones;
  std::map<Endpoint, const config::Token*> listeners;  // the first who has one there
};

// No Service listens where queries come in.
Result<> check_service_sockets(const Configuration& configuration, const Owners& owners) {
  for (const ServiceSocket& socket : configuration.service_sockets) {
    for (const auto& [endpoint, key] : owners.listeners) {
      if (!overlap(endpoint, socket.endpoint)) continue;
      return std::unexpected(
          socket.token.error(fmt::format("{}: DNS is served on {} already, by {}:{}", socket.endpoint.to_string(),
                                         endpoint.to_string(), key->file, key->line)));
    }
  }
  return {};
}

Result<> listen(const config::Key& key, const dns::Name& zone, const Endpoint& endpoint, const Block& block,
                Configuration& configuration, Owners& owners) {
  Router& router = configuration.listeners[endpoint];
  if (!router.add(zone, block)) {
    const config::Token& owner = *owners.zones.at({endpoint, zone.to_string()});
    return std::unexpected(key.token.error(fmt::format("zone {} on {} is already that of {}:{}", zone.to_string(),
                                                       endpoint.to_string(), owner.file, owner.line)));
  }
  if (block.filters.empty()) owners.zones.emplace(std::pair(endpoint, zone.to_string()), &key.token);
  owners.listeners.emplace(endpoint, &key.token);
  const TcpLimits& tcp = block.tcp;
  if (tcp.idle) router.tcp.idle = tcp.idle;
  if (tcp.read) router.tcp.read = tcp.read;
  if (tcp.write) router.tcp.write = tcp.write;
  if (tcp.most_requests) router.tcp.most_requests = tcp.most_requests;
  return {};
}

Result<> add_block(const config::ServerBlock& source, const Given& given, Configuration& configuration,
                   Owners& owners) {
  auto owned = std::make_unique<Block>();
  Block& block = *owned;
  TRY(block.zones, zones_of(source));
  configuration.blocks.push_back(std::move(owned));
  TRY(run_setups(source, given, block, configuration));

  if (block.addresses.empty()) block.addresses = everywhere();
  for (const config::Key& key : source.keys) {
    for (const std::string& text : key.zones) {
      // Routers view the zones where they are kept: in the block.
      const auto zone = std::find(block.zones.begin(), block.zones.end(), *dns::Name::parse(text));
      for (const IpAddress& address : block.addresses) {
        const Endpoint endpoint{address, key.port.value_or(given.default_port), 0};
        TRY(listen(key, *zone, endpoint, block, configuration, owners));
      }
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> Configuration::summary() const {
  std::vector<std::string> lines;
  for (const auto& [endpoint, router] : listeners) {
    for (const auto& block : blocks) {
      for (const dns::Name& zone : block->zones) {
        if (router.serves(zone, *block))
          lines.push_back(fmt::format("dns://{} {}", endpoint.to_string(), zone.to_string()));
      }
    }
  }
  for (const ServiceSocket& socket : service_sockets) {
    lines.push_back(fmt::format("tcp://{} {}", socket.endpoint.to_string(), socket.directive));
  }
  return lines;
}

Result<Configuration> configure(config::Sources& sources, const std::string& path, std::span<const PluginType> plugins,
                                std::uint16_t default_port, std::unique_ptr<metrics::Registry> metrics) {
  TRY(const std::vector<config::ServerBlock> blocks, config::parse(sources, path));
  std::vector<std::string_view> names;
  std::transform(plugins.begin(), plugins.end(), std::back_inserter(names), [](const auto& each) { return each.name; });
  TRY(config::check_directives(blocks, names));
  if (blocks.empty()) return fail("{}: no server block: expected something like 'example.org {{ … }}'", path);

  Configuration configuration;
  configuration.metrics = metrics ? std::move(metrics) : std::make_unique<metrics::Registry>();
  Owners owners;
  const Given given{sources, plugins, default_port};
  for (const config::ServerBlock& block : blocks) {
    TRY(add_block(block, given, configuration, owners));
  }
  TRY(check_service_sockets(configuration, owners));
  return configuration;
}

}  // namespace swage::server
