#include "plugins/broker/provisional_certificate.h"

#include <chrono>
#include <vector>

#include "core/crypto/pem.h"
#include "core/crypto/random.h"
#include "core/crypto/x509.h"

namespace swage::plugins::broker {
namespace {

constexpr std::uint8_t kSequence = 0x30, kDnsName = 0x82;  // [2] of GeneralName (RFC 5280 section 4.2.1.6)

// REQUIRES: at most 255 bytes.
std::vector<std::uint8_t> der(std::uint8_t tag, Bytes content) {
  std::vector<std::uint8_t> bytes = {tag};
  if (content.size() >= 0x80) bytes.push_back(0x81);
  bytes.push_back(static_cast<std::uint8_t>(content.size()));
  bytes.insert(bytes.end(), content.begin(), content.end());
  return bytes;
}

}  // namespace

Result<async::TlsContext> provisional_certificate(const std::string& domain) {
  crypto::CertificatePlan plan;
  crypto::SystemRandom().fill({reinterpret_cast<std::uint8_t*>(&plan.serial), sizeof plan.serial});
  plan.serial = (plan.serial >> 1) | 1;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  plan.validity = {now - std::chrono::hours(1), now + std::chrono::days(365)};
  plan.extension = {"2.5.29.17", false, der(kSequence, der(kDnsName, as_bytes(domain)))};
  const auto made = crypto::make_certificate(crypto::EvpPrivateKey::generate_ecdsa(), plan);
  const std::string key = crypto::to_pem("PRIVATE KEY", made.key.bytes());
  return async::TlsContext::server(crypto::to_pem("CERTIFICATE", made.der), key, {"h2", "http/1.1"});
}

}  // namespace swage::plugins::broker
