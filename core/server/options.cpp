#include "core/server/options.h"

#include <algorithm>
#include <array>

#include "core/config/nearest.h"
#include "core/config/values.h"

namespace swage::server {
namespace {

constexpr auto kFlags =
    std::to_array<std::string_view>({"conf", "dns.port", "p", "workers", "pidfile", "control", "reload", "log-format",
                                     "log-time", "quiet", "check", "ports", "version", "plugins", "help", "h"});
constexpr auto kWithValue =
    std::to_array<std::string_view>({"conf", "dns.port", "p", "workers", "pidfile", "control", "reload", "log-format"});

bool takes_value(std::string_view flag) { return std::ranges::find(kWithValue, flag) != kWithValue.end(); }

// REQUIRES: `flag` is one of kFlags.
Result<> apply(std::string_view flag, std::string_view value, Options& options) {
  if (flag == "conf") {
    options.corefile = value;
    options.corefile_given = true;
  } else if (flag == "dns.port" || flag == "p") {
    const auto port = config::parse_integer<std::uint16_t>(value, 1, 65535);
    if (!port) return fail("-{}: {}", flag, port.error().text());
    options.dns_port = *port;
  } else if (flag == "workers") {
    const auto workers = config::parse_integer<std::size_t>(value, 1, 1024);
    if (!workers) return fail("-{}: {}", flag, workers.error().text());
    options.workers = *workers;
  } else if (flag == "pidfile") {
    options.pidfile = value;
  } else if (flag == "control") {
    if (value.empty()) return fail("-control: expected a path, or none");
    options.control = value;
  } else if (flag == "reload") {
    options.pidfile = value;
    options.action = Options::Action::reload;
  } else if (flag == "log-format") {
    if (value != "text" && value != "json") return fail("-log-format: expected text or json, not '{}'", value);
    options.log_form.json = value == "json";
  } else if (flag == "log-time") {
    options.log_form.time = true;
  } else if (flag == "quiet") {
    options.quiet = true;
  } else if (flag == "check") {
    options.action = Options::Action::check;
  } else if (flag == "ports") {
    options.try_ports = true;
  } else if (flag == "version") {
    options.action = Options::Action::print_version;
  } else if (flag == "plugins") {
    options.action = Options::Action::print_plugins;
  } else {  // help, h
    options.action = Options::Action::print_help;
  }
  return {};
}

}  // namespace

Result<Options> parse_options(std::span<const char* const> arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view flag = arguments[i];
    if (!flag.starts_with('-') || flag == "-" || flag == "--") {
      return fail("unexpected argument '{}': expected a flag; -help lists them", flag);
    }
    flag.remove_prefix(flag.starts_with("--") ? 2 : 1);
    std::string_view value;
    const std::size_t equals = flag.find('=');
    const bool has_value = equals != std::string_view::npos;
    if (has_value) {
      value = flag.substr(equals + 1);
      flag = flag.substr(0, equals);
    }
    if (std::ranges::find(kFlags, flag) == kFlags.end()) {
      return fail("unknown flag -{}{}; -help lists them", flag, config::did_you_mean(flag, kFlags));
    }
    if (takes_value(flag) && !has_value) {
      if (++i == arguments.size()) return fail("-{} needs a value", flag);
      value = arguments[i];
    } else if (!takes_value(flag) && has_value) {  // as in Go: -quiet=true
      const auto on = config::parse_bool(value);
      if (!on) return fail("-{}: {}", flag, on.error().text());
      if (!*on) {
        if (flag == "quiet") options.quiet = false;  // the last one counts
        if (flag == "log-time") options.log_form.time = false;
        continue;
      }
    }
    TRY(apply(flag, value, options));
  }
  if (options.try_ports && options.action != Options::Action::check) return fail("-ports goes with -check");
  return options;
}

std::string_view help() {
  return R"(swage: an authoritative nameserver with a plugin chain

Usage: swage [FLAGS]
       swage new-plugin NAME [--service] [--observer]
                  begin a plugin of your own in the new folder NAME: code, test, README
       swage keys list|make|roll|ds|ds-seen|import DIR ...
                  the keys of DNSSEC in a folder; swage keys --help says more

Flags, with one dash or two:
  -conf FILE      the Corefile (default: Corefile; "stdin": standard input). Without the flag
                  and without such a file: whoami and log on all addresses
  -dns.port N, -p N
                  the port of server blocks that name none (default: 53)
  -workers N      processes that answer over UDP, and as many that answer over TCP, TLS and
                  HTTPS (default: one of each a core)
  -pidfile FILE   where to write the process ID
  -control PATH|none
                  the socket at which swagectl asks (default: /run/swage/control, where there is
                  a folder /run/swage that the server may write to)
  -quiet          no start-up lines
  -log-format text|json
                  lines of text (the default), or a JSON object each: time, level, msg, plugin
  -log-time       begin each line of text with the time (UTC)
  -check          set everything up, try where stores are kept, print what would be served, and
                  exit with 0 or 1
  -ports          with -check: try the ports, too
  -reload PIDFILE have the server with this -pidfile read its Corefile again, wait for the result,
                  and exit with 0 or 1
  -plugins        list the plugins in chain order; with -conf also those that the Corefile loads
  -version        print the version
  -help           print this

Signals:
  USR1, HUP       read the Corefile again; a bad one changes nothing
  TERM, INT       answer what has arrived, then exit
  QUIT            exit at once

Exit status: 0 in order; 1 a Corefile, a zone or a socket is at fault; 2 a flag is, or a
second INT came.
)";
}

}  // namespace swage::server
