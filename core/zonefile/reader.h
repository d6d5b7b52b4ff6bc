// Reads zone files ("master files", RFC 1035 section 5) into a zone::Builder. In the service process.
//
// $ORIGIN, $TTL (RFC 2308), $INCLUDE and $GENERATE; TTLs with units (1h30m); owner, TTL and class as RFC 1035 lets them
// be left out; every type of IANA's registry that has a text, and any type by RFC 3597 (TYPE65280 \# 2 ab cd). Class IN
// only.
#pragma once

#include <string>
#include <string_view>

#include "core/dns/name.h"
#include "core/result.h"
#include "core/zone/builder.h"

namespace swage::zonefile {

// Adds the records of the file at `path` and finishes `into`. Relative names are below `origin` until the file says
// $ORIGIN. Goes on after an error, so that the report (zone::Builder::report) has all of them; the Error is the first
// one, "FILE:LINE: what", and says how many there are besides. "FILE: what" where there is no line: no SOA.
[[nodiscard]] Result<> read_file(const std::string& path, dns::NameView origin, zone::Builder& into);

// The same from memory. `name` stands for the file in errors; $INCLUDE is relative to its folder.
[[nodiscard]] Result<> read_text(std::string_view text, const std::string& name, dns::NameView origin,
                                 zone::Builder& into);

}  // namespace swage::zonefile
