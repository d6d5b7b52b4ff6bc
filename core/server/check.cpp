#include "core/server/check.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/config/corefile_text.h"
#include "core/counted.h"
#include "core/log.h"
#include "core/server/configuration.h"
#include "core/server/privileges.h"
#include "core/server/server_secrets.h"
#include "core/server/sockets.h"

namespace swage::server {
namespace {

Configuration set_up(const Options& options, config::Sources& sources, std::span<const PluginType> plugins,
                     config::Translations translations, config::Errors& errors) {
  Configuration configuration =
      configure(sources, options.corefile, plugins, options.dns_port, nullptr, errors, translations);
  for (const NamedService& each : configuration.services) {
    if (each.block->unsure) continue;
    if (const Result<> prepared = prepare(each); !prepared) errors.add(prepared.error());
  }
  for (const NamedFetcher& each : configuration.fetchers) {
    if (each.block->unsure) continue;
    if (const Result<> checked = check(each); !checked) errors.add(checked.error());
  }
  return configuration;
}

// All plugins, as a child has them.
Result<PluginChain> load_all(const Options& options, config::Sources& sources, std::span<const PluginType> built_in,
                             FindLibraries find) {
  TRY(const std::vector<PluginLibrary> libraries, find(config::plugin_paths(sources, options.corefile)));
  return PluginChain::of(built_in, libraries, PluginChain::Load::tried_libraries);
}

// Whether the sockets could be had. What a swage has is presumably the server that is to be reloaded.
void try_ports(const Configuration& configuration, config::Errors& errors) {
  const bool ipv6 = has_ipv6();
  const auto try_one = [&](const Endpoint& endpoint, Transports transports, const config::Token& at) {
    if (!ipv6 && endpoint.address.is_v6() && endpoint.address.is_unspecified()) return;  // the server leaves it out
    const Result<> tried = check_free(endpoint, transports, Objections::all);
    if (tried) return;
    if (tried.error().text().find("by swage") == std::string::npos) return errors.add(at.error(tried.error().text()));
    std::printf("%s is in use by a swage that is running\n", endpoint.to_string().c_str());
  };
  for (const auto& [endpoint, router] : configuration.listeners) {
    try_one(endpoint, router.scheme == Scheme::dns ? Transports::udp_and_tcp : Transports::tcp,
            configuration.places.at(endpoint));
  }
  for (const ServiceSocket& socket : configuration.service_sockets) {
    try_one(socket.endpoint, Transports::tcp, socket.token);
  }
}

// Asks others for what the Corefile names: the last thing, without capabilities.
void look_up_all(const Configuration& configuration, config::Errors& errors) {
  if (configuration.fetchers.empty()) return;
  drop_capabilities(Keep::nothing);
  for (const NamedFetcher& each : configuration.fetchers) {
    if (const Result<> found = look_up(each); !found) errors.add(found.error());
  }
}

// To standard error; with -log-format json, as the log writes it.
void print(std::string_view level, const char* prefix, const std::string& text) {
  const std::string line =
      log::form().json ? log::formed(fmt::format("[{}] {}", level, text)) : prefix + log::one_line(text);
  std::fprintf(stderr, "%s\n", line.c_str());
}

void print_warning(const std::string& text) { print("WARNING", "warning: ", text); }

// Whether the service process could become who `user` says.
void try_user(const Configuration& configuration, config::Errors& errors) {
  if (!configuration.server->user) return;
  const Result<Account> account = find_account(configuration.server->user->text);
  if (!account) errors.add(configuration.server->user->error("user: " + account.error().text()));
}

// What directives of another server mean.
void print_native(const std::string& corefile, config::Sources& sources, config::Translations translations) {
  const auto blocks = config::parse(sources, corefile, translations);  // as before
  if (!blocks || std::ranges::none_of(*blocks, &config::ServerBlock::translated)) return;
  std::string plugins;
  for (const config::Token& path : config::plugin_paths(sources, corefile)) plugins += "plugin " + path.text + "\n";
  std::printf("\n# %s in swage's own directives\n%s%s", corefile.c_str(), plugins.c_str(),
              config::to_text(*blocks).c_str());
}

}  // namespace

int check(const Options& options, config::Sources sources, std::span<const PluginType> built_in, FindLibraries find,
          config::Translations translations) {
  const Result<PluginChain> plugins = load_all(options, sources, built_in, find);
  if (!plugins) {
    print("ERROR", "", plugins.error().text());
    return 1;
  }
  config::Errors errors;
  const Configuration configuration = set_up(options, sources, plugins->types(), translations, errors);
  log::flush();  // not in the middle of what follows
  for (const std::string& warning : sources.warnings()) print_warning(warning);
  for (const Error& warning : configuration.warnings) print_warning(warning.text());
  try_user(configuration, errors);
  if (options.try_ports && errors.empty()) try_ports(configuration, errors);
  if (errors.empty()) look_up_all(configuration, errors);
  if (!errors.empty()) {
    for (const std::string& line : config::lines_of(errors.joined())) print("ERROR", "", line);
    return 1;
  }
  if (const std::size_t count = log::errors(); count > 0) {
    std::fprintf(stderr, "%s: %s above: the server would start without what %s\n", options.corefile.c_str(),
                 counted(count, "error").c_str(), count == 1 ? "it names" : "they name");
    return 1;
  }
  for (const std::string& line : configuration.summary()) std::printf("%s\n", line.c_str());
  for (const auto& [name, snapshot] : configuration.snapshots) {
    if (snapshot->bytes().empty() || name == ServerSecrets::kName) continue;  // not published, or nobody's file
    std::printf("%s: read\n", name.c_str());
  }
  std::printf("OK: the directives, the files that they name, where stores are kept%s\n",
              options.try_ports ? ", and the ports" : "; -ports tries the ports, too");
  print_native(options.corefile, sources, translations);
  return 0;
}

}  // namespace swage::server
