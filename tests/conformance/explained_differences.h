// The differences between swage, Knot DNS and NSD that differential_test knows, each with the RFC that says which is
// right or leaves the choice. Whatever is not in this list fails the test.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "tests/support/comparable_answer.h"
#include "tests/support/dns_message.h"
#include "tests/support/signer.h"
#include "tests/support/zone_generator.h"

namespace swage::tests {

// One question and what the three servers said.
struct Comparison {
  const GeneratedZone& zone;
  Signing signing;
  const Question& question;
  ComparableAnswer swage, knot, nsd;

  [[nodiscard]] bool same() const { return swage == knot && knot == nsd; }
  // The server that differs from the other two; "nobody" where all three differ.
  [[nodiscard]] std::string_view alone() const {
    if (knot == nsd) return "swage";
    if (swage == nsd) return "knot";
    return swage == knot ? "nsd" : "nobody";
  }
  // As if `peer` were both of the others.
  [[nodiscard]] Comparison with(const ComparableAnswer& peer) const {
    return {zone, signing, question, swage, peer, peer};
  }
  [[nodiscard]] bool dnssec_ok() const { return question.opt && question.opt->flags != 0; }
  [[nodiscard]] std::string to_string() const {
    return fmt::format("{} {}{} (zone {})\n    swage {}    knot  {}    nsd   {}", question.name, question.type,
                       dnssec_ok() ? " +do" : "", tests::to_string(signing), swage.to_string(), knot.to_string(),
                       nsd.to_string());
  }
};

namespace explained {

using Records = std::set<RecordText>;

inline std::ptrdiff_t count(const Records& records, std::string_view type) {
  return std::count_if(records.begin(), records.end(), [&](const RecordText& each) { return each.type == type; });
}

inline bool has(const Records& all, const Records& part) {
  return std::includes(all.begin(), all.end(), part.begin(), part.end());
}

// They differ in the authority section alone.
inline bool same_but_proofs(const ComparableAnswer& left, const ComparableAnswer& right) {
  return left.rcode == right.rcode && left.aa == right.aa && left.answer == right.answer && left.glue == right.glue;
}

inline bool knot_stops(const Comparison& each) {
  return (count(each.knot.answer, "cname") == 5 || each.knot.doubled) && has(each.swage.answer, each.knot.answer);
}

// Both others say the same, with records doubled.
inline bool said_once(const Comparison& each) {
  ComparableAnswer knot = each.knot;
  knot.doubled = false;
  return each.swage == knot;
}

// What NSD lacks is an NSEC record below a label that sorts before the asterisk: such as \000 and \032.
inline bool nsd_misses_asterisk(const Comparison& each) {
  return each.signing == Signing::nsec && same_but_proofs(each.nsd, each.swage) &&
         std::all_of(each.swage.authority.begin(), each.swage.authority.end(), [&](const RecordText& record) {
           return each.nsd.authority.contains(record) || record.owner.starts_with("\\0") ||
                  record.owner.find(".\\0") != std::string::npos;
         });
}

inline bool wildcard_glue(const Comparison& each) {
  ComparableAnswer knot = each.knot;
  std::erase_if(knot.glue, [&](const RecordText& record) {
    return std::none_of(each.zone.names.begin(), each.zone.names.end(), [&](const std::string& name) {
      return RecordText::parse(name + " 0 IN A").owner == record.owner;
    });
  });
  return each.swage == knot;
}

inline bool nsd_proves_before_dname(const Comparison& each) {
  return each.dnssec_ok() && count(each.swage.answer, "dname") > 0 && each.signing != Signing::none;
}

inline bool nsec_is_its_own_proof(const Comparison& each) {
  return each.question.type == "NSEC" && same_but_proofs(each.knot, each.swage);
}

inline bool nsec_is_asked(const Comparison& each) { return each.question.type == "NSEC"; }

// The name that was looked up last, at the end of the CNAMEs, is a wildcard's but there is none of that name.
inline bool asterisk_is_asked(const Comparison& each) {
  const auto asterisk = [](const RecordText& record) {
    return record.type == "cname" && record.data.starts_with("*.");
  };
  const Records& answer = each.swage.answer;
  return (each.question.name.starts_with("*.") || std::any_of(answer.begin(), answer.end(), asterisk)) &&
         same_but_proofs(each.knot, each.swage) && has(each.swage.authority, each.knot.authority);
}

inline bool nsd_proves_more(const Comparison& each) {
  return each.dnssec_ok() && same_but_proofs(each.nsd, each.swage) && has(each.nsd.authority, each.swage.authority);
}

inline bool nsd_proves_less(const Comparison& each) {
  return (each.signing == Signing::nsec3 || each.signing == Signing::nsec3_opt_out) && each.swage.rcode == "NOERROR" &&
         same_but_proofs(each.nsd, each.swage) && has(each.swage.authority, each.nsd.authority);
}

inline bool nsec3_is_asked(const Comparison& each) { return each.question.type == "NSEC3"; }

}  // namespace explained

struct Explanation {
  std::string_view who;  // differs from the others
  std::string_view text;
  bool (*covers)(const Comparison&);
};

inline constexpr Explanation kExplained[] = {
    {"swage",
     "makes no glue from a wildcard below a delegation: data below a cut is not the zone's, and a wildcard is used in "
     "step 3c of RFC 1034 section 4.3.2 only, which a referral (3b) never reaches",
     explained::wildcard_glue},
    {"swage", "says each record of a loop once; RFC 2181 section 5 wants no duplicates", explained::said_once},
    {"knot",
     "follows 5 CNAME records and no more, round and round in loops; RFC 1034 section 4.3.2 (3a) knows no limit, RFC "
     "2181 section 5 no duplicates",
     explained::knot_stops},
    {"knot",
     "leaves out the proof that there is no closer name where the answer is that very NSEC record, made from a "
     "wildcard; RFC 4035 section 3.1.3.3 makes no exception",
     explained::nsec_is_its_own_proof},
    {"knot",
     "takes a name that begins with an asterisk, and that another wildcard matches, for that wildcard itself, and "
     "leaves "
     "out the proof that the name is not there (RFC 5155 sections 7.2.5 and 7.2.6, RFC 4035 section 3.1.3.3)",
     explained::asterisk_is_asked},
    {"nsd",
     "proves the name before a DNAME's substitution, not the one after it (RFC 6672 section 5.3.4.1); does not follow "
     "a wildcard's CNAME after a DNAME",
     explained::nsd_proves_before_dname},
    {"nsd",
     "denies a wildcard with a wrong NSEC record where names with labels such as \\000 sort before the asterisk (RFC "
     "4034 section 6.1)",
     explained::nsd_misses_asterisk},
    {"nsd",
     "adds a proof about the closest encloser where a wildcard itself is asked for; RFC 5155 section 7.2.3 wants the "
     "NSEC3 "
     "record that matches, and no more",
     explained::nsd_proves_more},
    {"nsd",
     "leaves a part of the closest encloser proof out where a wildcard has not the type; RFC 5155 section 7.2.5 wants "
     "it "
     "whole",
     explained::nsd_proves_less},
    {"nsd",
     "follows a CNAME for QTYPE NSEC in zones without NSEC; RFC 4035 section 2.5 puts NSEC beside a CNAME, so the "
     "question is for the name itself",
     explained::nsec_is_asked},
    {"nsd", "says NODATA to QTYPE NSEC3 without following a CNAME (RFC 1034 section 4.3.2, 3a)",
     explained::nsec3_is_asked},
};

}  // namespace swage::tests
