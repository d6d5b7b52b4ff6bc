// What the records of a zone must be, and should be, to each other. What must be is an error in the report, what should
// be a warning; each has the line of the record that makes it so. Internal to core/zone; in the service process.
#pragma once

#include <span>

#include "core/zone/plan.h"
#include "core/zone/records.h"
#include "core/zone/report.h"

namespace swage::zone {

// The records of a name, sorted by type: nothing beside a CNAME (RFC 1034 section 3.6.2, RFC 2181 section 10.1), one
// DNAME (RFC 6672 section 2.4), one TTL for an RRset (RFC 2181 section 5.2), signatures in their time.
void check_node(const RecordStore& store, dns::NameView name, std::span<const RecordStore::Ref> records,
                Report& report);

// That each RRset fits into a message, and into image::Rrset.
void check_sizes(const Plan& plan, const RecordStore& store, const PlannedNode& node, Report& report);

// What no answer will show of the `records` of a name at or below a delegation, or below a DNAME. `cover` is that name.
void check_hidden(const Plan& plan, const RecordStore& store, std::span<const RecordStore::Ref> records,
                  const PlannedNode& node, const PlannedNode& cover, Report& report);

// That a signed zone has its signatures, and proofs that deny neither too much nor too little (RFC 4035 section 2, RFC
// 5155 section 7.1). Nothing for other zones. chain.cpp
void check_signing(const Plan& plan, const RecordStore& store, Report& report);

}  // namespace swage::zone
