#include "core/swagectl/options.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/config/nearest.h"
#include "core/config/values.h"

namespace swage::ctl {
namespace {

using Words = std::span<const std::string_view>;

// The server gives a configuration 5 minutes, and an upgrade 6 once the configuration before it is in force.
constexpr std::chrono::minutes kReload{6}, kUpgrade{12};

Result<> none(Words words, Json&) {
  if (!words.empty()) return fail("unexpected '{}'", words.front());
  return {};
}

Result<> a_zone(Words words, Json& request) {
  if (!words.empty()) request["zone"] = words.front();
  return none(words.empty() ? words : words.subspan(1), request);
}

Result<> a_level(Words words, Json& request) {
  if (words.empty()) return fail("expected debug, info, warning or error");
  request["level"] = words.front();
  return none(words.subspan(1), request);
}

// on|off [client PREFIX] [zone ZONE] [for DURATION]
Result<> query_log(Words words, Json& request) {
  if (words.empty() || (words.front() != "on" && words.front() != "off")) return fail("expected on or off");
  if (words.front() == "off") {
    request["off"] = true;
    return none(words.subspan(1), request);
  }
  for (words = words.subspan(1); !words.empty(); words = words.subspan(2)) {
    constexpr std::array<std::string_view, 3> kKnown = {"client", "zone", "for"};
    const std::string_view what = words.front();
    if (std::ranges::find(kKnown, what) == kKnown.end()) {
      return fail("unexpected '{}'; expected client, zone or for{}", what, config::did_you_mean(what, kKnown));
    }
    if (words.size() < 2) return fail("'{}' must be followed by a value", what);
    if (what == "for") {
      TRY(const auto time, config::parse_duration(words[1]));
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(time).count();
      if (seconds < 1) return fail("for: '{}' is less than a second", words[1]);
      request["seconds"] = seconds;
    } else {
      request[std::string(what)] = words[1];
    }
  }
  return {};
}

struct Command {
  std::string_view name, does;  // what the request says
  Result<> (*read)(Words, Json&);
};

constexpr std::array kCommands = {
    Command{"status", "status", &none},
    Command{"zones", "zones", &a_zone},
    Command{"reload", "reload", &none},
    Command{"upgrade", "upgrade", &none},
    Command{"peers", "registrations", &none},
    Command{"challenges", "challenges", &none},
    Command{"certificates", "certificates", &none},
    Command{"keys", "keys", &none},
    Command{"fleet", "fleet", &none},
    Command{"top", "top", &none},
    Command{"log-level", "log-level", &a_level},
    Command{"query-log", "query-log", &query_log},
    Command{"flush", "flush", &a_zone},
    Command{"help", "", &none},
    Command{"version", "", &none},
};

Result<> read_command(Words words, Options& options) {
  const std::string_view name = words.front();
  const auto found = std::ranges::find(kCommands, name, &Command::name);
  if (found == kCommands.end()) {
    std::vector<std::string_view> known;
    for (const Command& each : kCommands) known.push_back(each.name);
    return fail("'{}' is not a command{}; swagectl help lists them", name, config::did_you_mean(name, known));
  }
  options.command = found->name;
  if (!found->does.empty()) options.request["do"] = found->does;
  const auto at_least = [&options](std::chrono::milliseconds time) {
    options.patience = std::max(options.patience, time);
  };
  if (name == "reload") at_least(kReload);
  if (name == "upgrade") at_least(kUpgrade);
  const Result<> read = found->read(words.subspan(1), options.request);
  if (!read) return fail("{}: {}", name, read.error().text());
  return {};
}

}  // namespace

Result<Options> parse_options(std::span<const char* const> arguments, std::string usual_socket) {
  Options options;
  options.socket = std::move(usual_socket);
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view word = arguments[i];
    if (!word.starts_with('-') || word == "-") {
      words.push_back(word);
      continue;
    }
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    const bool takes_value = word == "socket" || word == "s" || word == "wait";
    if (takes_value && i + 1 == arguments.size()) return fail("-{} needs a value", word);
    if (word == "json") {
      options.json = true;
    } else if (word == "help" || word == "h") {
      words.insert(words.begin(), "help");
    } else if (word == "version") {
      words.insert(words.begin(), "version");
    } else if (word == "wait") {
      TRY(const auto time, config::parse_duration(arguments[++i]));
      options.patience = std::chrono::ceil<std::chrono::milliseconds>(time);
      if (options.patience.count() < 1) return fail("-wait: expected a time");
    } else if (takes_value) {
      options.socket = arguments[++i];
    } else {
      return fail("unknown flag -{}; swagectl help lists them", word);
    }
  }
  if (words.empty()) words.emplace_back("status");
  if (words.front() == "help" || words.front() == "version") words.resize(1);
  TRY(read_command(words, options));
  return options;
}

std::string_view help() {
  return R"(swagectl: asks a swage that runs, and has it do things

Usage: swagectl [FLAGS] [COMMAND]

Commands:
  status            the server, its processes, and what is wrong (the default)
  zones [ZONE]      zones with serial, records and how long their signatures are good
  reload            read the Corefile again; waits, and says how it ended
  upgrade           have the program that lies at the server's path by now take its place, without
                    losing a query; waits, and says how it ended
  peers             the last registrations that the broker decided, with the reason
  challenges        the stores of challenges, and how full they are
  certificates      certificates that the server renews, and when
  keys              the keys of signed zones, their stage and what comes next
  fleet             the servers that have one store of challenges
  top               who asks what: a sample, where a server block has `status`
  log-level debug|info|warning|error
                    how much is logged, until the server ends
  query-log on|off [client PREFIX] [zone ZONE] [for DURATION]
                    log queries, of everybody or of some, for 10 minutes or that long
  flush [ZONE]      forget what was fetched from other nameservers
  help, version

Flags, with one dash or two:
  -s, -socket PATH  the server's control socket (default: $SWAGE_CONTROL, or
                    /run/swage/control): see swage's -control
  -json             lines of JSON, as the server sends them
  -wait DURATION    how long to wait for an answer (default: 5s; reload: 6 minutes,
                    upgrade: 12)

Exit status: 0 done, and nothing is wrong; 1 it could not be done, or status tells of something
wrong; 2 the command line is at fault; 3 there is no server, or it does not answer.
)";
}

}  // namespace swage::ctl
