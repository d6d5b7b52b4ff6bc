// Two bytes of a type and data of any bytes: the check that all records pass. What it takes must be read from text in
// the form of RFC 3597 too, and give the same bytes.
#include <string>

#include <fmt/format.h>

#include "core/dns/rdata_check.h"
#include "core/zonefile/record_parser.h"

using namespace swage;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return -1;
  const dns::Type type{load_u16(data)};
  const Bytes rdata(data + 2, size - 2);
  const auto checked = dns::check_rdata(type, rdata);
  if (!checked) {
    CHECK(!checked.error().text().empty());
    return 0;
  }
  std::string text = fmt::format("a. 60 IN {} \\# {} ", to_string(type), rdata.size());
  for (const std::uint8_t byte : rdata) text += fmt::format("{:02x}", byte);
  zonefile::RecordParser parser;
  CHECK(parser.parse(text));
  CHECK(parser.type() == type && as_text(parser.rdata()) == as_text(rdata));
  return 0;
}
