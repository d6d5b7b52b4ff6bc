#include "core/zonefile/rdata.h"

#include "core/dns/record_types.h"

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

// By the letters of RecordType.
OrFault<> parse_field(RdataText& text, char field) {
  switch (field) {
    case 'n':
    case 'N':
    case 'o':
    case 'O':
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
      return text.number(1, kAlgorithms);
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
      return text.number(2, kCertificateTypes);
    case 'S':
      return text.number(1, kDsyncSchemes);
    case 'k':
      return parse_locator(text);
    case '6':
      return parse_eui(text, 6);
    case 'E':
      return parse_eui(text, 8);
    default:
      CHECK(false);  // a letter of a type that has a form of its own
      return {};
  }
}

OrFault<> parse_fields(RdataText& text, const dns::RecordType& type) {
  switch (type.text) {
    case dns::TextForm::fields:
      for (const char field : type.fields) TRY(parse_field(text, field));
      return {};
    case dns::TextForm::wks:
      return parse_wks(text);
    case dns::TextForm::nsap:
      return parse_nsap(text);
    case dns::TextForm::loc:
      return parse_loc(text);
    case dns::TextForm::atma:
      return parse_atma(text);
    case dns::TextForm::a6:
      return parse_a6(text);
    case dns::TextForm::apl:
      return parse_apl(text);
    case dns::TextForm::hip:
      return parse_hip(text);
    case dns::TextForm::service:
      return parse_svcb(text);
    case dns::TextForm::amtrelay:
      return parse_amtrelay(text);
  }
  CHECK(false);
  return {};
}

}  // namespace

OrFault<> parse_rdata(RdataText& text) {
  const dns::RecordType* const type = dns::record_type(text.type());
  if (!text.tokens().empty() && text.tokens().front().text == "\\#" && !text.tokens().front().quoted) {
    TRY(text.unknown());
  } else if (type == nullptr || type->fields.empty()) {
    return fault(text.line(), "{}: expected \\# and the data in hexadecimal", to_string(text.type()));
  } else {
    TRY(parse_fields(text, *type));
  }
  return text.finish();
}

}  // namespace swage::zonefile
