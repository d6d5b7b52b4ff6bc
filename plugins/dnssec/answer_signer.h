// AnswerSigner: makes of one response of a zone a signed one (RFC 4035 section 3.1), with denials made for it (RFC
// 9824). Internal to this folder; in dns processes.
#pragma once

#include <optional>
#include <vector>

#include "core/plugin/chain.h"
#include "plugins/dnssec/signatures.h"
#include "plugins/dnssec/zone_in_force.h"

namespace swage::plugins::dnssec {

// Memory that is used again for each response.
struct Scratch {
  std::vector<dns::Record> section;
  std::vector<Bytes> rdata;
  std::vector<dns::Type> types;
};

class AnswerSigner {
 public:
  AnswerSigner(const ZoneInForce& zone, Signatures& signatures, Scratch& scratch, const Query& query,
               Response& response, const Signatures::Moment& moment)
      : zone_(zone),
        signatures_(signatures),
        scratch_(scratch),
        query_(query),
        response_(response),
        moment_(moment),
        target_(query.qname) {}

  // What other nameservers have said, errors and refusals are left as they are.
  [[nodiscard]] bool is_ours() const;
  // There is nothing there, and no SOA record of a zone with this name says so: what the plugins before have left to
  // others, or *rewrite* has taken from another zone.
  [[nodiscard]] bool lacks_soa() const;
  // False where the budget did not suffice: the response is of no use.
  [[nodiscard]] Result<bool> run();

 private:
  using Section = std::vector<dns::Record>;

  [[nodiscard]] bool is_referral() const { return referral() != nullptr; }
  [[nodiscard]] const dns::Record* referral() const;
  [[nodiscard]] const dns::Record* soa() const;
  void follow_chain();
  void deny();
  void prove_unsigned(const dns::Record& ns);
  void list_types(bool exists);
  void add_nsec(Section& section, dns::NameView owner, std::uint32_t ttl);

  [[nodiscard]] Result<bool> sign(Section& section);
  [[nodiscard]] Result<bool> sign_rrset(const Section& section, std::size_t last);
  [[nodiscard]] bool is_to_be_signed(const Section& section, const dns::Record& record) const;

  const ZoneInForce& zone_;
  Signatures& signatures_;
  Scratch& scratch_;
  const Query& query_;
  Response& response_;
  Signatures::Moment moment_;
  dns::NameView target_;  // the name that the answer is about: the end of a chain of CNAMEs
};

}  // namespace swage::plugins::dnssec
