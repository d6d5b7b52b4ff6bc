#include "core/dns/types.h"

#include <array>

#include "core/dns/record_types.h"
#include "core/text.h"

namespace swage::dns {
namespace {

struct ClassName {
  Class value;
  std::string_view name;
};
constexpr std::array<ClassName, 5> kClasses = {
    {{Class::in, "IN"}, {Class::ch, "CH"}, {Class::hs, "HS"}, {Class::none, "NONE"}, {Class::any, "ANY"}}};

// PREFIX followed by a number of 16 bits, as in TYPE65280 (RFC 3597 section 5).
bool parse_numbered(std::string_view text, std::string_view prefix, std::uint16_t& number) {
  if (text.size() <= prefix.size() || !equal_without_case(text.substr(0, prefix.size()), prefix)) return false;
  return parse_number(text.substr(prefix.size()), number);
}

}  // namespace

std::string to_string(Type type) {
  if (const RecordType* const known = record_type(type)) return std::string(known->mnemonic);
  return formatted("TYPE{}", static_cast<std::uint16_t>(type));
}

std::string to_string(Class value) {
  for (const ClassName& known : kClasses) {
    if (known.value == value) return std::string(known.name);
  }
  return formatted("CLASS{}", static_cast<std::uint16_t>(value));
}

std::string to_string(Opcode value) {
  switch (value) {
    case Opcode::query:
      return "QUERY";
    case Opcode::iquery:
      return "IQUERY";
    case Opcode::status:
      return "STATUS";
    case Opcode::notify:
      return "NOTIFY";
    case Opcode::update:
      return "UPDATE";
    case Opcode::dso:
      return "DSO";
  }
  return formatted("OPCODE{}", static_cast<std::uint8_t>(value));
}

std::string to_string(Rcode value) {
  switch (value) {
    case Rcode::noerror:
      return "NOERROR";
    case Rcode::formerr:
      return "FORMERR";
    case Rcode::servfail:
      return "SERVFAIL";
    case Rcode::nxdomain:
      return "NXDOMAIN";
    case Rcode::notimp:
      return "NOTIMP";
    case Rcode::refused:
      return "REFUSED";
    case Rcode::yxdomain:
      return "YXDOMAIN";
    case Rcode::yxrrset:
      return "YXRRSET";
    case Rcode::nxrrset:
      return "NXRRSET";
    case Rcode::notauth:
      return "NOTAUTH";
    case Rcode::notzone:
      return "NOTZONE";
    case Rcode::badvers:
      return "BADVERS";
    case Rcode::badcookie:
      return "BADCOOKIE";
  }
  return formatted("RCODE{}", static_cast<std::uint16_t>(value));
}

Result<Type> parse_type(std::string_view text) {
  if (const RecordType* const known = record_type(text)) return known->type;
  std::uint16_t number = 0;
  if (parse_numbered(text, "TYPE", number)) return static_cast<Type>(number);
  return fail("unknown record type '{}'", text);
}

Result<Class> parse_class(std::string_view text) {
  for (const ClassName& known : kClasses) {
    if (equal_without_case(known.name, text)) return known.value;
  }
  std::uint16_t number = 0;
  if (parse_numbered(text, "CLASS", number)) return static_cast<Class>(number);
  return fail("unknown class '{}'", text);
}

}  // namespace swage::dns
