// Zones for comparing nameservers, made at random from a seed: the same seed gives the same zone. They hold what is
// easy to get wrong: wildcards, delegations, CNAMEs and DNAMEs, and every way in which these can meet.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace swage::tests {

struct GeneratedZone {
  std::string name;                // of the apex, with its final dot
  std::string text;                // a zone file, without $-directives; only records of class IN
  std::vector<std::string> names;  // owners, names below delegations too, and roots of DNAMEs' and wildcards' subtrees
};

// REQUIRES: `name` is absolute and lower case.
[[nodiscard]] GeneratedZone generate_zone(const std::string& name, std::uint32_t seed);

// Draws names to ask for: those of a zone, their parents, children and siblings, in any spelling.
class NameSource {
 public:
  NameSource(const GeneratedZone& zone, std::uint32_t seed) : zone_(zone), random_(seed) {}
  [[nodiscard]] std::string next();

 private:
  [[nodiscard]] std::string varied(std::string name);

  const GeneratedZone& zone_;
  std::mt19937 random_;
};

// The labels of a name in presentation format, which may hold escapes: "a\.b.c." is {"a\.b", "c"}.
[[nodiscard]] std::vector<std::string> labels_of(std::string_view name);
[[nodiscard]] std::string parent_of(std::string_view name);  // "." is its own

}  // namespace swage::tests
