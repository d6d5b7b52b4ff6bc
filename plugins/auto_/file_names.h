// Which files of a folder are zone files, by their names. No I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/dns/name.h"
#include "core/regex/regex.h"
#include "core/result.h"

namespace swage::plugins::auto_ {

// Which files are zones, and of which name.
struct FileNames {
  // False for what editors, package managers and version control leave beside zone files, and for names that begin with
  // a dot.
  [[nodiscard]] static bool may_be_zone(std::string_view file);

  regex::Regex pattern;
  std::string origin;  // "{1}" and so on are groups of the pattern

  // In lower case; nullopt where the file is not a zone. An Error where the result is not a name.
  [[nodiscard]] std::optional<Result<dns::Name>> origin_of(std::string_view file) const;
};

}  // namespace swage::plugins::auto_
