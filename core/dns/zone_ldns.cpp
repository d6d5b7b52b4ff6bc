// Rdata of the types that we have no table for, by ldns: LOC, APL, IPSECKEY, HIP, CERT and other rare ones.
#include <stdbool.h>  // first: without it ldns makes bool, true and false macros

#include <ldns/ldns.h>

#include <memory>

#include "core/dns/zone_rdata.h"

namespace swage::dns {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using LdnsRdf = std::unique_ptr<ldns_rdf, Deleter<ldns_rdf_deep_free>>;
using LdnsRr = std::unique_ptr<ldns_rr, Deleter<ldns_rr_free>>;
using LdnsBuffer = std::unique_ptr<ldns_buffer, Deleter<ldns_buffer_free>>;

// The record on one line, the way ldns reads it.
ZoneResult<std::string> line_of(RdataText& text) {
  std::string line = ". 0 IN " + to_string(text.type());
  while (!text.tokens().empty()) {
    TRY(const ZoneToken token, text.take("data"));
    line += token.quoted ? fmt::format(" \"{}\"", token.text) : fmt::format(" {}", token.text);
  }
  return line;
}

}  // namespace

ZoneResult<> parse_rdata_with_ldns(RdataText& text) {
  const std::string type = to_string(text.type());
  const unsigned line_number = text.line();
  if (type.starts_with("TYPE")) return fault(line_number, "{}: expected \\# and the data in hexadecimal", type);
  TRY(const std::string line, line_of(text));
  const LdnsRdf origin(ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, text.origin().size(), text.origin().data()));
  ldns_rr* parsed = nullptr;
  const ldns_status status = ldns_rr_new_frm_str(&parsed, line.c_str(), 0, origin.get(), nullptr);
  const LdnsRr rr(parsed);
  if (status != LDNS_STATUS_OK) {
    return fault(line_number, "{}: {}", type, ldns_get_errorstr_by_id(status));
  }
  const LdnsBuffer wire(ldns_buffer_new(UINT16_MAX));
  if (!wire || ldns_rr_rdata2buffer_wire(wire.get(), rr.get()) != LDNS_STATUS_OK) {
    return fault(line_number, "{}: more than 65535 bytes of data", type);
  }
  text.rdata().assign(ldns_buffer_begin(wire.get()), ldns_buffer_current(wire.get()));
  return {};
}

}  // namespace swage::dns
