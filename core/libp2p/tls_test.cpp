// libp2p's TLS certificates: the specification's, our own, and those that prove nothing.
#include "core/libp2p/tls.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>

#include "core/crypto/testing.h"
#include "core/crypto/x509.h"
#include "core/crypto/x509_testing.h"
#include "core/libp2p/key_vectors.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::libp2p;
using namespace std::chrono;
using namespace std::chrono_literals;
using crypto::Certificate;
using crypto::Extension;
using crypto::SystemRandom;
using crypto::testing::make;
using crypto::testing::TestCertificate;
using crypto::testing::unhex;
using tls::CertificateError;
using tls::verify_certificate;
using ByteVector = std::vector<std::uint8_t>;
using Kind = CertificateError::Kind;

namespace {

constexpr system_clock::time_point kNow = sys_days(2026y / 9 / 1) + 12h;
const std::string kOid = "1.3.6.1.4.1.53594.1.1";

// "Test vectors" of https://github.com/libp2p/specs/blob/master/tls/tls.md.
const struct {
  std::string what, certificate, peer;  // a peer, or empty: the identity key did not sign
} kVectors[] = {
    {"Ed25519",
     "308201ae30820156a0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c69627032702e696f310a300"
     "8"
     "06035504051301313020170d3735303130313133303030305a180f34303936303130313133303030305a302031123010060355040a13096c6"
     "9"
     "627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca85e27c"
     "7"
     "3c263ba132721bb9d7a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea37c307"
     "a"
     "3078060a2b0601040183a25a0101046a3068042408011220a77f1d92fedb59dddaea5a1c4abd1ac2fbde7d7b879ed364501809923d7c11b90"
     "4"
     "40d90d2769db992d5e6195dbb08e706b6651e024fda6cfb8846694a435519941cac215a8207792e42849cccc6cd8136c6e4bde92a58c5e08c"
     "f"
     "d4206eb5fe0bf909300a06082a8648ce3d0403020346003043021f50f6b6c52711a881778718238f650c9fb48943ae6ee6d28427dc6071ae5"
     "5"
     "e702203625f116a7a454db9c56986c82a25682f7248ea1cb764d322ea983ed36a31b77",
     "12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv"},
    {"ECDSA",
     "308201f63082019da0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c69627032702e696f310a300"
     "8"
     "06035504051301313020170d3735303130313133303030305a180f34303936303130313133303030305a302031123010060355040a13096c6"
     "9"
     "627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca85e27c"
     "7"
     "3c263ba132721bb9d7a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea381c23"
     "0"
     "81bf3081bc060a2b0601040183a25a01010481ad3081aa045f0803125b3059301306072a8648ce3d020106082a8648ce3d0301070342000"
     "4bf30511f909414ebdd3242178fd290f093a551cf75c973155de0bb5a96fedf6cb5d52da7563e794b512f66e60c7f55ba8a3acf3dd72a8019"
     "80d205e8a1ad29f2044730450220064ea8124774caf8f50e57f436aa62350ce652418c019df5d98a3ac666c9386a022100aa59d704a931b5f"
     "7"
     "2fb9222cb6cc51f954d04a4e2e5450f8805fe8918f71eaae300a06082a8648ce3d04030203470030440220799395b0b6c1e940a7e4484705f"
     "6"
     "10ab51ed376f19ff9d7c16757cfbf61b8d4302206205c03fbb0f95205c779be86581d3e31c01871ad5d1f3435bcf375cb0e5088a",
     "QmfXbAwNjJLXfesgztEHe8HwgVDCMMpZ9Eax1HYq6hn9uE"},
    {"secp256k1",
     "308201ba3082015fa0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c69627032702e696f310a300"
     "8"
     "06035504051301313020170d3735303130313133303030305a180f34303936303130313133303030305a302031123010060355040a13096c6"
     "9"
     "627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca85e27c"
     "7"
     "3c263ba132721bb9d7a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea381843"
     "0"
     "8181307f060a2b0601040183a25a01010471306f0425080212210206dc6968726765b820f050263ececf7f71e4955892776c0970542efd689"
     "d"
     "2382044630440220145e15a991961f0d08cd15425bb95ec93f6ffa03c5a385eedc34ecf464c7a8ab022026b3109b8a3f40ef833169777eb2a"
     "a"
     "337cfb6282f188de0666d1bcec2a4690dd300a06082a8648ce3d0403020349003046022100e1a217eeef9ec9204b3f774a08b70849646b6a1"
     "e"
     "6b8b27f93dc00ed58545d9fe022100b00dafa549d0f03547878338c7b15e7502888f6d45db387e5ae6b5d46899cef0",
     "16Uiu2HAkutTMoTzDw1tCvSRtu6YoixJwS46S1ZFxW8hSx9fWHiPs"},
    {"another key signed",
     "308201f73082019da0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c69627032702e696f310a300"
     "8"
     "06035504051301313020170d3735303130313133303030305a180f34303936303130313133303030305a302031123010060355040a13096c6"
     "9"
     "627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca85e27c"
     "7"
     "3c263ba132721bb9d7a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea381c23"
     "0"
     "81bf3081bc060a2b0601040183a25a01010481ad3081aa045f0803125b3059301306072a8648ce3d020106082a8648ce3d0301070342000"
     "4bf30511f909414ebdd3242178fd290f093a551cf75c973155de0bb5a96fedf6cb5d52da7563e794b512f66e60c7f55ba8a3acf3dd72a8019"
     "80d205e8a1ad29f204473045022100bb6e03577b7cc7a3cd1558df0da2b117dfdcc0399bc2504ebe7de6f65cade72802206de96e2a5be9b62"
     "0"
     "2adba24ee0362e490641ac45c240db71fe955f2c5cf8df6e300a06082a8648ce3d0403020348003045022100e847f267f43717358f850355b"
     "d"
     "cabbefb2cfbf8a3c043b203a14788a092fe8db022027c1d04a2d41fd6b57a7e8b3989e470325de4406e52e084e34a3fd56eef0d0df",
     ""},
};

// As other implementations make them: with a subject and without, the extension critical (js, rust) and not.
const struct {
  std::string what, certificate, peer;
} kOthers[] = {
    {"go-libp2p 0.48, Ed25519",
     "308201ae30820154a003020102020828196c5b558140a5300a06082a8648ce3d040302301d311b30190603550405131237363232323630"
     "32313433353232393637303020170d3236313132323136353832385a180f32313236313032393137353832385a301d311b301906035504"
     "0513123736323232363032313433353232393637303059301306072a8648ce3d020106082a8648ce3d03010703420004f15f7ea2e477ae"
     "9cbe7728584b850b30476aab914acb380dac7789bc745718af91dfeaae5549e3290336904fab58bb59c60f79e564e8f8bb35ae2782a9a3"
     "e48ba37c307a3078060a2b0601040183a25a0101046a306804240801122052ff85a6d36000663fde903f1ed95a01d516487d782ad622e7"
     "510a496003c39004401fa0d3e4089c7a3830d6ac32a36fd750d386032a69921d3914688b5c8dc3031affbcfcbd117dc251ebffd24c9b84"
     "86255ed03b2faf04d7ea5c3c18c8f3df1604300a06082a8648ce3d040302034800304502202ccc015afa734291d7eb928cab9b10518bd6"
     "cf4d06c6dfe315ee60a324f74a0b0221009df17895f0125ecffaeda4ca393590ce8da47e0e9fd73637c46963cf4f2d87a2",
     "12D3KooWFQMatMKHKouaJk64uTNf1LG7165Re6Qgjm4EPER8goQT"},
    {"js-libp2p (@libp2p/tls 3.1.10), secp256k1",
     "3082018230820127a00302010202082859539372654849300a06082a8648ce3d04030230003020170d3236313132323136353934385a18"
     "0f32313236313032393137353934385a30003059301306072a8648ce3d020106082a8648ce3d03010703420004a9c0a775d1243a4645bb"
     "9d4e17855c99e05a9eefffc6ee773753260d55d191c3955b154e128ec278926815b12d577bf67e886ff397d09a9bcccf84ae960aa339a3"
     "8188308185308182060a2b0601040183a25a01010101ff0471306f042508021221020343b71f08cdb58900c4d9bd6b69fc9ff98742d75e"
     "169f36c652e92c69de9c56044630440220231192382ae0d86059e188b4afe1f36fdfb916c4b23002cb2aa6a209b498f5cd022007537e43"
     "4e016a82d0fa71762fc985487d9dfb50cf68a08fb7b89746d3cc21be300a06082a8648ce3d0403020349003046022100fbc067040ea7f4"
     "62473bd0e8ae1a0a219b47142edde1f7e6bbd34265e31b56a0022100a9504965a782da890d9cd813fc20d91669c9cbf5963116f64159a1"
     "bb19f51467",
     "16Uiu2HAkueR6DvP6QTDGqT6S4RpaEJpbkRahJAgJgdx2ZGEa5eeq"},
    {"rust-libp2p (libp2p-tls 0.6.2), ECDSA",
     "308201cb30820171a00302010202141a0a025e713cfe4ef1116e4e4b5ca01c2af8469e300a06082a8648ce3d04030230003020170d3735"
     "303130313030303030305a180f34303936303130313030303030305a30003059301306072a8648ce3d020106082a8648ce3d0301070342"
     "0004fe659d854cd714ee11c87cd423a6692c12855dcfd411c9e2c0bde5e8b3beb2c26f4f193ee2f9cf90baebd1d3a8b4a32c2d5fd83540"
     "0c754125128841e9a5a335a381c63081c33081c0060a2b0601040183a25a01010101ff0481ae3081ab045f0803125b3059301306072a86"
     "48ce3d020106082a8648ce3d03010703420004296aafccae54d730eb134cdc0c06dc355e13399e14494099ffd9f06446d1e08a4110bf3b"
     "a55a739d5561e843411b8f6e6308c5d653ef7c2576d8d5397fe04f1804483046022100f4c7a903609f4694c143f6f34cc14a94b41509bc"
     "023dee92dc0f8b29418e0ba8022100f765f221fffb23e19178aa5c62a06f4aa6e89ab10c15244cfbd2f8f157780d0a300a06082a8648ce"
     "3d0403020348003045022100b6fe9a1688be649216f075b21c658ae9933c2a16d049a38a5f51a2cd47642aed02203e30de105e1ace6d85"
     "86799d2b342bc7251f20458e90e05348a8b2d21b018e8a",
     "QmYqdBz5uiX8ocDtTemhLXqJjY773mxrCB9Z1SpGLxReug"},
};

ByteVector joined(std::initializer_list<Bytes> parts) {
  ByteVector all;
  for (const Bytes part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// As long as lengths fit into one byte.
ByteVector der(std::uint8_t tag, Bytes value) {
  const ByteVector head = {tag, static_cast<std::uint8_t>(value.size())};
  return joined({head, value});
}

const PrivateKey& identity() {
  static const PrivateKey key = PrivateKey::from_seed(ByteVector(32, 1));
  return key;
}

ByteVector signature_for(Bytes public_key) {
  return identity().sign(joined({as_bytes("libp2p-tls-handshake:"), public_key})).value();
}

ByteVector signed_key(Bytes key, Bytes signature) { return der(0x30, joined({der(4, key), der(4, signature)})); }

ByteVector good_value(Bytes public_key) {
  return signed_key(identity().public_key().to_protobuf(), signature_for(public_key));
}

std::optional<Kind> kind_of(const tls::CertificateResult<PublicKey>& result) {
  if (result) return std::nullopt;
  return result.error().kind();
}

std::optional<Kind> kind_with(std::function<std::vector<Extension>(Bytes)> extensions) {
  return kind_of(verify_certificate(make({.extensions = std::move(extensions)}), kNow));
}

// A certificate that is right but for the value of its extension.
std::optional<Kind> kind_with_value(std::function<ByteVector(Bytes)> value) {
  return kind_with([&](Bytes public_key) { return std::vector<Extension>{{kOid, false, value(public_key)}}; });
}

std::vector<Extension> good_extensions(Bytes public_key) { return {{kOid, false, good_value(public_key)}}; }

}  // namespace

TEST_CASE("libp2p tls: the specification's certificates") {
  for (const auto& [what, certificate, peer] : kVectors) {
    INFO(what);
    const auto key = verify_certificate(unhex(certificate), kNow);
    if (peer.empty()) {
      CHECK(kind_of(key) == Kind::bad_signature);
    } else {
      REQUIRE(key.has_value());
      CHECK(key->peer_id().to_base58() == peer);
    }
  }
}

TEST_CASE("libp2p tls: certificates of other implementations") {
  for (const auto& [what, certificate, peer] : kOthers) {
    INFO(what);
    const auto key = verify_certificate(unhex(certificate), sys_days(2027y / 1 / 1));
    REQUIRE(key.has_value());
    CHECK(key->peer_id().to_base58() == peer);
  }
}

TEST_CASE("libp2p tls: our certificates, for each type of identity key") {
  SystemRandom random;
  for (const auto& vector : libp2p::testing::kKeyVectors) {
    const auto key = PrivateKey::from_protobuf(unhex(vector.private_key)).value();
    const auto credentials = tls::make_credentials(key, kNow, random);
    REQUIRE(credentials.has_value());
    const auto proven = verify_certificate(credentials->certificate, kNow);
    REQUIRE(proven.has_value());
    CHECK(*proven == key.public_key());

    const auto certificate = Certificate::parse(credentials->certificate).value();
    CHECK(certificate.extensions().size() == 1);  // js-libp2p looks at the first one only
    CHECK_FALSE(certificate.extensions()[0].critical);
    const auto own = crypto::EvpPrivateKey::ecdsa(credentials->key.bytes());
    REQUIRE(own.has_value());
    CHECK(std::ranges::equal(own->public_pkix(), certificate.public_key()));
  }
}

TEST_CASE("libp2p tls: no two of our certificates are alike") {
  crypto::testing::SeededRandom random(1), same(1);
  const auto a = tls::make_credentials(identity(), kNow, random).value();
  const auto b = tls::make_credentials(identity(), kNow, same).value();
  CHECK(a.certificate != b.certificate);
  CHECK_FALSE(std::ranges::equal(Certificate::parse(a.certificate)->public_key(),
                                 Certificate::parse(b.certificate)->public_key()));
}

TEST_CASE("libp2p tls: a certificate is valid from its first second to its last") {
  SystemRandom random;
  const ByteVector ours = tls::make_credentials(identity(), kNow + 500ms, random)->certificate;
  CHECK(kind_of(verify_certificate(ours, kNow - 1h - 1ns)) == Kind::not_yet_valid);
  CHECK(verify_certificate(ours, kNow - 1h).has_value());
  CHECK(verify_certificate(ours, kNow + days(36'500) + 999ms).has_value());
  CHECK(kind_of(verify_certificate(ours, kNow + days(36'500) + 1s)) == Kind::expired);

  const auto kind = [](std::string not_before, std::string not_after) {
    return kind_of(verify_certificate(
        make({.not_before = std::move(not_before), .not_after = std::move(not_after), .extensions = good_extensions}),
        kNow));
  };
  CHECK(kind("260901120000Z", "20260901120000Z") == std::nullopt);
  CHECK(kind("260901120001Z", "40960101000000Z") == Kind::not_yet_valid);
  CHECK(kind("260901110000Z", "20260901115959Z") == Kind::expired);
  CHECK(kind("750101000000Z", "99991231235959Z") == std::nullopt);  // beyond the nanoseconds of a time_point
}

TEST_CASE("libp2p tls: other extensions, and where the libp2p extension must be") {
  const auto good = [](Bytes key, bool critical = false) { return Extension{kOid, critical, good_value(key)}; };
  const Extension other = {"1.2.3.4", false, {5, 0}}, must = {"1.2.3.4", true, {5, 0}};
  using Extensions = std::vector<Extension>;
  CHECK(kind_with([&](Bytes key) { return Extensions{good(key)}; }) == std::nullopt);
  CHECK(kind_with([&](Bytes key) { return Extensions{good(key, true)}; }) == std::nullopt);
  CHECK(kind_with([&](Bytes key) { return Extensions{other, good(key)}; }) == std::nullopt);
  CHECK(kind_with([&](Bytes key) { return Extensions{good(key), other}; }) == std::nullopt);
  CHECK(kind_with([&](Bytes key) { return Extensions{good(key), must}; }) == Kind::unknown_critical);
  CHECK(kind_with([&](Bytes key) { return Extensions{must, good(key)}; }) == Kind::unknown_critical);
  CHECK(kind_with([&](Bytes key) { return Extensions{{"2.5.29.15", true, {3, 2, 7, 128}}, good(key)}; }) ==
        Kind::unknown_critical);
  CHECK(kind_with([&](Bytes) { return Extensions{}; }) == Kind::no_identity);
  CHECK(kind_with([&](Bytes) { return Extensions{other}; }) == Kind::no_identity);
  CHECK(kind_with([&](Bytes key) { return Extensions{good(key), good(key)}; }) == Kind::no_identity);
  CHECK(kind_with([&](Bytes key) { return Extensions{{"1.3.6.1.4.1.53594.1", false, good_value(key)}}; }) ==
        Kind::no_identity);
}

TEST_CASE("libp2p tls: the extension's value") {
  const ByteVector key = identity().public_key().to_protobuf();
  CHECK(kind_with_value(good_value) == std::nullopt);

  // No SignedKey.
  using Change = std::function<ByteVector(ByteVector)>;
  const std::pair<std::string, Change> changes[] = {
      {"empty", [](ByteVector) { return ByteVector(); }},
      {"cut", [](ByteVector value) { return ByteVector(value.begin(), value.end() - 1); }},
      {"longer", [](ByteVector value) { return joined({value, ByteVector{0}}); }},
      {"a set", [](ByteVector value) { return (value[0] = 0x31), value; }},
      {"strings of another type", [](ByteVector value) { return (value[2] = 0x0c), value; }},
      {"a third string", [](ByteVector value) { return der(0x30, joined({Bytes(value).subspan(2), der(4, {})})); }},
      {"one string", [&](ByteVector) { return der(0x30, der(4, key)); }},
      {"a length that ends nowhere", [](ByteVector) { return ByteVector{0x30, 0x82, 1}; }},
      {"of indefinite length",
       [](ByteVector value) { return joined({ByteVector{0x30, 0x80}, Bytes(value).subspan(2), ByteVector{0, 0}}); }},
      {"a length of two bytes for one",
       [](ByteVector value) { return joined({ByteVector{0x30, 0x81}, Bytes(value).subspan(1)}); }},
      {"a length of three bytes for one",
       [](ByteVector value) { return joined({ByteVector{0x30, 0x82, 0}, Bytes(value).subspan(1)}); }},
      {"a huge length",
       [](ByteVector value) { return joined({ByteVector{0x30, 0x84, 255, 255, 255, 255}, Bytes(value).subspan(2)}); }},
  };
  for (const auto& [what, change] : changes) {
    INFO(what);
    CHECK(kind_with_value([&](Bytes public_key) { return change(good_value(public_key)); }) == Kind::bad_identity);
  }

  // No key.
  const ByteVector no_keys[] = {{}, {8, 1}, {8, 9, 18, 0}, ByteVector(key.begin(), key.end() - 1), ByteVector(40, 255)};
  for (const ByteVector& no_key : no_keys) {
    CHECK(kind_with_value([&](Bytes public_key) { return signed_key(no_key, signature_for(public_key)); }) ==
          Kind::bad_identity);
  }

  // Signatures over something else, or by somebody else.
  const auto signature_is = [&](std::function<ByteVector(Bytes)> make_signature) {
    return kind_with_value([&](Bytes public_key) { return signed_key(key, make_signature(public_key)); });
  };
  CHECK(signature_is([](Bytes) { return ByteVector(); }) == Kind::bad_signature);
  CHECK(signature_is([](Bytes) { return ByteVector(64); }) == Kind::bad_signature);
  CHECK(signature_is([](Bytes public_key) { return identity().sign(public_key).value(); }) == Kind::bad_signature);
  CHECK(signature_is([](Bytes public_key) {
          return PrivateKey::from_seed(ByteVector(32, 2))
              .sign(joined({as_bytes("libp2p-tls-handshake:"), public_key}))
              .value();
        }) == Kind::bad_signature);
}

TEST_CASE("libp2p tls: the extension of somebody else's certificate proves nothing") {
  for (const auto& vector : kVectors) {
    const ByteVector stolen = Certificate::parse(unhex(vector.certificate))->extensions()[0].value;
    CHECK(kind_with_value([&](Bytes) { return stolen; }) == Kind::bad_signature);
  }
}

TEST_CASE("libp2p tls: certificates that another key signed, or in a weak way") {
  const auto kind = [](TestCertificate plan) {
    plan.extensions = good_extensions;
    return kind_of(verify_certificate(make(plan), kNow));
  };
  CHECK(kind({.another_signed_it = true}) == Kind::bad_self_signature);
  CHECK(kind({.digest = EVP_sha1()}) == Kind::bad_self_signature);
  CHECK(kind({.key = "RSA", .bits = 1024}) == Kind::bad_self_signature);
  CHECK(kind({.explicit_curve = true}) == Kind::bad_self_signature);
  CHECK(kind({.key = "RSA"}) == std::nullopt);
  CHECK(kind({.key = "P-384", .digest = EVP_sha384()}) == std::nullopt);
  CHECK(kind({.key = "ED25519", .digest = nullptr}) == std::nullopt);
}

TEST_CASE("libp2p tls: bytes that are no certificate, too few and too many") {
  CHECK(kind_of(verify_certificate({}, kNow)) == Kind::malformed);
  CHECK(kind_of(verify_certificate(as_bytes("-----BEGIN CERTIFICATE-----"), kNow)) == Kind::malformed);
  CHECK(kind_of(verify_certificate(ByteVector(20'000, 0x30), kNow)) == Kind::malformed);
  const ByteVector good = make({.extensions = good_extensions});
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK(kind_of(verify_certificate(Bytes(good).first(size), kNow)) == Kind::malformed);
  }
  CHECK(kind_of(verify_certificate(joined({good, good}), kNow)) == Kind::malformed);
}

TEST_CASE("libp2p tls: with any byte changed, a certificate proves nothing") {
  for (const auto& vector : kVectors) {
    INFO(vector.what);
    ByteVector certificate = unhex(vector.certificate);
    for (std::size_t i = 0; i < certificate.size(); ++i) {
      for (const std::uint8_t mask : ByteVector{0x01, 0x80, 0xff}) {
        certificate[i] ^= mask;
        if (verify_certificate(certificate, kNow)) FAIL_CHECK("byte " << i << " xor " << int{mask});
        certificate[i] ^= mask;
      }
    }
  }
}

TEST_CASE("libp2p tls: what is offered by ALPN") {
  CHECK(tls::alpn({}) == std::vector<std::string>{"libp2p"});
  CHECK(tls::alpn({"/yamux/1.0.0", "/mplex/6.7.0"}) ==
        std::vector<std::string>{"/yamux/1.0.0", "/mplex/6.7.0", "libp2p"});
}
