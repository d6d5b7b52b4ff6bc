// Replies of DynamoDB, and files of credentials. Seeds: tests/fuzz/corpus/dynamodb_reply.
#include "core/dynamodb/credentials.h"
#include "core/dynamodb/items.h"

#include "core/bytes.h"
#include "core/result.h"

using namespace swage;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  static_cast<void>(dynamodb::item_in(text));
  for (const char c : dynamodb::problem_in(400, text)) CHECK(c >= ' ' && c <= '~');
  const auto credentials = dynamodb::parse_credentials(text);
  CHECK(!credentials || (!credentials->key_id.empty() && !credentials->secret.empty()));
  return 0;
}
