// Replies of a CA: the texts by themselves, and the same text as the answer to everything that an order asks. Seeds:
// tests/fuzz/corpus/acme_reply, as Pebble says them.
#include "core/acme/issuance.h"
#include "core/acme/times.h"

#include "core/bytes.h"
#include "core/certificates/record.h"
#include "core/result.h"

using namespace swage;
using namespace swage::acme;

namespace {

const AccountKey& account_key() {
  static const AccountKey kKey = AccountKey::generate();
  return kKey;
}

const crypto::EvpPrivateKey& certificate_key() {
  static const crypto::EvpPrivateKey kKey = crypto::EvpPrivateKey::generate_ecdsa();
  return kKey;
}

// It ends, whatever is said.
void run(const std::string& reply, Progress progress) {
  Plan plan;
  plan.directory = "https://ca.example/";
  plan.names = {"localhost"};
  Issuance issuance(account_key(), certificate_key(), std::move(plan), std::move(progress));
  for (int i = 0; i < 1000; ++i) {
    const Action action = issuance.next();
    if (std::holds_alternative<Failure>(action) || std::holds_alternative<Chain>(action)) return;
    if (std::holds_alternative<Ask>(action)) {
      issuance.answered({200, reply, "nonce", "https://ca.example/1", "0"}, 0);
    } else {
      issuance.done();
    }
  }
  CHECK(false);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  for (const char c : read_problem(400, text).text) CHECK(c >= ' ' && c <= '~');
  const auto authorization = read_authorization(text);
  if (authorization) CHECK(authorization->challenge.empty() == authorization->token.empty());
  static_cast<void>(read_renewal_info(text));
  static_cast<void>(parse_timestamp(text));
  static_cast<void>(parse_retry_after(text, 0));
  static_cast<void>(crypto::read_issued(text, {"localhost"}));
  static_cast<void>(AccountKey::from_pem(text));
  const auto record = certificates::read_record(text);
  CHECK(certificates::read_record(certificates::to_text(record)) == record);
  run(std::string(text), {});
  run(std::string(text), {"https://ca.example/a", "https://ca.example/o"});
  return 0;
}
