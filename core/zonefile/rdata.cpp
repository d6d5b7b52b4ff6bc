#include "core/zonefile/rdata.h"

#include "core/dns/rdata_format.h"

namespace swage::zonefile {
namespace {

// Of IPSECKEY, by its second field (RFC 4025 section 3.1).
OrFault<> parse_gateway(RdataText& text) {
  switch (text.rdata()[1]) {
    case 0: {
      TRY(const Token token, text.take("'.'"));
      return token.text == "." ? OrFault<>{} : text.not_a("'.'", token);
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

// By the letters of RdataFormat.
OrFault<> parse_field(RdataText& text, char field) {
  switch (field) {
    case 'n':
      return text.name();
    case '1':
      return text.number(1);
    case '2':
      return text.number(2);
    case '4':
      return text.number(4);
    case '8':
      return parse_node_number(text);
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
    case 'C':
      return text.tokens().empty() ? OrFault<>{} : text.string();
    case 's':
      return text.strings();
    case 'l':
    case 'L':
      return text.long_string();
    case 'B':
      return text.tokens().empty() ? OrFault<>{} : text.base64();
    case 'b':
      return text.base64();
    case 'D':
      return parse_base64_or_dash(text);
    case 'x':
      return text.hex();
    case 'g':
      return text.algorithm();
    case 'y':
      return text.covered_type();
    case 'm':
      return text.type_bitmap();
    case 'v':
      return parse_nxt_bitmap(text);
    case 'z':
      return text.salt();
    case 'h':
      return text.base32hex_hash();
    case 'w':
      return parse_gateway(text);
    case 'T':
      return parse_certificate_type(text);
    case 'S':
      return parse_dsync_scheme(text);
    case 'k':
      return parse_locator(text);
    case '6':
      return parse_eui(text, 6);
    case 'E':
      return parse_eui(text, 8);
    default:
      return fault(text.line(), "{}: expected \\# and the data in hexadecimal", to_string(text.type()));
  }
}

// Those whose text is more than its fields in order; nullptr for all others.
OrFault<> (*parser_of(dns::Type type))(RdataText&) {
  switch (static_cast<std::uint16_t>(type)) {
    case 11:
      return parse_wks;
    case 22:
      return parse_nsap;
    case 29:
      return parse_loc;
    case 34:
      return parse_atma;
    case 38:
      return parse_a6;
    case 42:
      return parse_apl;
    case 55:
      return parse_hip;
    case 64:
    case 65:
      return parse_svcb;
    case 260:
      return parse_amtrelay;
    default:
      return nullptr;
  }
}

}  // namespace

OrFault<> parse_rdata(RdataText& text) {
  const dns::RdataFormat* const format = dns::rdata_format(text.type());
  if (!text.tokens().empty() && text.tokens().front().text == "\\#" && !text.tokens().front().quoted) {
    TRY(text.unknown());
  } else if (format == nullptr) {
    TRY(parse_field(text, 'r'));
  } else if (auto* const parse = parser_of(text.type())) {
    TRY(parse(text));
  } else {
    for (const char field : format->fields) TRY(parse_field(text, field));
  }
  return text.finish();
}

}  // namespace swage::zonefile
