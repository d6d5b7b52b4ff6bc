// libp2p's TLS certificates against any bytes: as a certificate, and as the extension of one that is otherwise right.
// The first byte chooses which. Neither ever proves anybody but who signed the keys of these inputs.
#include <cstdlib>

#include "core/crypto/x509.h"
#include "core/libp2p/tls.h"

namespace {

using namespace swage;
using namespace swage::libp2p;

constexpr std::chrono::system_clock::time_point kNow = std::chrono::sys_days(std::chrono::days(20'000));  // in 2024

void expect(bool holds) {
  if (!holds) std::abort();
}

// What verifies is a certificate whose parts can be read.
void as_certificate(Bytes input) {
  if (const auto parsed = crypto::Certificate::parse(input)) (void)parsed->signed_by_itself();
  if (const auto key = tls::verify_certificate(input, kNow)) {
    const auto certificate = crypto::Certificate::parse(input);
    expect(certificate && certificate->signed_by_itself() && !certificate->extensions().empty());
    expect(PublicKey::from_protobuf(key->to_protobuf()) == *key);
  }
}

void as_extension(Bytes input) {
  static const auto key = crypto::EvpPrivateKey::generate_ecdsa();
  const auto second = std::chrono::floor<std::chrono::seconds>(kNow);
  const auto own =
      crypto::make_certificate(key, {.serial = 1,
                                     .validity = {second, second},
                                     .extension = {"1.3.6.1.4.1.53594.1.1", true, {input.begin(), input.end()}}});
  const auto certificate = crypto::Certificate::parse(own.der);
  expect(certificate.has_value() == (own.der.size() <= 16'384));
  if (certificate) expect(certificate->signed_by_itself());
  expect(!tls::verify_certificate(own.der, kNow));  // nobody signed this key
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const Bytes input(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    as_certificate(input);
  } else {
    as_extension(input);
  }
  return 0;
}
