// The layers of docs/architecture.md, checked against every #include of core/ and plugins/.
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

namespace fs = std::filesystem;

// What each folder of core/ may include from the others, besides the basics (core/*.h).
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"dns", {}},
    {"zone", {"dns"}},
    {"zonefile", {"zone", "dns"}},
    {"config", {}},
    {"crypto", {}},
    {"regex", {}},
    {"shm", {}},
    {"forge", {"config", "shm"}},
    {"metrics", {"shm"}},
    {"denylist", {"shm", "metrics"}},
    {"async", {}},
    {"websocket", {"async"}},
    {"libp2p", {"dns", "crypto"}},
    {"http", {"libp2p", "async", "crypto"}},
    {"dial", {"libp2p", "websocket", "async", "crypto"}},
    {"peer", {"config", "dial", "http", "libp2p", "websocket", "async", "crypto"}},
    {"plugin", {"dns", "config", "shm", "metrics", "async", "http"}},
    {"server", {"plugin", "dns", "config", "crypto", "shm", "metrics", "async", "http"}},
};

// Libraries that only one folder may touch.
const std::map<std::string, std::string> kOnlyIn = {
    {"ldns/", "tests/"}, {"uv.h", "core/async/"}, {"openssl/ssl.h", "core/async/"}, {"curl/", "core/http/"}};

std::string folder_of(const std::string& path) {  // "core/dns/name.h" is "dns"; "core/net.h" is ""
  const std::size_t first = path.find('/');
  const std::size_t second = path.find('/', first + 1);
  return second == std::string::npos ? "" : path.substr(first + 1, second - first - 1);
}

// Why `file` may not include `included`; empty if it may.
std::string objection(const std::string& file, const std::string& included) {
  for (const auto& [library, place] : kOnlyIn) {
    if (included.starts_with(library) && !file.starts_with(place)) return "only " + place + " may include it";
  }
  const bool is_test = file.ends_with("_test.cpp");
  if (included.starts_with("tests/")) return is_test ? "" : "only tests may include it";
  if (file.starts_with("plugins/")) {
    if (included.starts_with("core/server/")) return "plugins know core/plugin/, not the server";
    if (included.starts_with("plugins/") && folder_of(file) != folder_of(included) && !folder_of(file).empty()) {
      return "a plugin never includes another";
    }
    return "";
  }
  if (file == "core/main.cpp" || is_test) return "";  // the program joins everything
  if (included.starts_with("plugins/")) return "core never includes a plugin";
  if (!included.starts_with("core/")) return "";
  const std::string from = folder_of(file), to = folder_of(included);
  if (from == to) return "";
  if (to.empty()) return "";  // the basics
  if (from.empty()) return "the basics include no folder";
  const auto allowed = kMayInclude.find(from);
  if (allowed == kMayInclude.end()) return "the folder has no place in the layers";
  return allowed->second.contains(to) ? "" : "core/" + from + " may not include core/" + to;
}

std::vector<std::string> violations() {
  std::vector<std::string> found;
  const std::regex include(R"re(^\s*#\s*include\s*["<]([^">]+)[">])re");
  for (const char* const top : {"core", "plugins"}) {
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      const std::string file = entry.path().string();
      if (!file.ends_with(".h") && !file.ends_with(".cpp")) continue;
      std::ifstream text(file);
      std::smatch match;
      for (std::string line; std::getline(text, line);) {
        if (!std::regex_search(line, match, include)) continue;
        const std::string why = objection(file, match[1]);
        if (!why.empty()) found.push_back(file + " includes " + match[1].str() + ": " + why);
      }
    }
  }
  return found;
}

}  // namespace

TEST_CASE("layering: every #include goes down") {
  for (const std::string& violation : violations()) FAIL_CHECK(violation);
}

TEST_CASE("layering: what is forbidden is found") {
  CHECK(objection("core/dns/name.h", "core/async/loop.h") == "core/dns may not include core/async");
  CHECK(objection("core/dns/name.h", "core/plugin/plugin.h") == "core/dns may not include core/plugin");
  CHECK(objection("core/net.h", "core/dns/name.h") == "the basics include no folder");
  CHECK(objection("core/server/router.h", "plugins/file/file.h") == "core never includes a plugin");
  CHECK(objection("core/server/router.h", "uv.h") == "only core/async/ may include it");
  CHECK(objection("plugins/file/file.cpp", "ldns/ldns.h") == "only tests/ may include it");
  CHECK(objection("plugins/file/file.cpp", "plugins/any/any.h") == "a plugin never includes another");
  CHECK(objection("plugins/file/file.cpp", "core/server/router.h") == "plugins know core/plugin/, not the server");
  CHECK(objection("plugins/file/file.cpp", "plugins/file/file.h").empty());
  CHECK(objection("plugins/file/file.cpp", "core/plugin/plugin.h").empty());
  CHECK(objection("core/server/router.h", "core/plugin/plugin.h").empty());
  CHECK(objection("core/libp2p/peer_id.h", "core/dns/name.h").empty());
}
