// The data of a record in the form in which two of them are compared: all names in lower case; and in the one in which
// they are signed (RFC 4034 section 6.2).
#pragma once

#include "core/bytes.h"
#include "core/dns/types.h"

namespace swage::dns {

// Changes upper-case letters of names in `rdata`, in wire format and uncompressed, to lower case. Names after fields
// whose size is not known stay as they are. REQUIRES: check_rdata() took them.
void lower_names(Type type, MutableBytes rdata);

// How many names of `rdata` of this type are in lower case in canonical form (RFC 4034 section 6.2, RFC 6840 section
// 5.1): those of the older types. They come one after another, from first_name() on (core/dns/record_types.h).
[[nodiscard]] int canonical_names(Type type);

// Changes `rdata` to its canonical form, in which it is signed and digested. REQUIRES: as lower_names().
void make_canonical(Type type, MutableBytes rdata);

}  // namespace swage::dns
