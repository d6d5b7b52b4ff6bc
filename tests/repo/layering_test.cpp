// The layers, as the table of docs/architecture.md has them, compared with every #include of core/ and plugins/.
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

namespace fs = std::filesystem;

using Folders = std::set<std::string>;

// What each folder of core/ may include from the others: the rows of docs/architecture.md that begin with a folder,
// | `core/zone` | what it has | `dns`, … |.
std::map<std::string, Folders> layers() {
  std::map<std::string, Folders> found;
  const std::regex row(R"re(^\| `core/(\w+)` \|.*\|([^|]*)\|$)re"), name("`(\\w+)`");
  std::ifstream text("docs/architecture.md");
  std::smatch match;
  for (std::string line; std::getline(text, line);) {
    if (!std::regex_match(line, match, row)) continue;
    const std::string names = match[2];
    Folders& folders = found[match[1]];
    for (std::sregex_iterator it(names.begin(), names.end(), name), end; it != end; ++it) folders.insert((*it)[1]);
  }
  return found;
}

const std::map<std::string, Folders> kMayInclude = layers();

// Libraries that only one folder may touch.
const std::map<std::string, std::string> kOnlyIn = {
    {"ldns/", "tests/"}, {"uv.h", "core/async/"}, {"openssl/ssl.h", "core/async/"}, {"curl/", "core/http/"}};

std::string folder_of(const std::string& path) {  // "core/dns/name.h" is "dns"; "core/net.h" is ""
  const std::size_t first = path.find('/');
  const std::size_t second = path.find('/', first + 1);
  return second == std::string::npos ? "" : path.substr(first + 1, second - first - 1);
}

// Whether the first comment of a header says that it is for its own folder: "Internal to core/zone.", "Of use to the
// parser only."
bool is_internal(const std::string& header) {
  std::ifstream text(header);
  std::string comment;
  for (std::string line; std::getline(text, line) && line.starts_with("//");) comment += line.substr(2);
  return std::regex_search(comment, std::regex("Internal to |Of use to .* only"));
}

// Why `file` may not include `included`; empty if it may.
std::string objection(const std::string& file, const std::string& included) {
  for (const auto& [library, place] : kOnlyIn) {
    if (included.starts_with(library) && !file.starts_with(place)) return "only " + place + " may include it";
  }
  const bool same_folder = included.substr(0, included.rfind('/')) == file.substr(0, file.rfind('/'));
  if (!same_folder && is_internal(included)) return "it is internal to its folder";
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

struct Include {
  std::string file, included;
};

std::vector<Include> includes(std::initializer_list<const char*> folders) {
  std::vector<Include> found;
  const std::regex include(R"re(^\s*#\s*include\s*["<]([^">]+)[">])re");
  for (const char* const top : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      const std::string file = entry.path().string();
      if (!file.ends_with(".h") && !file.ends_with(".cpp")) continue;
      std::ifstream text(file);
      std::smatch match;
      for (std::string line; std::getline(text, line);) {
        if (!line.contains("include")) continue;  // which a regular expression takes long to find out
        if (std::regex_search(line, match, include)) found.push_back({file, match[1]});
      }
    }
  }
  return found;
}

// What plugins of other repositories are compiled with: the headers that cmake/development.cmake installs, and all of
// core that these include.
std::set<std::string> contract() {
  std::ifstream list("cmake/development.cmake");
  const std::string text{std::istreambuf_iterator<char>(list), {}};
  const std::regex header("core/[a-z0-9_/]+\\.h");
  std::vector<std::string> open{std::sregex_token_iterator(text.begin(), text.end(), header), {}};
  std::map<std::string, std::vector<std::string>> all;
  for (const auto& [file, included] : includes({"core"})) all[file].push_back(included);
  std::set<std::string> closed;
  while (!open.empty()) {
    const std::string file = open.back();
    open.pop_back();
    if (!closed.insert(file).second) continue;
    for (const std::string& included : all[file]) {
      if (included.starts_with("core/")) open.push_back(included);
    }
  }
  return closed;
}

}  // namespace

TEST_CASE("layering: the contract's headers include the standard library's and the system's, and no others") {
  const std::set<std::string> headers = contract();
  CHECK(headers.contains("core/plugin/plugin.h"));
  CHECK(headers.size() > 50);
  const std::regex standard("[a-z_]+|(sys|netinet|arpa)/[a-z]+\\.h");
  for (const auto& [file, included] : includes({"core"})) {
    if (!headers.contains(file) || headers.contains(included) || std::regex_match(included, standard)) continue;
    FAIL_CHECK(file << " includes " << included);
  }
}

TEST_CASE("layering: every #include goes down") {
  for (const auto& [file, included] : includes({"core", "plugins"})) {
    const std::string why = objection(file, included);
    if (!why.empty()) FAIL_CHECK(file << " includes " << included << ": " << why);
  }
}

TEST_CASE("layering: the table has each folder of core/, and allows what is made use of") {
  std::map<std::string, Folders> used;
  for (const auto& entry : fs::directory_iterator("core")) {
    if (entry.is_directory()) used[entry.path().filename()];
  }
  for (const auto& [file, included] : includes({"core"})) {
    const std::string from = folder_of(file), to = folder_of(included);
    if (from.empty() || file.ends_with("_test.cpp") || !included.starts_with("core/")) continue;
    if (!to.empty() && to != from) used[from].insert(to);
  }
  CHECK(kMayInclude == used);
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
  CHECK(objection("core/zonefile/lexer.h", "core/dns/name.h").empty());
  CHECK(objection("plugins/file/file.cpp", "core/zone/plan.h") == "it is internal to its folder");
  CHECK(objection("core/config/expander.cpp", "core/config/substitute.h").empty());
  CHECK(objection("core/server/router.h", "core/config/substitute.h") == "it is internal to its folder");
}
