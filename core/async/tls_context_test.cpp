// What a TlsContext is made of.
#include "core/async/tls_testing.h"

#include <span>

#include "core/async/tls.h"

#undef CHECK
#include <catch2/catch.hpp>

namespace swage::async {

namespace {

using testing::make_tls_identity;
using testing::TlsIdentity;

const TlsIdentity& one() {
  static const TlsIdentity identity = make_tls_identity("DNS:one.test");
  return identity;
}
const TlsIdentity& another() {
  static const TlsIdentity identity = make_tls_identity("DNS:another.test");
  return identity;
}

std::string error_of(const Result<TlsContext>& context) { return context ? "" : context.error().text(); }

std::string encrypted_key() {
  const auto key = testing::detail::parse_key(one().key_pem);
  std::string password = "secret";
  return testing::detail::written([&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key.get(), EVP_aes_128_cbc(), password.data(),
                                         static_cast<int>(password.size()), nullptr, nullptr);
  });
}

// With the bytes of its first line changed.
std::string damaged(std::string pem) {
  const std::size_t at = pem.find('\n') + 10;
  pem.replace(at, 8, "////////");
  return pem;
}

}  // namespace

TEST_CASE("tls context: what a server is made of") {
  const std::string both = one().key_pem + one().certificate_pem;
  CHECK(error_of(TlsContext::server(one().certificate_pem, one().key_pem, {"http/1.1"})) == "");
  CHECK(error_of(TlsContext::server(one().certificate_pem + another().certificate_pem, one().key_pem, {})) == "");
  CHECK(error_of(TlsContext::server(both, both, {})) == "");
  CHECK(error_of(TlsContext::server("words\n" + both + "words", both, {})) == "");

  CHECK(error_of(TlsContext::server("", one().key_pem, {})) == "no certificate in PEM");
  CHECK(error_of(TlsContext::server(one().key_pem, one().key_pem, {})) == "no certificate in PEM");
  CHECK(error_of(TlsContext::server(one().certificate_pem, "", {})) == "no private key in PEM");
  CHECK(error_of(TlsContext::server(one().certificate_pem, one().certificate_pem, {})) == "no private key in PEM");
  CHECK(error_of(TlsContext::server(one().certificate_pem, encrypted_key(), {})) == "the private key is encrypted");
  CHECK(error_of(TlsContext::server(one().certificate_pem, another().key_pem, {})) ==
        "the private key is not that of the certificate");
  CHECK(error_of(TlsContext::server(another().certificate_pem + one().certificate_pem, one().key_pem, {})) ==
        "the private key is not that of the certificate");
  CHECK(error_of(TlsContext::server(damaged(one().certificate_pem), one().key_pem, {})).starts_with("certificate 1: "));
  CHECK(error_of(TlsContext::server(one().certificate_pem + damaged(another().certificate_pem), one().key_pem, {}))
            .starts_with("certificate 2: "));
  CHECK(error_of(TlsContext::server(one().certificate_pem, damaged(one().key_pem), {})).starts_with("private key: "));
}

TEST_CASE("tls context: no error holds any of a key") {
  const std::string text = damaged(one().key_pem);
  const std::string error = error_of(TlsContext::server(one().certificate_pem, text, {}));
  for (std::size_t i = 30; i + 8 < text.size(); i += 4) {
    CHECK(error.find(text.substr(i, 8)) == std::string::npos);
  }
}

TEST_CASE("tls context: clients") {
  CHECK(error_of(TlsContext::client("", {"http/1.1"})) == "");
  CHECK(error_of(TlsContext::client(one().certificate_pem + another().certificate_pem, {})) == "");
  CHECK(error_of(TlsContext::client(one().certificate_pem + one().certificate_pem, {})) == "");
  CHECK(error_of(TlsContext::client("no PEM at all", {})) == "no certificate in PEM");
  CHECK(error_of(TlsContext::unverified_client({})) == "");
}

TEST_CASE("tls context: names of protocols that ALPN cannot hold") {
  CHECK(error_of(TlsContext::unverified_client({"a", std::string(255, 'x')})) == "");
  CHECK(error_of(TlsContext::unverified_client({"a", ""})) == "a protocol of 0 bytes for ALPN");
  CHECK(error_of(TlsContext::unverified_client({std::string(256, 'x')})) == "a protocol of 256 bytes for ALPN");
  CHECK(error_of(TlsContext::unverified_client(std::vector(300, std::string(255, 'x')))) ==
        "too many protocols for ALPN");
}

TEST_CASE("tls context: libp2p's") {
  const TlsIdentity& own = one();
  CHECK(error_of(TlsContext::mutual(own.certificate_der, own.key_der, {"libp2p"})) == "");
  CHECK(error_of(TlsContext::mutual(own.certificate_der, another().key_der, {})) ==
        "the private key is not that of the certificate");
  for (std::size_t size = 0; size < own.certificate_der.size(); size += 7) {
    const Bytes part = Bytes(own.certificate_der).first(size);
    CHECK(error_of(TlsContext::mutual(part, own.key_der, {})).starts_with("certificate: "));
  }
  for (std::size_t size = 0; size < own.key_der.size(); ++size) {
    const Bytes part = Bytes(own.key_der).first(size);
    CHECK(error_of(TlsContext::mutual(own.certificate_der, part, {})).starts_with("private key: "));
  }
  std::vector<std::uint8_t> longer = own.certificate_der;
  longer.push_back(0);
  CHECK(error_of(TlsContext::mutual(longer, own.key_der, {})) == "certificate: 1 byte after it");
  longer = own.key_der;
  longer.push_back(0);
  CHECK(error_of(TlsContext::mutual(own.certificate_der, longer, {})) == "private key: bytes after it");
}

}  // namespace swage::async
