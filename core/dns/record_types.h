// What is known of each record type: one table, a row a type. All that depends on the type of a record is derived from
// it: mnemonics, the text and the check of its data, where names are in them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/bytes.h"
#include "core/dns/rdata_rules.h"
#include "core/dns/types.h"

namespace swage::dns {

// How the data are written in a zone file: as their fields in order, or in a form of the type's own.
enum class TextForm : std::uint8_t { fields, wks, nsap, loc, atma, a6, apl, hip, service, amtrelay };

// The size of a field that always has the same; 0 for all others.
[[nodiscard]] constexpr std::size_t fixed_size(char field) {
  switch (field) {
    case '1':
    case 'g':
    case 'S':
      return 1;
    case '2':
    case 'y':
    case 'T':
      return 2;
    case '4':
    case 't':
    case 'd':
    case 'a':
      return 4;
    case '6':
      return 6;
    case '8':
    case 'k':
    case 'E':
      return 8;
    case 'q':
      return 16;
    default:
      return 0;
  }
}

[[nodiscard]] constexpr bool is_name_field(char field) {
  return field == 'n' || field == 'N' || field == 'o' || field == 'O';
}

[[nodiscard]] constexpr std::uint8_t count_fixed(std::string_view fields) {
  std::uint8_t count = 0;
  while (count < fields.size() && fixed_size(fields[count]) != 0) ++count;
  return count;
}

[[nodiscard]] constexpr std::uint8_t count_bytes(std::string_view fixed_fields) {
  std::size_t bytes = 0;
  for (const char field : fixed_fields) bytes += fixed_size(field);
  return static_cast<std::uint8_t>(bytes);
}

// The fields of a type's data, one letter each:
//   n name   N name that may be compressed (RFC 3597 section 4)   o, O the same of a host whose addresses an answer
//   adds 1 2 4 8 number of so many bytes   t seconds   d timestamp   a IPv4 address   q IPv6 address c character-string
//   C character-string or nothing   s all the character-strings that follow, one or more l text up to the end   L the
//   same, not empty   b base64   B base64 or nothing   D base64 or "-"   x hexadecimal g DNSSEC algorithm   y type   m
//   type bitmap   v type bitmap of NXT   z salt   h hash T type of certificate   S scheme of DSYNC   k 64 bits as in an
//   IPv6 address   6 EUI-48   E EUI-64 w gateway of IPSECKEY   W relay of AMTRELAY   r whatever follows: the rule and
//   the form of the text know it
struct RecordType {
  Type type;
  std::string_view mnemonic;
  std::string_view fields = {};  // empty: the data may be anything, or no record has the type
  std::string_view names = {};   // of the fields, with commas between
  RdataRule rule = nullptr;      // what the data must be beyond their fields
  TextForm text = TextForm::fields;

  // The leading fields of fixed size, and their bytes.
  std::uint8_t fixed_fields = count_fixed(fields);
  std::uint8_t fixed_bytes = count_bytes(fields.substr(0, fixed_fields));

  // The data are a name and nothing else.
  [[nodiscard]] constexpr bool is_one_name() const { return fields.size() == 1 && is_name_field(fields[0]); }
  // Of the field at `index`, for messages.
  [[nodiscard]] std::string_view field_name(std::size_t index) const;
};

// nullptr for a type that IANA's registry does not have.
[[nodiscard]] const RecordType* record_type(Type type);
[[nodiscard]] const RecordType* record_type(std::string_view mnemonic);  // in any case

// RFC 6895 section 3.1: 0, OPT and 128 to 255 are for queries and for the message itself.
[[nodiscard]] constexpr bool is_meta_type(Type type) {
  const auto number = static_cast<std::uint16_t>(type);
  return number == 0 || type == Type::opt || (number >= 128 && number <= 255);
}

// Where the names of a type's data are: how many bytes precede them, and how many there are, one after another.
struct NamesInRdata {
  std::uint8_t before = 0, count = 0;
};
namespace derived {
extern const std::array<NamesInRdata, 16> kCompressedNames;
extern const std::array<NamesInRdata, 66> kHosts;
}  // namespace derived

// Those that may be compressed: each record of an answer is asked.
[[nodiscard]] inline NamesInRdata compressed_names(Type type) {
  const auto number = static_cast<std::size_t>(type);
  return number < derived::kCompressedNames.size() ? derived::kCompressedNames[number] : NamesInRdata{};
}

// The host whose addresses an answer adds, if there is one.
[[nodiscard]] inline NamesInRdata host_name(Type type) {
  const auto number = static_cast<std::size_t>(type);
  return number < derived::kHosts.size() ? derived::kHosts[number] : NamesInRdata{};
}

// The place of the first name in `rdata`; nullopt where the type has no name, or one after fields of other kinds than
// numbers and character-strings.
[[nodiscard]] std::optional<std::size_t> first_name(Type type, Bytes rdata);

}  // namespace swage::dns
