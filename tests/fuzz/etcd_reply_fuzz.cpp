// Replies of etcd's JSON gateway, and lines of its watches. Seeds: tests/fuzz/corpus/etcd_reply, as etcd 3.4 and 3.6
// say them.
#include "core/etcd/gateway.h"

#include "core/bytes.h"
#include "core/result.h"

using namespace swage;
using namespace swage::etcd;

namespace {

// The values that a Failure has are whole, and its text is one for a log.
template <typename T>
void look_at(const Expected<T>& result) {
  if (result) return;
  CHECK(!result.error().text.empty() || result.error().kind != Failure::Kind::ended);
  for (const char c : result.error().text) CHECK(c >= ' ' && c <= '~');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view reply = as_text({data, size});
  look_at(gateway::revision_in(reply));
  look_at(gateway::page_in(reply));
  look_at(gateway::transacted_in(reply));
  look_at(gateway::granted_in(reply));
  look_at(gateway::kept_alive_in(reply));
  look_at(gateway::token_in(reply));
  static_cast<void>(gateway::failure_in(500, reply));
  const auto batch = gateway::batch_in(reply);
  look_at(batch);
  if (!batch) return 0;
  for (const Event& each : batch->events) CHECK(each.now.modified <= batch->seen);
  return 0;
}
