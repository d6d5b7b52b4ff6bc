#include "core/libp2p/tls.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "core/crypto/x509.h"

namespace swage::libp2p::tls {
namespace {

using ByteVector = std::vector<std::uint8_t>;
using Kind = CertificateError::Kind;
using namespace std::chrono;

constexpr std::string_view kExtension = "1.3.6.1.4.1.53594.1.1";
constexpr std::uint8_t kOctetString = 0x04, kSequence = 0x30;

std::unexpected<CertificateError> failure(Kind kind, std::string_view text) {
  return std::unexpected(CertificateError(kind, fmt::format("libp2p TLS: {}", text)));
}

ByteVector signed_bytes(Bytes public_key) {
  constexpr std::string_view kPrefix = "libp2p-tls-handshake:";
  ByteVector bytes(kPrefix.size() + public_key.size());  // as a whole: g++ 12 warns wrongly of an insert() at the end
  std::ranges::copy(public_key, std::ranges::copy(kPrefix, bytes.begin()).out);
  return bytes;
}

// REQUIRES: fewer than 65536 bytes.
ByteVector der(std::uint8_t tag, Bytes value) {
  ByteVector bytes = {tag};
  const std::size_t size = value.size();
  if (size >= 0x80) bytes.push_back(size < 0x100 ? 0x81 : 0x82);
  if (size >= 0x100) bytes.push_back(static_cast<std::uint8_t>(size >> 8));
  bytes.push_back(static_cast<std::uint8_t>(size));
  bytes.insert(bytes.end(), value.begin(), value.end());
  return bytes;
}

// Takes an element with that tag off the front of `rest`; of its forms of length only the shortest.
std::optional<Bytes> take(Bytes& rest, std::uint8_t tag) {
  if (rest.size() < 2 || rest[0] != tag) return std::nullopt;
  std::size_t head = 2, size = rest[1];
  if (size >= 0x80) {
    const std::size_t digits = size - 0x80;
    if (digits < 1 || digits > 2 || rest.size() < head + digits) return std::nullopt;
    size = digits == 1 ? rest[2] : load_u16(&rest[2]);
    if (size < (digits == 1 ? 0x80U : 0x100U)) return std::nullopt;
    head += digits;
  }
  if (size > rest.size() - head) return std::nullopt;
  const Bytes value = rest.subspan(head, size);
  rest = rest.subspan(head + size);
  return value;
}

struct SignedKey {
  Bytes public_key, signature;  // they lie in the extension
};

std::optional<SignedKey> read_signed_key(Bytes extension) {
  const auto sequence = take(extension, kSequence);
  if (!sequence || !extension.empty()) return std::nullopt;
  Bytes rest = *sequence;
  const auto public_key = take(rest, kOctetString), signature = take(rest, kOctetString);
  if (!public_key || !signature || !rest.empty()) return std::nullopt;
  return SignedKey{*public_key, *signature};
}

ByteVector write_signed_key(const PublicKey& key, Bytes signature) {
  ByteVector both = der(kOctetString, key.to_protobuf());
  const ByteVector second = der(kOctetString, signature);
  both.insert(both.end(), second.begin(), second.end());
  return der(kSequence, both);
}

CertificateResult<> check_time(const crypto::Validity& validity, sys_seconds now) {
  if (now < validity.not_before) return failure(Kind::not_yet_valid, "the certificate is not valid yet");
  if (now > validity.not_after) return failure(Kind::expired, "the certificate has expired");
  return {};
}

// The value of the one libp2p extension. It lies in `extensions`.
CertificateResult<Bytes> find_identity(const std::vector<crypto::Extension>& extensions) {
  std::optional<Bytes> identity;
  for (const auto& [oid, critical, value] : extensions) {
    if (oid == kExtension) {
      if (identity) return failure(Kind::no_identity, "the certificate has more than one libp2p extension");
      identity = value;
    } else if (critical) {
      return failure(Kind::unknown_critical, "the certificate has an unknown critical extension");
    }
  }
  if (!identity) return failure(Kind::no_identity, "the certificate has no libp2p extension");
  return *identity;
}

}  // namespace

Result<Credentials> make_credentials(const PrivateKey& identity, system_clock::time_point now, crypto::Random& random) {
  const auto key = crypto::EvpPrivateKey::generate_ecdsa();
  TRY(const ByteVector signature, identity.sign(signed_bytes(key.public_pkix())));
  std::array<std::uint8_t, 8> serial;
  random.fill(serial);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x3f) | 0x20);  // positive, and of 8 bytes
  const auto second = floor<seconds>(now);
  auto certificate = crypto::make_certificate(
      key, {.serial = std::uint64_t{load_u32(serial.data())} << 32 | load_u32(serial.data() + 4),
            .validity = {second - hours(1), second + days(100 * 365)},
            .extension = {std::string(kExtension), false, write_signed_key(identity.public_key(), signature)}});
  return Credentials{std::move(certificate.der), std::move(certificate.key)};
}

CertificateResult<PublicKey> verify_certificate(Bytes der, system_clock::time_point now) {
  const auto certificate = crypto::Certificate::parse(der);
  if (!certificate) return failure(Kind::malformed, certificate.error().text());
  TRY(check_time(certificate->validity(), floor<seconds>(now)));
  TRY(const Bytes extension, find_identity(certificate->extensions()));
  if (!certificate->signed_by_itself()) return failure(Kind::bad_self_signature, "the certificate did not sign itself");

  const auto identity = read_signed_key(extension);
  if (!identity) return failure(Kind::bad_identity, "the extension is not a SignedKey");
  auto key = PublicKey::from_protobuf(identity->public_key);
  if (!key) return failure(Kind::bad_identity, key.error().text());
  if (!key->verify(signed_bytes(certificate->public_key()), identity->signature)) {
    return failure(Kind::bad_signature, "the identity key did not sign the certificate's key");
  }
  return *std::move(key);
}

std::vector<std::string> alpn(const std::vector<std::string_view>& muxers) {
  std::vector<std::string> protocols(muxers.begin(), muxers.end());
  protocols.emplace_back("libp2p");
  return protocols;
}

}  // namespace swage::libp2p::tls
