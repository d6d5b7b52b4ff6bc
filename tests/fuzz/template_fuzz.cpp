// Records with {{ … }} of any bytes, as a Corefile might hold them, and the records that come of them for a query.
#include "plugins/template_/record_template.h"

#include <array>

#include "core/zonefile/record_parser.h"

using namespace swage;
using namespace swage::plugins::template_;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = RecordTemplate::parse(as_text({data, size}));
  if (!record) {
    CHECK(!record.error().text().empty());
    return 0;
  }
  const dns::Name name = *dns::Name::parse("ip-10.example");
  dns::Query query;
  query.ask(name);
  const std::array<std::string_view, 3> match = {"ip-10.example.", "10", ""};
  const std::array<GroupName, 1> groups = {GroupName{"a", 1}};
  Output text;
  if (!record->write({query, "example.", "ip-10.example.", "IN", "A", match, groups}, text)) return 0;
  CHECK(!text.overflow());
  zonefile::RecordParser parser;
  if (!parser.parse(text.view())) return 0;
  CHECK(dns::Name::from_wire(parser.owner().bytes()));
  CHECK(parser.rdata().size() <= 0xFFFF);
  zonefile::RecordParser again;
  CHECK(again.parse(text.view()) && again.type() == parser.type() && again.owner() == parser.owner());
  return 0;
}
