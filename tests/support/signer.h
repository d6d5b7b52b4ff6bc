// Signs zone files with ldns-signzone, with keys made for the occasion.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "tests/support/loopback.h"

namespace swage::tests {

enum class Signing { none, nsec, nsec3, nsec3_opt_out };

[[nodiscard]] std::string_view to_string(Signing signing);

struct WrittenZone {
  std::string file;    // absolute path
  std::string anchor;  // the DNSKEY record to trust, in presentation format; empty for an unsigned zone
};

// Writes `text`, a zone file for `name`, into `folder` and signs it.
[[nodiscard]] Result<WrittenZone> write_zone(const Folder& folder, const std::string& name, const std::string& text,
                                             Signing signing);

// The records of a zone file, as decode() writes them.
[[nodiscard]] Result<std::vector<std::string>> zone_records(const std::string& file);

}  // namespace swage::tests
