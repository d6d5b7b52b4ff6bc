// The documentation is executed: every ```corefile block of every Markdown file is started as it stands (but for the
// ports, which are free ones; and those of plugins beside a plugin.yaml, which this swage does not have), and every
// plugin's README has the sections that docs/writing-a-plugin.md promises. With $SWAGE_FOLDER, only the Markdown below
// that folder is read.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

namespace fs = std::filesystem;
using swage::tests::read_file;

struct Block {
  std::string where;  // FILE:LINE
  std::string text;
};

// The folder with a '/' at its end; empty for the whole repository.
std::string only_below() {
  const char* const folder = std::getenv("SWAGE_FOLDER");
  return folder == nullptr ? "" : folder + std::string("/");
}

std::vector<std::string> markdown_files() {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(".")) {
    const std::string path = entry.path().lexically_normal().string();
    if (!path.ends_with(".md") || path.starts_with("build") || !path.starts_with(only_below())) continue;
    if (!fs::exists(entry.path().parent_path() / "plugin.yaml")) files.push_back(path);
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<Block> corefile_blocks(const std::string& path) {
  std::vector<Block> blocks;
  std::istringstream text(read_file(path));
  const std::regex open("^(```|~~~)\\s*corefile\\s*$");
  std::string fence;
  int number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    std::smatch match;
    if (!fence.empty()) {
      if (line == fence) {
        fence.clear();
      } else {
        blocks.back().text += line + "\n";
      }
    } else if (std::regex_match(line, match, open)) {
      fence = match[1];
      blocks.push_back({path + ":" + std::to_string(number), ""});
    }
  }
  return blocks;
}

// Ports in the keys of server blocks, and those of services (`listen`, `listen-address`), give way to the test's own.
std::string without_ports(const std::string& corefile) {
  std::istringstream text(corefile);
  std::string result;
  int depth = 0;
  const std::regex port(R"((\S):\d+)");
  const std::regex encrypted(R"((tls|https)://[^\s{]+)");  // with a port of its own
  const std::regex service_port(R"(^(\s+(?:listen |registration-domain \S+ listen-address=)\S*):\d+)");
  for (std::string line; std::getline(text, line);) {
    const bool is_key = depth == 0 && !line.starts_with("#");
    for (const char c : line) depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (is_key) line = std::regex_replace(std::regex_replace(line, port, "$1"), encrypted, "$&:@PORT2@");
    result += is_key ? line : std::regex_replace(line, service_port, "$1:@PORT2@");
    result += '\n';
  }
  return result;
}

}  // namespace

TEST_CASE("readme: every corefile block starts") {
  std::size_t count = 0;
  for (const std::string& path : markdown_files()) {
    for (const Block& block : corefile_blocks(path)) {
      INFO(block.where << "\n" << block.text);
      const swage::tests::Server server(without_ports(block.text));
      CHECK(server.log().find("[ERROR]") == std::string::npos);
      ++count;
    }
  }
  if (!only_below().empty()) return;
  const swage::tests::Server server(without_ports(read_file("Corefile.example")));
  CHECK(count >= 10);
}

TEST_CASE("readme: every plugin of plugins.def has its README, with its sections") {
  std::istringstream list(read_file("plugins/plugins.def"));
  const std::regex plugin(R"(^PLUGIN\((\w+)\))");
  std::smatch match;
  std::size_t count = 0;
  for (std::string line; std::getline(list, line);) {
    if (!std::regex_search(line, match, plugin)) continue;
    const std::string path = "plugins/" + match[1].str() + "/README.md";
    if (!path.starts_with(only_below())) continue;
    const std::string readme = read_file(path);
    INFO(path);
    for (const char* const section :
         {"## Name", "## Description", "## Syntax", "## Examples", "## Limitations", "## See Also"}) {
      INFO(section);
      CHECK(readme.find(std::string("\n") + section + "\n") != std::string::npos);
    }
    CHECK_FALSE(corefile_blocks(path).empty());
    CHECK((readme.find("aces untrusted queries") != std::string::npos ||
           readme.find("perator only") != std::string::npos));
    ++count;
  }
  if (only_below().empty()) CHECK(count >= 11);
}
