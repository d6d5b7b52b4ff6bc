// Signs what the server sends, as core/dns/encode.h asks for it. In dns processes.
#pragma once

#include <memory>

#include "core/dns/query.h"
#include "core/dns/response.h"
#include "core/tsig/tsig.h"

namespace swage::tsig {

// Now, in seconds since 1970.
[[nodiscard]] std::uint64_t wall_clock();

// For the response to `request` and what follows it, by the clock of this machine. REQUIRES: as Signer.
[[nodiscard]] std::unique_ptr<dns::MessageSigner> response_signer(const Request& request);

// The response to a request whose key nobody here knows (RFC 8945 section 5.2.1): NOTAUTH with BADKEY; FORMERR where
// the TSIG record is malformed.
void refuse_key(const dns::Query& query, dns::Response& response);

}  // namespace swage::tsig
