// An answer reduced to what all nameservers must agree on, for comparing servers. What is left out, because the RFCs
// leave it to the server:
//
//  * the order of records (RFC 2181 section 5), compression, and the spelling of names (RFC 4343: an owner that was
//    compressed to the question's name is spelled as the question);
//  * the nameservers of the zone itself in the authority section of an answer that has an answer section, with their
//    signatures (RFC 1034 section 4.3.2 does not ask for them; some servers add them as a courtesy);
//  * additional records but glue: the addresses of nameservers below the delegation that the answer refers to (RFC 9471
//    section 3.1 demands those; siblings' glue, section 3.2, and addresses of MX or SRV targets are optional);
//  * the sizes that EDNS offers.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/support/dns_message.h"

namespace swage::tests {

// A record's fields, in lower case.
struct RecordText {
  std::string owner, ttl, type, data;

  [[nodiscard]] static RecordText parse(const std::string& text);
  // The type that an RRSIG covers; empty for other records.
  [[nodiscard]] std::string covered() const;
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const RecordText&) const = default;
};

struct ComparableAnswer {
  std::string rcode;
  bool aa = false;
  std::set<RecordText> answer, authority, glue;
  std::set<RecordText> extra;  // the other additional records; not compared
  bool doubled = false;        // a record twice in a section, which RFC 2181 section 5 forbids

  // REQUIRES: the answer comes from the zone `apex` (lower case, with its final dot).
  ComparableAnswer(const Decoded& decoded, const std::string& apex);
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool operator==(const ComparableAnswer& other) const {
    return rcode == other.rcode && aa == other.aa && answer == other.answer && authority == other.authority &&
           glue == other.glue && doubled == other.doubled;
  }
};

[[nodiscard]] bool is_below(const std::string& name, const std::string& parent);  // or the same

}  // namespace swage::tests
