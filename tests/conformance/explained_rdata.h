// Where BIND, Knot DNS and ldns judge record data differently from swage, each with the RFC that says which is right,
// or leaves the choice. Whatever is not in these lists fails rdata_peers_test.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace swage::tests {

struct RdataDifference {
  std::string_view peer;    // "BIND", "Knot", "ldns", which sees it the other way round
  std::string_view record;  // type and data
  bool taken;               // by swage
  std::string_view said;    // by swage: the wire form in hexadecimal, or why it is refused

  [[nodiscard]] std::string_view type() const { return record.substr(0, record.find(' ')); }
};

namespace explained {

// `words` have one of them.
inline bool names(std::string_view words, std::string_view word) {
  return (" " + std::string(words) + " ").find(" " + std::string(word) + " ") != std::string::npos;
}

struct UnknownTypes {
  std::string_view peer, types;
};
// Types that a peer does not know: it takes any data in the form of RFC 3597, or none at all.
constexpr auto kUnknown = std::to_array<UnknownTypes>({
    {"BIND", "CLA IPN"},
    {"Knot",
     "MD MF MB MG MR NULL WKS X25 ISDN NSAP NSAP-PTR SIG PX GPOS NXT EID NIMLOC ATMA A6 SINK HIP NINFO RKEY TALINK AVC "
     "DOA AMTRELAY RESINFO WALLET CLA IPN DSYNC HHIT BRID TA DLV"},
    {"ldns", "NXT A6 NINFO RKEY AVC DOA AMTRELAY RESINFO WALLET CLA IPN DSYNC HHIT BRID TA"},
});

// What swage refuses and a peer takes: by words of swage's message and of the record. An empty peer is any of them.
struct Stricter {
  std::string_view peer, types, said, record, reason;
};
constexpr auto kStricter = std::to_array<Stricter>({
    {"", "KEY DNSKEY CDNSKEY RKEY", "public key:", "", "RFC 6605 section 4, RFC 8080 section 3: the size is fixed"},
    {"", "CDS CDNSKEY", "algorithm: 0 is for", "", "RFC 8078 section 4: with algorithm 0 all else is fixed"},
    {"", "GPOS", "expected", "", "RFC 1712 section 3: decimal numbers"},
    {"", "NXT", "type", "", "RFC 2535 section 5.2: the bit of NXT is always set"},
    {"", "DS DLV TA CDS", "digest:", "", "RFC 5933, 6605, 9558, 9563: the size of a digest is fixed"},
    {"", "DHCID", "cut short", "", "RFC 4701 section 3.3: identifier, digest type and digest"},
    {"", "DHCID", "digest:", "", "RFC 4701 section 3.4: the digest is SHA-256's"},
    {"", "IPSECKEY", "public key:", "", "RFC 4025 section 2.4: no key with algorithm 0, and a key with any other"},
    {"", "NSEC3 NSEC3PARAM", "iterations, more than", "", "RFC 9276 section 3.2: more are not answered from"},
    {"", "TLSA SMIMEA", "certificate data:", "", "RFC 6698 section 2.1.3: a hash of another size matches nothing"},
    {"", "SVCB HTTPS", "ech: expected", "", "RFC 9848 section 3: a list of configurations is not empty"},
    {"", "SVCB HTTPS", "key65535", "", "RFC 9460 section 14.3.2: reserved, not valid"},
    {"", "EUI48 EUI64", "expected an address", "", "RFC 7043 sections 3.2 and 4.2: six or eight pairs of digits"},
    {"", "URI", "target: missing", "", "RFC 7553 section 4.4: the target must not be empty"},
    {"BIND", "LOC", "after its last field", "", "RFC 1876 section 2: BIND takes any size of versions to come"},
    {"BIND", "LOC", "cut short", "", "RFC 1876 section 2: BIND takes any size of versions to come"},
    {"BIND", "KEY DNSKEY CDNSKEY RKEY", "a number up to 65535", "", "RFC 4034 section 2.2: flags are decimal"},
    {"BIND", "WKS", "expected a", "", "BIND takes the names of /etc/protocols and /etc/services"},
    {"BIND", "SSHFP", "expected hex", "", "RFC 4255 section 3.1.3: a fingerprint is not empty"},
    {"BIND", "SSHFP", "fingerprint: missing", "", "RFC 4255 section 3.1.3: a fingerprint is not empty"},
    {"BIND", "DSYNC", "expected a type", "", "RFC 9859 section 2.1: a mnemonic, or TYPE and a number"},
    {"Knot", "", "malformed base64", "", "Knot takes base64 that ends in two places, or within a byte"},
    {"Knot", "NS CNAME PTR DNAME", "malformed escape", "", "Knot takes \\256 for a byte"},
    {"Knot", "LOC", "expected a", "", "RFC 1876 section 3: not more than 90 or 180 degrees"},
    {"Knot", "NAPTR", "regexp:", "", "RFC 3402 section 3.2; BIND checks it too"},
    {"ldns", "", "", "\\#", "ldns does not look into the form of RFC 3597"},
    {"Knot", "SSHFP", "fingerprint:", "", "RFC 6594: the size of a hash is fixed; BIND checks it too"},
    {"Knot", "NSEC", "types: missing", "", "RFC 4034 section 4.1: NSEC and RRSIG are always there; BIND checks it too"},
    {"Knot", "NSEC3", "next hash:", "", "RFC 5155 section 3: the hash is SHA-1's; BIND checks it too"},
    {"Knot", "ZONEMD", "digest:", "", "RFC 8976 section 2.2.4; BIND checks it too"},
    {"Knot", "SVCB HTTPS", ": ", "key", "Knot does not look at the values of keyNNNNN, whatever their key"},
    {"Knot", "SVCB HTTPS", "no-default-alpn: needs", "", "RFC 9460 section 7.1.1; BIND checks it too"},
    {"Knot", "CAA", "tag:", "", "RFC 8659 section 4.1; BIND checks it too"},
    {"ldns", "", "malformed hexadecimal", "", "ldns fills up half a byte"},
    {"ldns", "", "malformed base64", "", "ldns reads malformed base64 as no data"},
    {"ldns", "ATMA", "expected", "", "ldns fills up half a byte"},
    {"ldns", "APL", "expected a prefix", "", "RFC 3123 section 4: BIND checks it too"},
    {"ldns", "SSHFP", "fingerprint:", "", "RFC 6594: the size of a hash is fixed; BIND checks it too"},
    {"ldns", "NSEC NSEC3 CSYNC", "type", "", "ldns leaves out what is not a type; BIND checks it too"},
    {"ldns", "NSEC3", "next hash:", "", "RFC 5155 section 3: the hash is SHA-1's; BIND checks it too"},
    {"ldns", "ZONEMD", "digest:", "", "RFC 8976 section 2.2.4; BIND checks it too"},
    {"ldns", "SVCB HTTPS", "", "", "RFC 9460 sections 2.2, 7 and 8; BIND checks it too"},
    {"ldns", "NSAP-PTR", "", "", "ldns takes it for a string"},
    {"ldns", "WKS", "expected a", "", "ldns takes names that it does not know for 0"},
    {"ldns", "X25", "expected 4 digits", "", "RFC 1183 section 3.1; BIND checks it too"},
    {"ldns", "NSAP", "expected 0x", "", "RFC 1706 section 5; BIND checks it too"},
    {"ldns", "SIG RRSIG", "expected a t", "",
     "ldns reads what is not a type as type 0, and the first part of a malformed time"},
    {"ldns", "LOC", "expected", "", "ldns wraps degrees and metres"},
    {"ldns", "NAPTR", "regexp:", "", "RFC 3402 section 3.2; BIND checks it too"},
    {"ldns", "", "expected a number up to", "", "ldns wraps numbers, or reads what is not a number as 0"},
});

// What swage takes and a peer refuses.
struct Laxer {
  std::string_view peer, types, reason;
};
constexpr auto kLaxer = std::to_array<Laxer>({
    {"BIND", "MD MF", "obsolete types are for a warning, not the loss of a zone"},
    {"BIND", "DS DLV TA CDS", "a number of more than ten digits, with zeros in front"},
    {"BIND", "IPSECKEY", "RFC 4025 section 2.4: with algorithm 0 there is no key; a warning"},
    {"Knot", "IPSECKEY OPENPGPKEY DNSKEY CDNSKEY KEY CERT DHCID RRSIG",
     "RFC 4034 section 2.2: base64 with spaces in it"},
    {"Knot", "SVCB HTTPS", "RFC 9461: Knot 3.2 does not know dohpath"},
    {"Knot", "NID L64", "RFC 6742 section 2.1.2: zeros may be left out"},
    {"ldns", "ATMA", "af-dans-0152: digits of E.164 after a +"},
    {"ldns", "SINK", "draft-eastlake-kitchen-sink-02: meaning, coding and subcoding"},
    {"ldns", "IPSECKEY", "RFC 4025 section 3.1: no key, spaces in base64"},
    {"ldns", "CSYNC", "RFC 7477 section 2.1.1.2.1: a bitmap may be empty"},
    {"ldns", "SVCB HTTPS", "RFC 9460 section 2.1: keyNNNNN and its value"},
    {"ldns", "CAA", "RFC 8659 section 4.1: capital letters"},
    {"Knot", "KEY", "RFC 2535 section 3.1.2: flags that say that there is no key"},
    {"ldns", "KEY", "RFC 2535 section 3.1.2: flags that say that there is no key"},
    {"ldns", "WKS", "RFC 1035 section 3.4.2: a bitmap may be empty"},
    {"ldns", "NSAP", "0X is 0x"},
});

}  // namespace explained

// nullptr: it is not.
inline const char* explained_rdata(const RdataDifference& difference) {
  using namespace explained;
  for (const UnknownTypes& unknown : kUnknown) {
    if (unknown.peer == difference.peer && names(unknown.types, difference.type())) return "does not know the type";
  }
  if (difference.taken) {
    if (difference.peer == "Knot" && difference.record.find_first_of("{}:,=!+@") != std::string_view::npos) {
      return "RFC 2181 section 11: a name may have any character";
    }
    for (const Laxer& each : kLaxer) {
      if (each.peer == difference.peer && names(each.types, difference.type())) return each.reason.data();
    }
    return nullptr;
  }
  for (const Stricter& each : kStricter) {
    if ((each.peer.empty() || each.peer == difference.peer) &&
        (each.types.empty() || names(each.types, difference.type())) &&
        difference.said.find(each.said) != std::string_view::npos &&
        difference.record.find(each.record) != std::string_view::npos) {
      return each.reason.data();
    }
  }
  return nullptr;
}

// Data that BIND takes too, and writes otherwise.
inline bool explained_wire(std::string_view) { return false; }

}  // namespace swage::tests
