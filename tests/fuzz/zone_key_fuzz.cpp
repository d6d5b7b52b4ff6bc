// The files of a key, .key, .private and .state, with a NUL between: what is read is written so that it is read again.
#include <algorithm>

#include "core/dnssec/key_life.h"
#include "core/dnssec/key_text.h"

using namespace swage;
using namespace swage::dnssec;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = as_text({data, size});
  const auto take = [&rest] {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return text;
  };
  const std::string_view shown = take(), hidden = take(), state = take();
  static_cast<void>(parse_policy(state));
  const auto stored = parse_key(shown, hidden);
  if (!stored) return 0;
  crypto::Secret secret;
  if (stored->key.can_sign()) secret = private_text(*stored);
  const auto again = parse_key(public_text(*stored), as_text(std::as_const(secret).bytes()));
  CHECK(again && again->key == stored->key && again->times == stored->times && again->ttl == stored->ttl);
  CHECK(again->key.can_sign() == stored->key.can_sign());
  const auto loaded = Key::load(stored->key.store().bytes());
  CHECK(loaded && *loaded == stored->key);
  if (const auto life = parse_life(state, stored->key)) {
    CHECK(parse_life(life_text(stored->key, *life, Policy(), 1'800'000'000), stored->key));
  }
  return 0;
}
