// The request of a dynamic update (RFC 2136 section 2): its zone, its prerequisites and what it changes. No I/O. Faces
// untrusted bytes.
#pragma once

#include <expected>
#include <span>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/response.h"
#include "core/dns/types.h"

namespace swage::update {

class Request {
 public:
  // Reads `message`, which must outlive the request. FORMERR where it is not an UPDATE, has no zone or more than one,
  // its ZTYPE is not SOA, or its records are malformed (core/dns/decode.h).
  [[nodiscard]] static std::expected<Request, dns::Rcode> read(Bytes message);

  [[nodiscard]] dns::NameView zone() const { return zone_; }
  [[nodiscard]] dns::Class zone_class() const { return zone_class_; }
  // Names are uncompressed, TTLs of 2^31 and more are 0.
  [[nodiscard]] std::span<const dns::Record> prerequisites() const { return records_->answer; }
  [[nodiscard]] std::span<const dns::Record> updates() const { return records_->authority; }

 private:
  dns::NameView zone_;
  dns::Class zone_class_ = dns::Class::in;
  std::unique_ptr<dns::Response> records_ = std::make_unique<dns::Response>();
};

// The response to `message` (section 3.8): its header and zone section, and `rcode`; without a TSIG record. The zone
// section is left out where it cannot be read. REQUIRES: `message` has a header.
[[nodiscard]] std::vector<std::uint8_t> response_to(Bytes message, dns::Rcode rcode);

}  // namespace swage::update
