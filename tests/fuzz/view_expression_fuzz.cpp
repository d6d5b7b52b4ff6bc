// Any text as an expression of the plugin `view`: it is refused, or compiled and evaluated for two queries, twice with
// the same result.
#include <cstdlib>
#include <string_view>

#include "core/dns/name.h"
#include "plugins/view/expression.h"

namespace {

using namespace swage;
using plugins::view::Expression;

void evaluate(const Expression& expression, const char* client, dns::Transport transport) {
  const dns::Name name = *dns::Name::parse("www.example.org.");
  dns::Query query;
  query.ask(name);
  query.transport = transport;
  query.client = {*IpAddress::parse(client), 50'000, 0};
  if (expression.holds(query) != expression.holds(query)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Metadata metadata;
  const auto expression = Expression::compile(as_text({data, size}), metadata);
  if (!expression) return 0;
  evaluate(*expression, "192.0.2.7", dns::Transport::udp);
  evaluate(*expression, "2001:db8::7", dns::Transport::tcp);
  return 0;
}
