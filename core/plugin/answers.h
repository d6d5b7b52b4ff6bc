// The usual answers, in one call each: return answer_text(query, response, 60, "hello"). Part of the contract
// (core/plugin/plugin.h).
#pragma once

#include <cstdint>
#include <string_view>

#include "core/dns/name.h"
#include "core/dns/types.h"
#include "core/net.h"
#include "core/plugin/chain.h"

namespace swage {

// NOERROR and AA, with one more record of the query's name in the answer section; always Outcome::send. `ttl` in
// seconds. `rdata`, uncompressed, must live as long as the response: it is of a member of the plugin, the query or
// response.arena.
Outcome answer_record(const Query& query, Response& response, dns::Type type, std::uint32_t ttl, Bytes rdata);
// The same with an A or AAAA record, and with a TXT record. What they say is copied.
Outcome answer_address(const Query& query, Response& response, std::uint32_t ttl, const IpAddress& address);
Outcome answer_text(const Query& query, Response& response, std::uint32_t ttl, std::string_view text);

// SERVFAIL and nothing else, with the reason for clients that can read it; always Outcome::send.
Outcome answer_failure(Response& response, dns::ExtendedError code, std::string_view text = {});
// Says why the answer is what it is (RFC 8914): sent where the query has an OPT record. Says each code once. `text`, of
// which 64 bytes are sent, is for people; it is copied.
void add_extended_error(Response& response, dns::ExtendedError code, std::string_view text = {});

// Answers that need the SOA record of the zone, for plugins that compute names: the name has no such record (NODATA),
// there is no such name (NXDOMAIN), the SOA record itself. NODATA and NXDOMAIN have it as authority (RFC 2308), with a
// TTL that is the lesser of its own and its minimum. The record, with its RRSIGs if the query has DO, is what `next`
// answers when it is asked for it; if that is none, a made-up one: ns.ZONE, hostmaster.ZONE, serial 1, minimum and TTL
// 86400. What was in the sections of `response` is lost; its options, arena and types stay. They fail or drop where
// `next` does.
// A plugin that knows which types the name has says so in Response::types before it calls no_data().
// REQUIRES: qname is in `zone`, which outlives the response; Query::zone does.
[[nodiscard]] Result<Outcome> no_data(const Query& query, Response& response, Next next, dns::NameView zone);
[[nodiscard]] Result<Outcome> name_error(const Query& query, Response& response, Next next, dns::NameView zone);
[[nodiscard]] Result<Outcome> answer_soa(const Query& query, Response& response, Next next, dns::NameView zone);

}  // namespace swage
