#include "core/server/directive_setup.h"

#include <algorithm>
#include <array>

#include "core/config/nearest.h"

namespace swage::server {
namespace {

// What these say changes what other directives and other server blocks mean: where one of them is wrong, only what is
// wrong in any case is told of the rest.
constexpr std::array<std::string_view, 3> kShaping = {"root", "bind", "view"};

bool is_shaping(std::string_view name) { return std::ranges::find(kShaping, name) != kShaping.end(); }

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
    configuration_.services.push_back({directive(), std::move(service), &block_, occurrence()});
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

  void warn(const Error& warning) override { configuration_.warnings.push_back(warning); }

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

using Tokens = std::vector<config::Token>;

// What is said in the occurrences of a directive, each by itself.
std::vector<Tokens> occurrences(const Tokens& tokens) {
  std::vector<Tokens> each;
  unsigned depth = 0;
  for (const config::Token& token : tokens) {
    if (each.empty() || (depth == 0 && token.starts_line)) each.emplace_back();
    if (token.is_open()) ++depth;
    if (token.is_close()) --depth;
    each.back().push_back(token);
  }
  return each;
}

bool is_broken(const Tokens& tokens) { return std::ranges::any_of(tokens, &config::Token::broken); }

// A setup() ends at its first error: the occurrences of its directive are tried one by one, beside the configuration.
void find_errors(const PluginType& plugin, const config::Directive& directive, const Given& given,
                 const config::ServerBlock& source, const Block& block, config::Errors& errors) {
  const std::vector<Tokens> each = occurrences(directive.tokens);
  if (each.size() == 1) return;
  Configuration aside;
  aside.metrics = std::make_unique<metrics::Registry>();
  for (const Tokens& tokens : each) {
    if (is_broken(tokens)) continue;
    Block copy;
    copy.zones = block.zones;
    copy.addresses = block.addresses;
    std::string root;
    aside.services.clear();  // they point to a block before
    aside.service_sockets.clear();
    aside.user.reset();
    Setup setup(tokens, given, source, copy, aside, root);
    if (const Result<> done = plugin.setup(setup); !done) errors.add(done.error());
  }
}

// An error for each directive that does not exist.
void check_names(const config::ServerBlock& source, const Given& given, Block& block, config::Errors& errors) {
  std::vector<std::string_view> known;
  for (const PluginType& plugin : given.plugins) known.push_back(plugin.name);
  for (const config::Directive& directive : source.directives) {
    if (std::ranges::find(known, directive.name.text) != known.end()) continue;
    for (const Tokens& each : occurrences(directive.tokens)) {
      errors.add(config::unknown_directive(each.front(), known));
    }
    const auto near = config::nearest(directive.name.text, known);
    if (near && is_shaping(*near)) block.unsure = true;
  }
}

}  // namespace

std::vector<IpAddress> everywhere() { return {IpAddress(), IpAddress::v6(std::array<std::uint8_t, 16>{})}; }

bool overlap(const Endpoint& a, const Endpoint& b) {
  if (a.port != b.port || a.address.is_v6() != b.address.is_v6()) return false;
  return a.address == b.address || a.address.is_unspecified() || b.address.is_unspecified();
}

void run_setups(const config::ServerBlock& source, const Given& given, Block& block, Configuration& configuration,
                config::Errors& errors) {
  block.unsure = source.incomplete;
  if (block.unsure) block.zones.push_back(dns::Name());  // the root: whatever zone is named may be one of the block's
  check_names(source, given, block, errors);
  std::string root;
  for (const PluginType& plugin : given.plugins) {
    const auto directive =
        std::ranges::find_if(source.directives, [&](const auto& each) { return each.name.text == plugin.name; });
    if (directive == source.directives.end()) continue;
    Result<> done;
    if (const bool broken = is_broken(directive->tokens); !broken) {
      Setup setup(directive->tokens, given, source, block, configuration, root);
      done = plugin.setup(setup);
      if (done) continue;
      errors.add(done.error());
    }
    find_errors(plugin, *directive, given, source, block, errors);
    block.unsure = block.unsure || is_shaping(plugin.name);
  }
  block.chain.push_back(nullptr);
  if (!block.unsure) std::ranges::move(block.metadata.missing(), std::back_inserter(configuration.warnings));
}

}  // namespace swage::server
