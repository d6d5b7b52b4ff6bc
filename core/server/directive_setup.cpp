#include "core/server/directive_setup.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "core/config/nearest.h"
#include "core/crash_note.h"

namespace swage::server {
namespace {

// The Controller of one directive of one server block.
class Setup : public Controller {
 public:
  // `number`: of the directive in plugins.def, from 1.
  Setup(std::vector<config::Token> tokens, std::uint8_t number, Block& block, Configuration& configuration)
      : Controller(std::move(tokens)), number_(number), block_(block), configuration_(configuration) {}

  ServerBlock& block() override { return block_.settings; }

  void add(std::unique_ptr<const Plugin> plugin) override {
    for (std::size_t kind = 0; kind < dns::kMessageKinds; ++kind) {
      if (plugin->sees(static_cast<dns::MessageKind>(kind))) block_.chains[kind].push_back({plugin.get(), number_});
    }
    block_.plugins.push_back(std::move(plugin));
  }
  void add(std::unique_ptr<const Filter> filter) override { block_.filters.push_back(std::move(filter)); }
  void add(std::unique_ptr<const Observer> observer) override { block_.observers.push_back(std::move(observer)); }
  void add(std::unique_ptr<Service> service) override {
    configuration_.services.push_back({directive(), std::move(service), &block_, occurrence()});
  }

  void add_fetcher(std::unique_ptr<Fetcher> fetcher) override {
    Fetcher* const added = fetcher.get();
    added->fetch().set_by(Fetch::By::fetch);
    configuration_.fetchers.push_back({{directive(), std::move(fetcher), &block_, occurrence()}, added});
  }

  shm::Snapshot& snapshot(const std::string& name) override { return find_or_add(configuration_.snapshots, name); }
  shm::Shared& shared(const std::string& name) override { return find_or_add(configuration_.shared, name); }
  shm::ServiceMemory& service_memory(const std::string& name) override {
    return find_or_add(configuration_.service_memories, name);
  }
  shm::WorkerMemory& worker_memory(const std::string& name, std::size_t bytes) override {
    shm::WorkerMemory& memory = find_or_add(configuration_.worker_memories, name);
    memory.ask_for(bytes);
    return memory;
  }

  Fetch& fetch(const std::string& name) override {
    auto& all = configuration_.fetches;
    const auto found = std::ranges::find_if(all, [&](const auto& each) { return each->name() == name; });
    if (found != all.end()) return **found;
    all.push_back(std::make_unique<Fetch>(name, static_cast<std::uint16_t>(all.size() + 1)));
    return *all.back();
  }

  Result<bool> listen_tcp(const Endpoint& endpoint, Sharing sharing) override {
    for (const ServiceSocket& each : configuration_.service_sockets) {
      if (!overlap(each.endpoint, endpoint)) continue;
      const bool same = each.endpoint == endpoint;
      if (same && sharing == Sharing::between_blocks && each.directive == directive()) return false;
      std::string what = endpoint.to_string();
      if (!same) {
        const char* const how = endpoint.address.is_unspecified() ? "includes" : "is within";
        what += fmt::format(" {} {}, which", how, each.endpoint.to_string());
      }
      return fail("{} is already that of {}:{}", what, each.token.file, each.token.line);
    }
    configuration_.service_sockets.push_back({endpoint, token(), directive()});
    return true;
  }

  metrics::Registry& metrics() override { return *configuration_.metrics; }
  void warn(const Error& warning) override { configuration_.warnings.push_back(warning); }

 private:
  template <typename Memory>
  static Memory& find_or_add(std::map<std::string, std::unique_ptr<Memory>>& all, const std::string& name) {
    auto& entry = all[name];
    if (entry == nullptr) entry = std::make_unique<Memory>(name);
    return *entry;
  }

  std::uint8_t number_;
  Block& block_;
  Configuration& configuration_;
};

using Tokens = std::vector<config::Token>;

// What is said in the occurrences of a directive, each by itself.
std::vector<Tokens> occurrences(const Tokens& tokens) {
  std::vector<Tokens> each;
  unsigned depth = 0;
  for (const config::Token& token : tokens) {
    if (each.empty() || (depth == 0 && token.starts_line && !token.is_open())) each.emplace_back();
    if (token.is_open()) ++depth;
    if (token.is_close()) --depth;
    each.back().push_back(token);
  }
  return each;
}

bool is_broken(const Tokens& tokens) { return std::ranges::any_of(tokens, &config::Token::broken); }

// False where something is wrong, which is in `errors` then.
bool run_setup(const PluginType& plugin, Setup& setup, config::Errors& errors) {
  const CrashNote note(setup.error_at(setup.occurrence(), "crashed in setup()").text());
  const Result<> done = plugin.setup(setup);
  if (done) setup.finish();
  for (const Error& each : setup.errors()) errors.add(each);
  if (!done) errors.add(setup.placed(done.error()));
  const std::optional<Error> bad_metric = setup.metrics().take_mistake();
  if (bad_metric) errors.add(setup.placed(*bad_metric));
  return done && setup.errors().empty() && !bad_metric;
}

// A setup() may end at its first error: the occurrences of its directive are tried one by one, beside the
// configuration.
void find_errors(const PluginType& plugin, const config::Directive& directive, const config::ServerBlock& source,
                 const Inputs& inputs, const Block& block, config::Errors& errors) {
  const std::vector<Tokens> each = occurrences(directive.tokens);
  if (each.size() == 1) return;
  Configuration aside;
  aside.metrics = std::make_unique<metrics::Registry>();
  for (const Tokens& tokens : each) {
    if (is_broken(tokens)) continue;
    aside.services.clear();  // they point to a block before
    aside.fetchers.clear();
    aside.service_sockets.clear();
    *aside.server = WholeServer();
    Block copy;
    copy.settings = settings_of(source, inputs, *aside.server);
    copy.settings.zones = block.settings.zones;
    copy.settings.addresses = block.settings.addresses;
    Setup setup(tokens, 0, copy, aside);
    run_setup(plugin, setup, errors);
  }
}

// An error for each directive that does not exist.
void check_names(const config::ServerBlock& source, std::span<const PluginType> plugins, Block& block,
                 config::Errors& errors) {
  std::vector<std::string_view> known;
  for (const PluginType& plugin : plugins) known.push_back(plugin.name);
  for (const config::Directive& directive : source.directives) {
    if (std::ranges::find(known, directive.name.text) != known.end()) continue;
    for (const Tokens& each : occurrences(directive.tokens)) {
      errors.add(config::unknown_directive(each.front(), known));
    }
    const auto near = config::nearest(directive.name.text, known);
    block.unsure = block.unsure || (near && std::ranges::find(plugins, *near, &PluginType::name)->shapes_block);
  }
}

// nullptr: the server block has no such directive.
const config::Directive* find(const config::ServerBlock& source, std::string_view name) {
  const auto is_it = [name](const config::Directive& each) { return each.name.text == name; };
  const auto found = std::ranges::find_if(source.directives, is_it);
  return found == source.directives.end() ? nullptr : &*found;
}

}  // namespace

bool overlap(const Endpoint& a, const Endpoint& b) {
  if (a.port != b.port || a.address.is_v6() != b.address.is_v6()) return false;
  return a.address == b.address || a.address.is_unspecified() || b.address.is_unspecified();
}

std::uint16_t default_port(Scheme scheme, const Inputs& inputs) {
  constexpr std::uint16_t kTls = 853, kHttps = 443;
  return scheme == Scheme::tls ? kTls : scheme == Scheme::https ? kHttps : inputs.default_port;
}

ServerBlock settings_of(const config::ServerBlock& source, const Inputs& inputs, WholeServer& server) {
  ServerBlock settings;
  for (const config::Key& key : source.keys) {
    settings.ports.push_back({key.port.value_or(default_port(key.scheme, inputs)), key.scheme});
  }
  for (const PluginType& plugin : inputs.plugins) {
    const config::Directive* const here = find(source, plugin.name);
    const bool renamed = here != nullptr && !here->known_as.empty();
    settings.directives.push_back({plugin.name, renamed ? here->known_as : std::string(plugin.name), here != nullptr});
  }
  settings.interfaces = &inputs.sources.interfaces();
  settings.server = &server;
  return settings;
}

void run_setups(const config::ServerBlock& source, const Inputs& inputs, Block& block, Configuration& configuration,
                config::Errors& errors) {
  block.unsure = source.incomplete;
  // The root: whatever zone is named may be one of the block's.
  if (block.unsure) block.settings.zones.push_back(dns::Name());
  check_names(source, inputs.plugins, block, errors);
  std::uint8_t number = 0;
  for (const PluginType& plugin : inputs.plugins) {
    ++number;
    const config::Directive* const directive = find(source, plugin.name);
    if (directive == nullptr) continue;
    if (!is_broken(directive->tokens)) {
      Setup setup(directive->tokens, number, block, configuration);
      if (run_setup(plugin, setup, errors)) continue;
    }
    find_errors(plugin, *directive, source, inputs, block, errors);
    block.unsure = block.unsure || plugin.shapes_block;
  }
  for (std::vector<ChainEntry>& chain : block.chains) chain.emplace_back();
  if (!block.unsure) std::ranges::move(block.settings.metadata.missing(), std::back_inserter(configuration.warnings));
}

}  // namespace swage::server
