// Makes the rules of the rewrite plugin from their words.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "plugins/rewrite/rewrite.h"

namespace swage::plugins::rewrite {

using Words = std::span<const std::string>;
using NewRule = Result<std::unique_ptr<const Rule>>;

// `words` are those after "name", "edns0", …; the Errors have no file and line.
[[nodiscard]] NewRule make_name_rule(bool stops, Words words);   // name_rule.cpp
[[nodiscard]] NewRule make_cname_rule(bool stops, Words words);  // cname_rule.cpp
[[nodiscard]] NewRule make_edns0_rule(bool stops, Words words);  // edns0_rule.cpp
[[nodiscard]] NewRule make_class_rule(bool stops, Words words);  // simple_rules.cpp
[[nodiscard]] NewRule make_type_rule(bool stops, Words words);
[[nodiscard]] NewRule make_ttl_rule(bool stops, Words words);
[[nodiscard]] NewRule make_rcode_rule(bool stops, Words words);

}  // namespace swage::plugins::rewrite
