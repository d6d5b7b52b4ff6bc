// Negative answers for plugins that compute names and so have no zone of their own: the SOA record that such an answer
// needs (RFC 2308) comes from the zone behind them in the chain. Beside core/plugin/plugin.h, because it walks the
// chain.
#pragma once

#include "core/plugin/plugin.h"

namespace swage {

// Makes `response` NODATA for `query`: NOERROR, AA, nothing in its sections but `zone`'s SOA record as authority, with
// its RRSIGs if the query has DO. The record is what `next` answers when it is asked for it; if that is none, a made-up
// one: ns.ZONE, hostmaster.ZONE, serial 1, minimum and TTL 86400. Its TTL is the lesser of its own and its minimum.
// What was in the sections of `response` is lost; its options and arena stay. Fails or drops where `next` does.
// REQUIRES: qname is in `zone`; `zone` outlives the response.
[[nodiscard]] Result<Outcome> no_data(const Query& query, Response& response, Next next, dns::NameView zone);

}  // namespace swage
