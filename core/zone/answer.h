// One answer from a zone in the making: Sections puts RRsets into sections, Answer follows RFC 1034
// section 4.3.2. Internal to core/zone; in dns processes.
#pragma once

#include <vector>

#include "core/dns/query.h"
#include "core/dns/response.h"
#include "core/zone/lookup.h"

namespace swage::zone {

class Sections {
 public:
  Sections(ImageReader zone, const dns::Query& query, dns::Response& response)
      : zone_(zone), query_(query), response_(response), dnssec_(query.edns.dnssec_ok) {}

  using Section = std::vector<dns::Record>;

  // Appends the records, and their RRSIGs where the query has the DO bit.
  void add(Section& section, dns::NameView owner, const image::Rrset& rrset, bool optional = false);
  void add_rrsigs(Section& section, dns::NameView owner, const image::Rrset& rrset);
  void add_negative_soa();
  // The SOA, or a proof, to the authority section, but only once: chains can need one twice.
  void add_once(const image::Node& node, const image::Rrset& rrset);
  // Addresses of the hosts that an RRset of the answer names, as far as the zone has them, and of services what their
  // targets say.
  void add_additional(const image::Rrset& rrset);
  // The addresses of the name servers of a delegation: those below it must be sent, others may be (RFC 9471).
  void add_glue(const image::Node& cut, const image::Rrset& ns);

  [[nodiscard]] static bool has(const Section& section, Bytes rdata);

 protected:
  void add_addresses(const image::Node& host, bool optional);
  void add_targets(const image::Rrset& rrset, unsigned& left);
  void add_host(const image::Node& host, dns::Type type, unsigned& left);
  [[nodiscard]] const image::Node* find_node(dns::NameView name) const;

  ImageReader zone_;
  const dns::Query& query_;
  dns::Response& response_;
  bool dnssec_;
};

class Answer : private Sections {
 public:
  Answer(ImageReader zone, const dns::Query& query, dns::Response& response)
      : Sections(zone, query, response), name_(zone.header(), query) {}
  void run();

 private:
  enum class Step : std::uint8_t { done, next_name };

  Step step();
  Step from_node(const image::Node& node, const Found* synthesised);
  Step follow_cname(const image::Rrset& cname, const Found* synthesised);
  Step substitute(const image::Node& dname_owner);
  Step follow(dns::NameView target);
  void add_everything(const image::Node& node, dns::NameView owner);
  void add_all_rrsigs(const image::Node& node, dns::NameView owner);
  void refer(const image::Node& cut);
  void nodata(const image::Node& node, const Found* synthesised);
  void tell_types(const image::Node& node);
  void nxdomain(const Found& found);
  [[nodiscard]] bool loops() const;

  SearchName name_;  // the name that is looked for now: qname, or the end of a chain of CNAMEs
};

}  // namespace swage::zone
