// A zone to answer from: a view of an image (core/zone/image.h) that a Builder wrote. In every dns process.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/query.h"
#include "core/dns/response.h"
#include "core/result.h"

namespace swage::zone {

// Costs nothing to make: one for each query. The image must outlive the View and every Response that it filled.
class View {
 public:
  // REQUIRES: check(image) succeeded once; `image` is aligned to 8 bytes, as every mapping is.
  explicit View(Bytes image) : image_(image.data()) {}

  // That `image` is a zone image of this version and complete. Its contents are trusted: they come from our own
  // process.
  [[nodiscard]] static Result<> check(Bytes image);

  [[nodiscard]] dns::NameView apex() const;     // spelled as in the zone
  [[nodiscard]] std::uint32_t serial() const;   // of the SOA
  [[nodiscard]] std::uint32_t nodes() const;    // names with records and empty non-terminals
  [[nodiscard]] std::uint32_t records() const;  // all of them, RRSIGs and NSEC3s too

  // When the first of the zone's signatures expires (RFC 4034 section 3.1.5), in seconds since 1970, modulo 2^32:
  // compare it as a serial number. nullopt where the zone has no signature.
  [[nodiscard]] std::optional<std::uint32_t> signatures_expire() const;
  // The same in seconds since 1970, as it is meant at `now` (RFC 1982).
  [[nodiscard]] std::optional<std::int64_t> signatures_expire_at(std::int64_t now) const;

  // Answers as RFC 1034 section 4.3.2 has it, with RFC 2308 (negative answers), 4592 (wildcards), 6604 (rcodes of
  // chains), 6672 (DNAME), 9471 (glue) and, where the query has the DO bit and the zone is signed, RFC 4035 section 3.1
  // and RFC 5155 section 7.2. Sets rcode and AA, and appends to the sections; the response should be empty. QTYPE ANY
  // gives all RRsets of the name. Does not allocate once the response has grown to its working size. REQUIRES:
  // query.qname is under apex(); qtype is neither AXFR nor IXFR.
  void answer(const dns::Query& query, dns::Response& response) const;

  // Adds to the options of an answer(): the version of the zone, which is its serial, where the client asks for it and
  // the answer is authoritative (RFC 9660); and, where the client has the DO bit, that one of the signatures in it had
  // expired at `now`, in seconds since 1970 (RFC 8914 section 4.8). Not for an answer that is thrown away.
  void add_options(const dns::Query& query, dns::Response& response, std::int64_t now) const;
  // The same now. Most queries have nothing that it is about.
  void add_options(const dns::Query& query, dns::Response& response) const {
    if (query.edns.dnssec_ok || !query.edns.options.empty()) add_options(query, response, std::time(nullptr));
  }

  // Appends the SOA as a negative answer has it, with the TTL of RFC 2308 section 3, to the authority section; with its
  // RRSIGs where the query has the DO bit. For plugins that say NODATA for names they own themselves.
  void add_negative_soa(const dns::Query& query, dns::Response& response) const;

 private:
  const std::uint8_t* image_;
};

}  // namespace swage::zone
