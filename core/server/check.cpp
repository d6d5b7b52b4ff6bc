#include "core/server/check.h"

#include <algorithm>
#include <cstdio>

#include "core/config/corefile_text.h"
#include "core/counted.h"
#include "core/log.h"
#include "core/server/configuration.h"
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
  return configuration;
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
    try_one(endpoint, Transports::udp_and_tcp, configuration.places.at(endpoint));
  }
  for (const ServiceSocket& socket : configuration.service_sockets) {
    try_one(socket.endpoint, Transports::tcp, socket.token);
  }
}

void print_warning(const std::string& text) { std::fprintf(stderr, "warning: %s\n", log::one_line(text).c_str()); }

// What directives of another server mean.
void print_native(const std::string& corefile, config::Sources& sources, config::Translations translations) {
  const auto blocks = config::parse(sources, corefile, translations);  // as before
  if (!blocks || std::ranges::none_of(*blocks, &config::ServerBlock::translated)) return;
  std::printf("\n# %s in swage's own directives\n%s", corefile.c_str(), config::to_text(*blocks).c_str());
}

}  // namespace

int check(const Options& options, config::Sources sources, std::span<const PluginType> plugins,
          config::Translations translations) {
  config::Errors errors;
  const Configuration configuration = set_up(options, sources, plugins, translations, errors);
  log::flush();  // not in the middle of what follows
  for (const std::string& warning : sources.warnings()) print_warning(warning);
  for (const Error& warning : configuration.warnings) print_warning(warning.text());
  if (options.try_ports && errors.empty()) try_ports(configuration, errors);
  if (!errors.empty()) {
    for (const std::string& line : config::lines_of(errors.joined())) std::fprintf(stderr, "%s\n", line.c_str());
    return 1;
  }
  if (const std::size_t count = log::errors(); count > 0) {
    std::fprintf(stderr, "%s: %s above: the server would start without what %s\n", options.corefile.c_str(),
                 counted(count, "error").c_str(), count == 1 ? "it names" : "they name");
    return 1;
  }
  for (const std::string& line : configuration.summary()) std::printf("%s\n", line.c_str());
  for (const auto& [name, snapshot] : configuration.snapshots) {
    if (snapshot->bytes().empty()) continue;  // nobody publishes it
    std::printf("%s: read\n", name.c_str());
  }
  std::printf("OK: the directives, the files that they name, where stores are kept%s\n",
              options.try_ports ? ", and the ports" : "; -ports tries the ports, too");
  print_native(options.corefile, sources, translations);
  return 0;
}

}  // namespace swage::server
