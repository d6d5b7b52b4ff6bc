// The swage program: one binary that is the supervisor, or, started by it, one of its children.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string_view>

#include "core/config/dotenv.h"
#include "core/forge/access_token.h"
#include "core/forge/p2p_forge.h"
#include "core/log.h"
#include "core/server/check.h"
#include "core/server/child.h"
#include "core/server/options.h"
#include "core/server/privileges.h"
#include "core/server/reload_record.h"
#include "core/server/supervisor.h"
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
  options.service_variables = {forge::kAccessTokenVariable};
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
    server::Supervisor supervisor(std::move(options), std::move(sources), plugins::all(), kTranslations);
    status = supervisor.run();
  }
  log::flush();
  return status;
}

int run(std::span<const char* const> arguments) {
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
      for (const PluginType& plugin : plugins::all()) std::printf("%s\n", std::string(plugin.name).c_str());
      return 0;
    case Options::Action::check: {
      log::set_form(options->log_form);
      const Result<bool> dotenv = config::load_dotenv(kDotenv);
      if (!dotenv) std::fprintf(stderr, "warning: %s\n", dotenv.error().text().c_str());
      config::Sources sources = first_sources(*options);
      return server::check(*options, std::move(sources), plugins::all(), kTranslations);
    }
    case Options::Action::reload:
      return server::reload_and_wait(options->pidfile);
    case Options::Action::serve:
      return serve(*std::move(options));
  }
  return 2;
}

// The supervisor starts its children as `swage @dns 3` and `swage @service 0`, and then how they log: json or time.
int run_child(std::string_view kind, const char* index, std::string_view form) {
  log::set_form({.json = form == "json", .time = form == "time"});
  server::become_child(kind == "@service" ? "swage service" : fmt::format("swage dns {}", index));
  if (kind == "@service") return server::run_service_child(plugins::all(), kTranslations);
  return server::run_dns_child(std::strtoul(index, nullptr, 10), plugins::all(), kTranslations);
}

}  // namespace
}  // namespace swage

int main(int count, char** arguments) {
  swage::occupy_standard_descriptors();
  if (count >= 3 && arguments[1][0] == '@') {
    return swage::run_child(arguments[1], arguments[2], count > 3 ? arguments[3] : "");
  }
  return swage::run({arguments + 1, static_cast<std::size_t>(count - 1)});
}
