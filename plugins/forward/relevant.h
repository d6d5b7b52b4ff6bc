// What of another nameserver's response has to do with the question. No I/O. Faces whatever it says.
#pragma once

#include "core/dns/name.h"
#include "core/dns/response.h"

namespace swage::plugins::forward {

// Leaves out of `response`, to a question for `qname`: answers of other names than qname and those that its CNAME and
// DNAME records lead to; NS, SOA and DS records of zones that none of these is in; additional records of names that
// nothing else mentions, or that come after the 64th. The order stays. What of the question's spelling is in the
// answers is in lower case then.
void keep_relevant(dns::Response& response, dns::NameView qname);

}  // namespace swage::plugins::forward
