// Metadata: what the plugins of a server block can say about a query, by labels such as "forge/peerid", for others that
// want to write it down (the plugin `log`). Values are made when somebody asks for them. Beside core/plugin/plugin.h.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config/token.h"
#include "core/dns/query.h"
#include "core/dns/zones.h"
#include "core/result.h"

namespace swage {

class Metadata {
 public:
  // Appends the value to a text; appends nothing where there is none. The same rules as for Plugin::serve.
  using Value = std::function<void(const dns::Query& query, std::string& text)>;

  // `label`: the directive, a slash and a name.
  void add(std::string label, Value value) { values_.emplace_back(std::move(label), std::move(value)); }
  // Queries for names in these have metadata (the plugin `metadata`).
  void enable(std::vector<dns::Name> zones) { zones_ = std::move(zones); }
  // `directive` will ask for `label`; `at` says so in the Corefile.
  void expect(std::string directive, std::string label, config::Token at) {
    expected_.push_back({std::move(directive), std::move(label), std::move(at)});
  }

  // What was expected and is never there, in words for the operator. For when all plugins have said what they have.
  [[nodiscard]] std::vector<Error> missing() const {
    std::vector<Error> warnings;
    for (const auto& [directive, label, at] : expected_) {
      const auto is_it = [&](const auto& each) { return each.first == label; };
      std::string why;
      if (std::ranges::none_of(values_, is_it)) why = "no directive of this server block provides it" + known();
      if (why.empty() && zones_.empty()) why = "the server block needs the directive 'metadata'";
      if (why.empty()) continue;
      warnings.push_back(at.error(formatted("{}: metadata '{}' is always empty: {}", directive, label, why)));
    }
    return warnings;
  }

  // Appends what is known under `label` of `query` to `text`; false where that is nothing.
  bool append(std::string_view label, const dns::Query& query, std::string& text) const {
    if (!dns::is_under_any(query.key, zones_)) return false;
    const std::size_t before = text.size();
    for (const auto& [name, value] : values_) {
      if (name != label) continue;
      value(query, text);
      if (text.size() != before) return true;
    }
    return false;
  }

 private:
  [[nodiscard]] std::string known() const {
    std::string names;
    for (const auto& [name, value] : values_) names += (names.empty() ? "; provided are " : ", ") + name;
    return names;
  }

  std::vector<dns::Name> zones_;  // lower case
  std::vector<std::pair<std::string, Value>> values_;
  struct Expected {
    std::string directive, label;
    config::Token at;
  };
  std::vector<Expected> expected_;
};

}  // namespace swage
