// Bodies of registrations, as strangers send them. Seeds: tests/fuzz/corpus/registration_body, as the clients there are
// write them.
#include "plugins/broker/registration_body.h"

#include <nlohmann/json.hpp>

#include "core/bytes.h"
#include "core/result.h"

using namespace swage;
using plugins::broker::parse_registration_body;

// What is accepted is accepted again, and means the same, when it is written by somebody else. That needs the texts to
// be UTF-8 and the value to be the 43 characters that 32 bytes have.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = parse_registration_body(as_text({data, size}));
  if (!body) {
    CHECK(!body.error().empty());
    return 0;
  }
  CHECK(body->value.size() == 43);
  const nlohmann::json written = {{"VALUE", body->value}, {"Addresses", body->addresses}};
  const auto again = parse_registration_body(written.dump());
  CHECK(again && again->value == body->value && again->addresses == body->addresses);
  return 0;
}
