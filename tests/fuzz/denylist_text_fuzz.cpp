// Any text as a list of addresses and as one of URLs: what is found is a network without bits behind its length, comes
// back from its own text, and there is not more of it than there are lines.
#include <cstdlib>
#include <string>
#include <vector>

#include "plugins/denylist/kept_list.h"
#include "plugins/denylist/list_text.h"

namespace {

using namespace swage;
using plugins::denylist::ListText;

void expect(bool holds) {
  if (!holds) std::abort();
}

void check(const ListText& list) {
  expect(list.unusable <= list.lines && list.entries.size() <= list.lines - list.unusable);
  expect((list.unusable == 0) == (list.first_unusable_line == 0));
  for (const Prefix& entry : list.entries) {
    const auto again = Prefix::parse(entry.to_string());
    expect(again && *again == entry);
  }
  const auto kept = plugins::denylist::keep("fuzz", {list.entries, 1, "etag", ""});
  expect(kept.has_value());
  const auto recalled = plugins::denylist::recall(kept->bytes());
  expect(recalled && recalled->entries == list.entries && recalled->etag == "etag");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  check(plugins::denylist::parse_addresses(text));
  const std::vector<std::string> zones = {"libp2p.direct"};
  check(plugins::denylist::parse_urls(text, zones));
  (void)plugins::denylist::recall({data, size});
  return 0;
}
