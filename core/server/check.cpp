#include "core/server/check.h"

#include <algorithm>
#include <cstdio>

#include "core/config/corefile_text.h"
#include "core/log.h"
#include "core/server/configuration.h"

namespace swage::server {
namespace {

Result<Configuration> set_up(const Options& options, config::Sources& sources, std::span<const PluginType> plugins) {
  TRY(Configuration configuration, configure(sources, options.corefile, plugins, options.dns_port));
  for (const NamedService& each : configuration.services) TRY(each.service->prepare());
  return configuration;
}

// What p2p-forge's directives come to.
void print_native(const std::string& corefile, config::Sources& sources) {
  const auto blocks = config::parse(sources, corefile);  // as before
  if (!blocks || std::ranges::none_of(*blocks, &config::ServerBlock::translated)) return;
  std::printf("\n# %s in swage's own directives\n%s", corefile.c_str(), config::to_text(*blocks).c_str());
}

}  // namespace

int check(const Options& options, config::Sources sources, std::span<const PluginType> plugins) {
  const Result<Configuration> configuration = set_up(options, sources, plugins);
  log::flush();  // not in the middle of what follows
  for (const std::string& warning : sources.warnings()) {
    std::fprintf(stderr, "warning: %s\n", log::one_line(warning).c_str());
  }
  if (!configuration) {
    std::fprintf(stderr, "%s\n", log::one_line(configuration.error().text()).c_str());
    return 1;
  }
  for (const std::string& line : configuration->summary()) std::printf("%s\n", line.c_str());
  for (const auto& [name, snapshot] : configuration->snapshots) {
    if (snapshot->bytes().empty()) continue;  // nobody publishes it
    std::printf("%s: %zu bytes\n", name.c_str(), snapshot->bytes().size());
  }
  print_native(options.corefile, sources);
  return 0;
}

}  // namespace swage::server
