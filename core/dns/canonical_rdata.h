// The data of a record in the form in which two of them are compared (RFC 4034 section 6.2): names in lower case.
#pragma once

#include "core/bytes.h"
#include "core/dns/types.h"

namespace swage::dns {

// Changes upper-case letters of names in `rdata`, in wire format and uncompressed, to lower case. Names after fields
// whose size is not known stay as they are. REQUIRES: check_rdata() took them.
void lower_names(Type type, MutableBytes rdata);

}  // namespace swage::dns
