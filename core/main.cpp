// The swage program: one binary that is the supervisor, or, started by it, one of its children.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

#include "core/config/dotenv.h"
#include "core/dynamodb/credentials.h"
#include "core/forge/access_token.h"
#include "core/forge/p2p_forge.h"
#include "core/log.h"
#include "core/plugin/library.h"
#include "core/scaffold/new_plugin.h"
#include "core/server/check.h"
#include "core/server/child.h"
#include "core/server/handover.h"
#include "core/server/options.h"
#include "core/server/privileges.h"
#include "core/server/reload_record.h"
#include "core/server/supervisor.h"
#include "core/signing/keys_command.h"
#include "plugins/loaded.h"
#include "plugins/plugins.h"

namespace swage {
namespace {

using server::Options;

// Whose directives a Corefile may have beside swage's own.
constexpr config::Translation kTranslations[] = {forge::translate_p2p_forge};

// Where there is no Corefile and none was named: something that answers, as CoreDNS does.
constexpr std::string_view kDefaultCorefile = ".\n{\n    whoami\n    log\n}\n";

// Where the build was not made from a git tree, the commit is not known.
#ifdef SWAGE_COMMIT
constexpr const char* kCommit = ", commit " SWAGE_COMMIT;
#else
constexpr const char* kCommit = "";
#endif
#ifdef __clang__
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "g++ " __VERSION__;
#endif

config::Sources first_sources(Options& options) {
  config::Sources sources = config::Sources::from_disk();
  if (options.corefile == "stdin") {
    std::ostringstream text;
    text << std::cin.rdbuf();
    sources.add("stdin", text.str());
    options.corefile_on_disk = false;
  } else if (!options.corefile_given && access(options.corefile.c_str(), F_OK) != 0) {
    options.corefile = "(default Corefile)";
    options.corefile_on_disk = false;
    sources.add(options.corefile, std::string(kDefaultCorefile));
  }
  return sources;
}

// Descriptors 0 to 2 are standard input, output and error, or nothing: a socket that got one of these numbers would be
// written to by mistake.
void occupy_standard_descriptors() {
  int fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_RDWR);
  if (fd >= 0) close(fd);
}

// Zones and connections take descriptors: as many as the system lets us have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// The file .env of the working directory, as p2p-forge does it: before the Corefile is read, and for the children too.
// One that is not in order changes nothing and is reported.
constexpr const char* kDotenv = ".env";

int serve(Options options) {
  options.service_variables = {
      forge::kAccessTokenVariable, dynamodb::kKeyId,       dynamodb::kSecret,   dynamodb::kToken,
      dynamodb::kRegion,           dynamodb::kUsualRegion, dynamodb::kEndpoint, dynamodb::kUsualEndpoint};
  server::become_undumpable();  // its environment may hold the broker's access token
  log::set_form(options.log_form);
  const Result<bool> dotenv = config::load_dotenv(kDotenv);  // before there are threads
  raise_descriptor_limit();
  server::Supervisor::block_signals();  // before anybody may send one
  if (!dotenv) log::warning("{}; none of its variables is set", dotenv.error().text());
  if (dotenv && *dotenv && !options.quiet) log::info("{} found and loaded", kDotenv);
  config::Sources sources = first_sources(options);
  int status = 0;
  {
    server::Supervisor supervisor(std::move(options), std::move(sources), plugins::all(), plugins::find_libraries,
                                  kTranslations);
    status = supervisor.run();
  }
  log::flush();
  return status;
}

// In chain order; behind those of other repositories, where they come from.
Result<> print_chain(std::span<const config::Token> named) {
  TRY(const std::vector<PluginLibrary> libraries, plugins::find_libraries(named));
  TRY(const PluginChain chain, PluginChain::of(plugins::all(), libraries, PluginChain::Load::nothing));
  for (const PluginType& plugin : chain.types()) {
    std::string from;
    if (!plugins::origin(plugin.name).empty()) from = fmt::format("  built in from {}", plugins::origin(plugin.name));
    for (const PluginLibrary& library : libraries) {
      if (library.directive == plugin.name) from = fmt::format("  loaded from {}", library.path);
    }
    std::puts((std::string(plugin.name) + from).c_str());
  }
  return {};
}

// With -conf: those that the Corefile loads, too.
int print_plugins(Options options) {
  std::vector<config::Token> named;
  if (options.corefile_given) {
    config::Sources sources = first_sources(options);
    config::Errors errors;
    static_cast<void>(config::parse(sources, options.corefile, errors));
    if (!errors.empty()) {
      std::fprintf(stderr, "%s\n", errors.joined().text().c_str());
      return 1;
    }
    named = config::plugin_paths(sources, options.corefile);
  }
  if (const Result<> printed = print_chain(named); !printed) {
    std::fprintf(stderr, "swage: %s\n", printed.error().text().c_str());
    return 1;
  }
  return 0;
}

// swage new-plugin NAME [--service] [--observer]
int make_plugin(std::span<const char* const> arguments) {
  std::vector<std::string_view> taken;
  for (const PluginType& plugin : plugins::all()) taken.push_back(plugin.name);
  const auto plugin = scaffold::parse_new_plugin(arguments, taken);
  if (!plugin) {
    std::fprintf(stderr, "swage: %s\n", plugin.error().text().c_str());
    return 2;
  }
  if (const Result<> written = scaffold::write_new_plugin(*plugin); !written) {
    std::fprintf(stderr, "swage: %s\n", written.error().text().c_str());
    return 1;
  }
  std::printf("%s/ has a plugin that answers, with its test; its README.md says how it is built\n",
              plugin->name.c_str());
  return 0;
}

// swage keys …
int run_keys(std::span<const char* const> arguments) {
  const signing::CommandOutput output = signing::run_keys_command(arguments, std::time(nullptr));
  std::fputs(output.text.c_str(), stdout);
  std::fputs(output.errors.c_str(), stderr);
  return output.status;
}

int run(std::span<const char* const> arguments, server::Invocation invocation) {
  if (!arguments.empty() && arguments[0] == std::string_view("new-plugin")) return make_plugin(arguments.subspan(1));
  if (!arguments.empty() && arguments[0] == std::string_view("keys")) return run_keys(arguments.subspan(1));
  Result<Options> options = server::parse_options(arguments);
  if (!options) {
    std::fprintf(stderr, "swage: %s\n", options.error().text().c_str());
    return 2;
  }
  switch (options->action) {
    case Options::Action::print_help:
      std::printf("%s", server::help().data());
      return 0;
    case Options::Action::print_version:
      std::printf("swage-%s\n%s%s\n", SWAGE_VERSION, kCompiler, kCommit);
      return 0;
    case Options::Action::print_plugins:
      return print_plugins(*std::move(options));
    case Options::Action::check: {
      log::set_form(options->log_form);
      const Result<bool> dotenv = config::load_dotenv(kDotenv);
      if (!dotenv) std::fprintf(stderr, "warning: %s\n", dotenv.error().text().c_str());
      config::Sources sources = first_sources(*options);
      return server::check(*options, std::move(sources), plugins::all(), plugins::find_libraries, kTranslations);
    }
    case Options::Action::reload:
      return server::reload_and_wait(options->pidfile);
    case Options::Action::serve:
      options->invocation = std::move(invocation);
      return serve(*std::move(options));
  }
  return 2;
}

// The supervisor starts its children as `swage @dns 0`, `swage @stream 1`, `swage @fetch 0` and `swage @service 0`, and
// then how they log: json or time.
int run_child(std::string_view kind, const char* index, std::string_view form) {
  log::set_form({.json = form == "json", .time = form == "time"});
  const std::string name = fmt::format("swage {}", kind.substr(1));
  const bool is_dns = kind == "@dns" || kind == "@stream";
  server::become_child(is_dns ? fmt::format("{} {}", name, index) : name);
  if (kind == "@service") return server::run_service_child(plugins::all(), kTranslations);
  if (kind == "@fetch") return server::run_fetch_child(plugins::all(), kTranslations);
  const std::size_t number = std::strtoul(index, nullptr, 10);
  const server::Role role = kind == "@stream" ? server::Role::stream(number) : server::Role::dns(number);
  return server::run_dns_child(role, plugins::all(), kTranslations);
}

}  // namespace
}  // namespace swage

int main(int count, char** arguments) {
  swage::occupy_standard_descriptors();
  if (count >= 3 && arguments[1][0] == '@') {
    return swage::run_child(arguments[1], arguments[2], count > 3 ? arguments[3] : "");
  }
  return swage::run({arguments + 1, static_cast<std::size_t>(count - 1)},
                    swage::server::Invocation::of_this_process(count, arguments));
}
