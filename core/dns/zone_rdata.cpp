#include "core/dns/zone_rdata.h"

#include <array>

namespace swage::dns {
namespace {

// The fields of each type as a string, one letter a field:
//   n name   1 2 4 number of so many bytes   t seconds   d timestamp   a IPv4 address   q IPv6 address
//   c character-string   s all the character-strings that follow, one or more   l long string
//   b base64   B base64 or nothing   x hex
//   g DNSSEC algorithm   y covered type   m type bitmap   z salt   h hash   w gateway
struct Format {
  std::uint16_t type;
  const char* fields;
};

constexpr auto kFormats = std::to_array<Format>({
    {1, "a"},          {2, "n"},       {3, "n"},     {4, "n"},     {5, "n"},       {6, "nn4tttt"},  {7, "n"},
    {8, "n"},          {9, "n"},       {12, "n"},    {13, "cc"},   {14, "nn"},     {15, "2n"},      {16, "s"},
    {17, "nn"},        {18, "2n"},     {19, "c"},    {21, "2n"},   {25, "21gb"},   {26, "2nn"},     {28, "q"},
    {33, "222n"},      {35, "22cccn"}, {36, "2n"},   {39, "n"},    {43, "2g1x"},   {44, "11x"},     {45, "111wB"},
    {46, "yg14dd2nb"}, {47, "nm"},     {48, "21gb"}, {49, "b"},    {50, "112zhm"}, {51, "112z"},    {52, "111x"},
    {53, "111x"},      {56, "s"},      {59, "2g1x"}, {60, "21gb"}, {61, "b"},      {62, "42m"},     {63, "411x"},
    {99, "s"},         {107, "2n"},    {256, "22l"}, {257, "1cl"}, {258, "s"},     {32768, "2g1x"}, {32769, "2g1x"},
});

// Types beyond the table are rare, and the table's densest part is reached by index.
constexpr auto kFormatByType = [] {
  std::array<const char*, 260> formats{};
  for (const Format& format : kFormats) {
    if (format.type < formats.size()) formats[format.type] = format.fields;
  }
  return formats;
}();

const char* fields_of(Type type) {
  const auto number = static_cast<std::uint16_t>(type);
  if (number < kFormatByType.size()) return kFormatByType[number];
  for (const Format& format : kFormats) {
    if (format.type == number) return format.fields;
  }
  return nullptr;
}

// Of IPSECKEY, by its second field (RFC 4025 section 3.1). ldns 1.8.3 does not make a relative name absolute here.
ZoneResult<> parse_gateway(RdataText& text) {
  switch (text.rdata()[1]) {
    case 0: {
      TRY(const ZoneToken token, text.take("'.'"));
      return token.text == "." ? ZoneResult<>{} : text.not_a("'.'", token);
    }
    case 1:
      return text.ipv4();
    case 2:
      return text.ipv6();
    case 3:
      return text.name();
    default:
      return fault(text.line(), "{}: unknown type of gateway", to_string(text.type()));
  }
}

ZoneResult<> parse_field(RdataText& text, char field) {
  switch (field) {
    case 'n':
      return text.name();
    case '1':
      return text.number(1);
    case '2':
      return text.number(2);
    case '4':
      return text.number(4);
    case 't':
      return text.seconds();
    case 'd':
      return text.timestamp();
    case 'a':
      return text.ipv4();
    case 'q':
      return text.ipv6();
    case 'c':
      return text.string();
    case 's':
      return text.strings();
    case 'l':
      return text.long_string();
    case 'B':
      return text.tokens().empty() ? ZoneResult<>{} : text.base64();
    case 'b':
      return text.base64();
    case 'x':
      return text.hex();
    case 'g':
      return text.algorithm();
    case 'y':
      return text.covered_type();
    case 'm':
      return text.type_bitmap();
    case 'z':
      return text.salt();
    case 'h':
      return text.base32hex_hash();
    case 'w':
      return parse_gateway(text);
    default:
      CHECK(false);  // a letter that stands for no field
      return {};
  }
}

}  // namespace

ZoneResult<> parse_rdata(RdataText& text) {
  if (!text.tokens().empty() && text.tokens().front().text == "\\#" && !text.tokens().front().quoted) {
    TRY(text.unknown());
  } else if (text.type() == Type::svcb || text.type() == Type::https) {
    TRY(parse_svcb(text));
  } else if (const char* field = fields_of(text.type())) {
    for (; *field != '\0'; ++field) TRY(parse_field(text, *field));
  } else {
    TRY(parse_rdata_with_ldns(text));
  }
  return text.finish();
}

}  // namespace swage::dns
