// ZONEMD (RFC 8976): the digest of a zone, checked and made. Over images of zones, so that those of files, of transfers
// and of updates are treated alike. Without I/O; in the service process, on any thread: a million records take an
// eighth of a second.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/hmac.h"
#include "core/result.h"
#include "core/zone/builder.h"

namespace swage::zonemd {

// The scheme SIMPLE (RFC 8976 section 3.3) with one of the two hashes that there are. The values are those of the
// record.
enum class Hash : std::uint8_t { sha384 = 1, sha512 = 2 };

[[nodiscard]] std::string to_string(Hash hash);  // "SHA-384"

// The digest of the zone (RFC 8976 section 3.3), whatever its ZONEMD records say. `image`: as zone::View has it.
[[nodiscard]] crypto::Mac digest(Bytes image, Hash hash);

struct Check {
  bool verified = false;  // a ZONEMD record says what the digest is
  std::string warning;    // not empty: there are ZONEMD records, and none can be checked
};

// Compares the ZONEMD records at the apex with the zone (RFC 8976 section 4; without DNSSEC). An Error where one of
// them can be checked and none is right: what the digest is, and what it should be. A zone without any is good.
[[nodiscard]] Result<Check> check(Bytes image);

// The data of a ZONEMD record that waits for its serial and its digest.
[[nodiscard]] std::vector<std::uint8_t> reserved(Hash hash);
// Has the builder make the zone's ZONEMD record (zone::Builder::reserve_zonemd), in place of those that it is given:
// before records are added.
void reserve(zone::Builder& builder, Hash hash);
// Fills in that record, in an image that the builder has written. An Error where the zone is signed: whoever signs it
// has to make the digest, too.
[[nodiscard]] Result<> fill_in(MutableBytes image);
// The same for whoever signs it: the record's own signatures are to be made afterwards. REQUIRES: one ZONEMD record at
// the apex, of reserved() data.
void write_digest(MutableBytes image);

// What becomes of the ZONEMD record of a zone that is loaded.
struct Policy {
  bool checked = true;         // a wrong digest is an Error
  std::optional<Hash> made{};  // it is made here, instead of being checked
};

// "check", "off", "generate" or "generate sha512": what `words` say.
[[nodiscard]] Result<Policy> parse_policy(const std::vector<std::string>& words);

// Where `policy` says so, fills in or checks. Call reserve() before, where it is to be made. Gives a warning, or
// nothing.
[[nodiscard]] Result<std::string> settle(const Policy& policy, MutableBytes image);

}  // namespace swage::zonemd
