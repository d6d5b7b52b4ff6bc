// Client subnets (RFC 7871): for whom a resolver asks, and for whom an answer is meant. Part of the contract, for those
// who need it: beside core/plugin/plugin.h.
#pragma once

#include <cstdint>
#include <optional>

#include "core/dns/query.h"
#include "core/dns/response.h"
#include "core/net.h"

namespace swage::dns {

inline constexpr std::uint16_t kOptionClientSubnet = 8;

// The network that the query's option names; one of length 0 says that the client wants it not to be known. nullopt
// where there is no option, or one that is not well formed (RFC 7871 section 7.1.2): ignore it, or answer FORMERR.
[[nodiscard]] std::optional<Prefix> client_subnet(const Query& query);

// Says that the answer is meant for the first `scope` bits of `subnet`, which is client_subnet(query); 0: for
// everybody. Resolvers keep it for those clients. For each answer to a query with the option; allocates nothing.
void add_client_subnet(Response& response, const Prefix& subnet, std::uint8_t scope);

}  // namespace swage::dns
