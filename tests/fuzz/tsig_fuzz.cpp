// A message with, or without, a TSIG record: what is found is what is there, whatever comes is verified or refused, and
// the answer to it can be signed. The first byte says how it is asked.
#include <vector>

#include "core/tsig/tsig.h"

using namespace swage;

namespace {

tsig::Ring keys() {
  std::vector<tsig::OwnKey> keys;
  keys.push_back(tsig::OwnKey::make("key.example", "", "NoTCJU+DMqFWywaPyxSijrDEA/eC3nK0xi3AMEZuPVk=").value());
  return tsig::Ring::make(keys).value();
}

void read_key_file(Bytes text) {
  const auto keys = tsig::read_key_file(as_text(text), "keys");
  CHECK(keys || keys.error().text().starts_with("keys:"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tsig::Ring kKeys = keys();
  if (size == 0 || size > 0xFFFF) return -1;
  const Bytes message(data + 1, size - 1);
  if (data[0] == 'f') return read_key_file(message), 0;

  const tsig::Request request = tsig::verify_request(message, kKeys, 1'700'000'000);
  tsig::Verifier verifier(*kKeys.find(dns::Name::parse("key.example").value()), {});
  const tsig::Status status = verifier.verify(message, 1'700'000'000);
  CHECK((status == tsig::Status::none) == (request.status == tsig::Status::none));
  if (request.status == tsig::Status::none || request.status == tsig::Status::formerr) return 0;

  std::vector<std::uint8_t> response(12);
  tsig::Signer signer(request);
  response.resize(12 + signer.room());
  response.resize(signer.sign(response, 12, 1'700'000'000));
  tsig::Record record;
  std::size_t start = 0;
  CHECK(tsig::find(response, record, start) == tsig::Found::one && start == 12);
  CHECK(record.key == request.record.key && record.error == static_cast<int>(tsig::error_of(request.status)));
  return 0;
}
