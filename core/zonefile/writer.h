// Writes zone files: the records of a zone image as text (RFC 1035 section 5), so that any nameserver or tool reads
// them. In the service process; blocks.
#pragma once

#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"
#include "core/zone/all_records.h"

namespace swage::zonefile {

// Appends "OWNER TTL TYPE DATA\n". Data whose form in text is more than their fields in order are written as RFC 3597
// has it (\# SIZE HEX).
void append_line(const zone::ZoneRecord& record, std::string& text);

// Puts the zone in `image` in the place of the file, as a whole: a reader, or a crash at any time, finds the old file
// or the new one. "; COMMENT" is its first line. An Error where another process does the same now. REQUIRES:
// zone::View::check(image) succeeded.
[[nodiscard]] Result<> save(const std::string& path, Bytes image, std::string_view comment);

}  // namespace swage::zonefile
