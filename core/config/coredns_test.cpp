#include "core/config/coredns.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace swage::config {
namespace {

// The first column of the table below a heading of docs/coredns.md.
std::set<std::string> names_below(std::string_view heading) {
  std::ifstream file("docs/coredns.md");
  std::set<std::string> names;
  bool below = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) below = line == heading;
    if (!below || !line.starts_with("| ") || line.starts_with("| plugin")) continue;
    std::istringstream cell(line.substr(2, line.find(" |") - 2));
    for (std::string name; std::getline(cell >> std::ws, name, ',');) names.insert(name);
  }
  return names;
}

TEST_CASE("CoreDNS's directives that are not here are those of docs/coredns.md", "[config]") {
  std::set<std::string> absent;
  for (const Absent& each : absent_directives()) {
    CHECK(find_absent(each.directive) == &each);
    if (each.hint.find("external plugin") == std::string_view::npos) absent.insert(std::string(each.directive));
  }
  CHECK(absent == names_below("## Not supported"));
  CHECK(absent.size() > 15);
  CHECK(find_absent("file") == nullptr);
  CHECK(find_absent("") == nullptr);
}

}  // namespace
}  // namespace swage::config
