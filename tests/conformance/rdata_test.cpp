// The data of every record type (rdata.yaml), as text and in the form of RFC 3597: what swage takes and what it
// refuses.
#include <map>

#include "core/dns/rdata_check.h"
#include "core/zonefile/record_parser.h"
#include "tests/support/rdata_forms.h"

#include <catch2/catch.hpp>

namespace swage::tests {
namespace {

std::string read(zonefile::RecordParser& parser, const RdataForm& form) {
  const auto done = parser.parse(form.record("a."));
  return done ? "" : done.error().text();
}

// What is said of data that are served all the same.
std::string doubt_of(const zonefile::RecordParser& parser) {
  const auto checked = dns::check_rdata(parser.type(), parser.rdata());
  return checked ? std::string(*checked) : checked.error().text();
}

TEST_CASE("rdata: right forms are the bytes of their RFC, as text and as RFC 3597 writes them") {
  zonefile::RecordParser parser, again;
  for (const RdataForm& form : rdata_forms()) {
    if (form.kind != RdataForm::right) continue;
    INFO(form.record("a."));
    CHECK(read(parser, form) == "");
    CHECK(hex(parser.rdata()) == form.expected);
    CHECK(doubt_of(parser) == "");
    const RdataForm generic{form.type, generic_text(parser.rdata()), "", RdataForm::right};
    CHECK(read(again, generic) == "");
    CHECK(hex(again.rdata()) == form.expected);
  }
}

TEST_CASE("rdata: doubtful forms are served with a warning") {
  zonefile::RecordParser parser;
  for (const RdataForm& form : rdata_forms()) {
    if (form.kind != RdataForm::doubtful) continue;
    INFO(form.record("a."));
    CHECK(read(parser, form) == "");
    CHECK_THAT(doubt_of(parser), Catch::Contains(form.expected));
  }
}

TEST_CASE("rdata: wrong forms are refused, and the message says why") {
  zonefile::RecordParser parser;
  for (const RdataForm& form : rdata_forms()) {
    if (form.kind != RdataForm::wrong) continue;
    INFO(form.record("a."));
    const std::string error = read(parser, form);
    CHECK(!error.empty());
    CHECK_THAT(error, Catch::Contains(form.expected));
  }
}

TEST_CASE("rdata: every type of the table has right and wrong forms, and no known type takes no data") {
  std::map<std::string, std::array<int, 3>> counts;
  for (const RdataForm& form : rdata_forms()) ++counts[form.type][form.kind];
  for (unsigned number = 0; number <= UINT16_MAX; ++number) {
    const std::string type = to_string(dns::Type{static_cast<std::uint16_t>(number)});
    const bool known = !type.starts_with("TYPE");
    // Nothing says what the data of these are.
    if (!known || type == "UINFO" || type == "UID" || type == "GID" || type == "UNSPEC") continue;
    INFO(type);
    const bool is_meta = number == 41 || (number >= 128 && number <= 255);
    CHECK((counts[type][RdataForm::right] + counts[type][RdataForm::doubtful] > 0) == !is_meta);
    CHECK(counts[type][RdataForm::wrong] > 0);
    CHECK(dns::check_rdata(*dns::parse_type(type), {}).has_value() == (type == "NULL" || type == "APL"));
  }
}

}  // namespace
}  // namespace swage::tests
