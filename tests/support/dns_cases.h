// Tables of queries and what a nameserver must answer, written in YAML: see tests/conformance/README.md for the format.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/dns_message.h"

namespace swage::tests {

// What an answer must be. Records are in presentation format, as ldns writes them. What follows from the query alone
// (id, QR, opcode, RD, CD, RA, AD, the question's bytes, OPT or not, DO) is not in here: it is demanded of every
// answer.
struct Expectation {
  bool silent = false;              // no answer at all
  bool header_only = false;         // 12 bytes, followed by nothing but
  bool header_opt = false;          // an OPT record
  std::vector<std::string> rcodes;  // one of them
  std::optional<bool> aa;
  bool truncated = false;    // over UDP: TC is set, and the sections are empty
  std::size_t max_size = 0;  // bytes over UDP; 0: any
  // nullopt: not looked at
  std::optional<std::vector<std::string>> answer, authority, additional;
  std::vector<std::string> may_add;  // records that the additional section may have besides
  bool exact = false;                // records spelled as written here; else upper and lower case are the same
  std::map<std::uint16_t, std::string> options;  // of the answer's OPT: all of them
};

struct Case {
  std::string title;                 // "forge.yaml: gives the address of an IPv4 label (1-2-3-4.… A)"
  std::optional<Question> question;  // nullopt: the packet is written in hexadecimal digits
  Packet packet;
  bool udp = true, tcp = true;
  Expectation expectation;
};

// Throws (YAML::Exception, std::runtime_error) where the file is not as it must be.
[[nodiscard]] std::vector<Case> read_cases(const std::string& path);

// What is wrong with `answer`, the reply to `query`; empty if nothing is.
[[nodiscard]] std::string faults(Bytes query, const Expectation& expectation, Bytes answer, bool over_tcp);

}  // namespace swage::tests
