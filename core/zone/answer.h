// One answer from a zone in the making: ZoneSections puts RRsets into sections, ZoneAnswer follows RFC 1034
// section 4.3.2. Internal to core/dns; in dns processes.
#pragma once

#include <vector>

#include "core/dns/query.h"
#include "core/dns/response.h"
#include "core/zone/lookup.h"

namespace swage::dns {

class ZoneSections {
 public:
  ZoneSections(ImageReader zone, const Query& query, Response& response)
      : zone_(zone), query_(query), response_(response), dnssec_(query.edns.dnssec_ok) {}

  using Section = std::vector<Record>;

  // Appends the records, and their RRSIGs where the query has the DO bit.
  void add(Section& section, NameView owner, const zone_image::Rrset& rrset, bool optional = false);
  void add_rrsigs(Section& section, NameView owner, const zone_image::Rrset& rrset);
  void add_negative_soa();
  // The SOA, or a proof, to the authority section, but only once: chains can need one twice.
  void add_once(const zone_image::Node& node, const zone_image::Rrset& rrset);
  // Addresses of the hosts that an RRset of the answer names, as far as the zone has them.
  void add_additional(const zone_image::Rrset& rrset);
  // The addresses of the name servers of a delegation: those below it must be sent, others may be (RFC 9471).
  void add_glue(const zone_image::Node& cut, const zone_image::Rrset& ns);

  [[nodiscard]] static bool has(const Section& section, Bytes rdata);

 protected:
  void add_addresses(const zone_image::Node& host, bool optional);

  ImageReader zone_;
  const Query& query_;
  Response& response_;
  bool dnssec_;
};

class ZoneAnswer : private ZoneSections {
 public:
  ZoneAnswer(ImageReader zone, const Query& query, Response& response)
      : ZoneSections(zone, query, response), name_(zone.header(), query) {}
  void run();

 private:
  enum class Step : std::uint8_t { done, next_name };

  Step step();
  Step from_node(const zone_image::Node& node, const Found* synthesised);
  Step follow_cname(const zone_image::Rrset& cname, const Found* synthesised);
  Step substitute(const zone_image::Node& dname_owner);
  Step follow(NameView target);
  void add_everything(const zone_image::Node& node, NameView owner);
  void add_all_rrsigs(const zone_image::Node& node, NameView owner);
  void refer(const zone_image::Node& cut);
  void nodata(const zone_image::Node& node, const Found* synthesised);
  void nxdomain(const Found& found);
  [[nodiscard]] bool loops() const;

  SearchName name_;  // the name that is looked for now: qname, or the end of a chain of CNAMEs
};

}  // namespace swage::dns
