// The steps of a dynamic update (RFC 2136 section 3), each as its pseudo-code has it. No I/O.
#pragma once

#include <cstdint>

#include "core/dns/types.h"
#include "core/update/edited_zone.h"
#include "core/update/request.h"
#include "core/update/rules.h"
#include "core/update/serial.h"

namespace swage::update {

// Section 3.2: all five forms of prerequisites, against the zone as the updates before have left it. NOERROR, or what
// is not so: FORMERR, NOTZONE, NXDOMAIN, NXRRSET, YXDOMAIN, YXRRSET.
[[nodiscard]] dns::Rcode check_prerequisites(const Request& request, EditedZone& zone);

// Section 3.4.1: NOERROR, FORMERR or NOTZONE. Nothing was changed.
[[nodiscard]] dns::Rcode prescan(const Request& request, EditedZone& zone);

// Section 3.4.2. REQUIRES: prescan() found nothing.
void apply(const Request& request, EditedZone& zone);

struct Settings {
  Rules rules;
  SerialPolicy serial = SerialPolicy::increment;
};

struct Updated {
  dns::Rcode rcode = dns::Rcode::noerror;
  Changes changes{};  // none where it is not NOERROR; or where all was as it is to be
};

// All of it, for a request that `key` has signed: section 3.1.1, permission (3.3; who may change nothing learns nothing
// of the zone by prerequisites: REFUSED), 3.2, 3.4, and the serial number, where something has changed and the update
// has not brought a greater one (3.6). NOTAUTH where the zone is another one. Whatever is not NOERROR leaves the zone
// as it is. `now` in seconds since 1970.
[[nodiscard]] Updated update(const Request& request, dns::NameView key, const Settings& settings, std::int64_t now,
                             EditedZone& zone);

}  // namespace swage::update
