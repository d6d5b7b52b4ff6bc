// The program swagectl: docs/swagectl.md.
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "core/log.h"
#include "core/swagectl/connection.h"
#include "core/swagectl/options.h"
#include "core/swagectl/show.h"

namespace swage::ctl {
namespace {

enum Exit { kDone = 0, kFailed = 1, kUsage = 2, kNoServer = 3 };

// Errors of a Corefile are a line each.
int complain(Exit status, const std::string& text) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::fprintf(stderr, "swagectl: %s\n", log::one_line(text.substr(begin, end - begin)).c_str());
    begin = end + 1;
  }
  return status;
}

// Whether it is the last line of an answer.
bool is_last(const Json& line) { return line.is_object() && line.contains("ok"); }

int ask(const Options& options) {
  Result<Connection> connection = Connection::open(options.socket, options.request.dump());
  if (!connection) return complain(kNoServer, connection.error().text());
  std::vector<Json> lines;
  while (true) {
    const Result<std::string> line = connection->line(options.patience);
    if (!line) return complain(kNoServer, line.error().text());
    Json json = Json::parse(*line, nullptr, false);
    if (options.json) std::printf("%s\n", line->c_str());
    if (!json.is_object()) return complain(kNoServer, "what answers there is not swage");
    const bool last = is_last(json);
    if (last && json["ok"] != Json(true)) {
      const Json& error = json["error"];
      if (options.json) return kFailed;
      return complain(kFailed, error.is_string() ? error.get<std::string>() : "it is not said why");
    }
    if (last) break;
    lines.push_back(std::move(json));
  }
  if (!options.json) std::fputs(show(options.command, lines, std::time(nullptr)).c_str(), stdout);
  return options.command == "status" && is_wrong(lines) ? kFailed : kDone;
}

int run(std::span<const char* const> arguments) {
  const char* const named = std::getenv("SWAGE_CONTROL");
  const std::string usual = named != nullptr && *named != '\0' ? named : "/run/swage/control";
  const Result<Options> options = parse_options(arguments, usual);
  if (!options) return complain(kUsage, options.error().text());
  if (options->command == "help") {
    std::printf("%s", help().data());
    return kDone;
  }
  if (options->command == "version") {
    std::printf("swagectl-%s\n", SWAGE_VERSION);
    return kDone;
  }
  return ask(*options);
}

}  // namespace
}  // namespace swage::ctl

int main(int count, char** arguments) { return swage::ctl::run({arguments + 1, static_cast<std::size_t>(count - 1)}); }
