// DNS messages for tests: queries built byte by byte, so that they can be as wrong as a test wants, and answers decoded
// by ldns, independently of the server's own code.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "tests/support/dns_client.h"

namespace swage::tests {

struct Option {
  std::uint16_t code = 0;
  std::string data;  // bytes

  bool operator==(const Option&) const = default;
};

// An OPT record (RFC 6891).
struct Opt {
  std::uint16_t udp_size = 1232;
  std::uint8_t version = 0;
  std::uint8_t extended_rcode = 0;  // the upper 8 of its 12 bits
  std::uint16_t flags = 0;          // kDnssecOk and bits without a meaning
  std::vector<Option> options{};

  [[nodiscard]] const Option* option(std::uint16_t code) const;
};

inline constexpr std::uint16_t kDnssecOk = 0x8000;

// Bits of the header's second word.
inline constexpr std::uint16_t kQr = 0x8000, kAa = 0x0400, kTc = 0x0200, kRd = 0x0100, kRa = 0x0080, kZ = 0x0040,
                               kAd = 0x0020, kCd = 0x0010;

struct Question {
  std::string name;  // presentation format, ends with a dot; escapes \. and \DDD
  std::string type;  // "A", "TYPE65280", "ANY", "AXFR"
  std::string rclass = "IN";
  std::uint16_t id = 0x5357;
  std::uint16_t flags = 0;  // the header's second word, so with the opcode: 4 << 11 is NOTIFY
  std::optional<Opt> opt{};
};

// The query as bytes.
// REQUIRES: a well-formed name and known mnemonics; ends the process otherwise.
[[nodiscard]] Packet encode(const Question& question);

[[nodiscard]] Packet wire_name(std::string_view name);                // of a name in presentation format
[[nodiscard]] std::uint16_t type_number(std::string_view mnemonic);   // "A", "TYPE1", "ANY"
[[nodiscard]] std::uint16_t class_number(std::string_view mnemonic);  // "IN", "CLASS32"
[[nodiscard]] Packet from_hex(std::string_view hex);                  // white space is ignored
[[nodiscard]] std::string to_hex(Bytes bytes);                        // in groups of four digits

// An answer, decoded. Records are in presentation format with single blanks: "www.example.org. 300 IN A 192.0.2.1",
// names spelled as they came. The OPT record is not among the additional records.
struct Decoded {
  std::size_t size = 0;  // bytes of the message
  std::uint16_t id = 0;
  std::uint16_t flags = 0;  // the header's second word
  unsigned opcode = 0;
  unsigned rcode = 0;                                            // with the extended bits of the OPT record
  std::array<std::uint16_t, 4> counts{};                         // of the header: QD, AN, NS, AR; AR with the OPT
  std::vector<std::string> question;                             // "WwW.example.org. IN A"
  std::vector<std::string> answer{}, authority{}, additional{};  // in the order of the message
  std::optional<Opt> opt{};

  [[nodiscard]] bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
  [[nodiscard]] std::string rcode_text() const;  // "NXDOMAIN"
  // The whole in lines, the records of a section sorted: what tests print, and may compare.
  [[nodiscard]] std::string to_string() const;
};

// Decodes a message with ldns. Fails where it is malformed, has bytes after its end, or more than one OPT record.
[[nodiscard]] Result<Decoded> decode(Bytes packet);

}  // namespace swage::tests
