#include "core/server/check.h"

#include <cstdio>

#include "core/server/configuration.h"

namespace swage::server {
namespace {

Result<Configuration> set_up(const Options& options, config::Sources& sources, std::span<const PluginType> plugins) {
  TRY(Configuration configuration, configure(sources, options.corefile, plugins, options.dns_port));
  for (const NamedService& each : configuration.services) TRY(each.service->prepare());
  return configuration;
}

}  // namespace

int check(const Options& options, config::Sources sources, std::span<const PluginType> plugins) {
  const Result<Configuration> configuration = set_up(options, sources, plugins);
  for (const std::string& warning : sources.warnings()) std::fprintf(stderr, "warning: %s\n", warning.c_str());
  if (!configuration) {
    std::fprintf(stderr, "%s\n", configuration.error().text().c_str());
    return 1;
  }
  for (const std::string& line : configuration->summary()) std::printf("%s\n", line.c_str());
  for (const auto& [name, snapshot] : configuration->snapshots) {
    if (snapshot->bytes().empty()) continue;  // nobody publishes it
    std::printf("%s: %zu bytes\n", name.c_str(), snapshot->bytes().size());
  }
  return 0;
}

}  // namespace swage::server
