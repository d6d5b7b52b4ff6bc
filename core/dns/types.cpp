#include "core/dns/types.h"

#include <strings.h>

#include <array>
#include <charconv>

namespace swage::dns {
namespace {

struct TypeName {
  std::uint16_t number;
  std::string_view name;
};

// IANA "Resource Record (RR) TYPEs".
constexpr auto kTypes = std::to_array<TypeName>({
    {1, "A"},          {2, "NS"},        {3, "MD"},          {4, "MF"},     {5, "CNAME"},     {6, "SOA"},
    {7, "MB"},         {8, "MG"},        {9, "MR"},          {10, "NULL"},  {11, "WKS"},      {12, "PTR"},
    {13, "HINFO"},     {14, "MINFO"},    {15, "MX"},         {16, "TXT"},   {17, "RP"},       {18, "AFSDB"},
    {19, "X25"},       {20, "ISDN"},     {21, "RT"},         {22, "NSAP"},  {23, "NSAP-PTR"}, {24, "SIG"},
    {25, "KEY"},       {26, "PX"},       {27, "GPOS"},       {28, "AAAA"},  {29, "LOC"},      {30, "NXT"},
    {31, "EID"},       {32, "NIMLOC"},   {33, "SRV"},        {34, "ATMA"},  {35, "NAPTR"},    {36, "KX"},
    {37, "CERT"},      {38, "A6"},       {39, "DNAME"},      {40, "SINK"},  {41, "OPT"},      {42, "APL"},
    {43, "DS"},        {44, "SSHFP"},    {45, "IPSECKEY"},   {46, "RRSIG"}, {47, "NSEC"},     {48, "DNSKEY"},
    {49, "DHCID"},     {50, "NSEC3"},    {51, "NSEC3PARAM"}, {52, "TLSA"},  {53, "SMIMEA"},   {55, "HIP"},
    {56, "NINFO"},     {57, "RKEY"},     {58, "TALINK"},     {59, "CDS"},   {60, "CDNSKEY"},  {61, "OPENPGPKEY"},
    {62, "CSYNC"},     {63, "ZONEMD"},   {64, "SVCB"},       {65, "HTTPS"}, {66, "DSYNC"},    {67, "HHIT"},
    {68, "BRID"},      {99, "SPF"},      {100, "UINFO"},     {101, "UID"},  {102, "GID"},     {103, "UNSPEC"},
    {104, "NID"},      {105, "L32"},     {106, "L64"},       {107, "LP"},   {108, "EUI48"},   {109, "EUI64"},
    {128, "NXNAME"},   {249, "TKEY"},    {250, "TSIG"},      {251, "IXFR"}, {252, "AXFR"},    {253, "MAILB"},
    {254, "MAILA"},    {255, "ANY"},     {256, "URI"},       {257, "CAA"},  {258, "AVC"},     {259, "DOA"},
    {260, "AMTRELAY"}, {261, "RESINFO"}, {262, "WALLET"},    {263, "CLA"},  {264, "IPN"},     {32768, "TA"},
    {32769, "DLV"},
});

bool equal_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// PREFIX followed by a number of 16 bits, as in TYPE65280 (RFC 3597 section 5).
bool parse_numbered(std::string_view text, std::string_view prefix, std::uint16_t& number) {
  if (text.size() <= prefix.size() || !equal_without_case(text.substr(0, prefix.size()), prefix)) return false;
  const auto [end, error] = std::from_chars(text.begin() + prefix.size(), text.end(), number);
  return error == std::errc() && end == text.end();
}

}  // namespace

std::string to_string(Type type) {
  for (const TypeName& entry : kTypes) {
    if (entry.number == static_cast<std::uint16_t>(type)) return std::string(entry.name);
  }
  return fmt::format("TYPE{}", static_cast<std::uint16_t>(type));
}

std::string to_string(Class value) {
  switch (value) {
    case Class::in:
      return "IN";
    case Class::ch:
      return "CH";
    case Class::hs:
      return "HS";
    case Class::none:
      return "NONE";
    case Class::any:
      return "ANY";
  }
  return fmt::format("CLASS{}", static_cast<std::uint16_t>(value));
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
  return fmt::format("OPCODE{}", static_cast<std::uint8_t>(value));
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
    case Rcode::notauth:
      return "NOTAUTH";
    case Rcode::badvers:
      return "BADVERS";
  }
  return fmt::format("RCODE{}", static_cast<std::uint16_t>(value));
}

Result<Type> parse_type(std::string_view text) {
  for (const TypeName& entry : kTypes) {
    if (equal_without_case(entry.name, text)) return static_cast<Type>(entry.number);
  }
  std::uint16_t number = 0;
  if (parse_numbered(text, "TYPE", number)) return static_cast<Type>(number);
  return fail("unknown record type '{}'", text);
}

Result<Class> parse_class(std::string_view text) {
  for (const Class value : {Class::in, Class::ch, Class::hs, Class::none, Class::any}) {
    if (equal_without_case(to_string(value), text)) return value;
  }
  std::uint16_t number = 0;
  if (parse_numbered(text, "CLASS", number)) return static_cast<Class>(number);
  return fail("unknown class '{}'", text);
}

}  // namespace swage::dns
