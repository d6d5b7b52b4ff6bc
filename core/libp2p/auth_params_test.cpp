// The text of the authentication headers, and the specification's example of what is signed.
#include "core/libp2p/auth_params.h"

#include "core/crypto/base64.h"
#include "core/crypto/testing.h"
#include "core/libp2p/key.h"

#include <catch2/catch.hpp>

using namespace swage;
using libp2p::AuthHeader;
using libp2p::AuthParams;
using libp2p::has_auth_scheme;
using libp2p::parse_auth_params;
using libp2p::PrivateKey;

namespace {

std::string error_of(std::string_view header) {
  const auto params = parse_auth_params(header);
  return params ? "" : params.error().text();
}

}  // namespace

TEST_CASE("auth params: the scheme") {
  for (const std::string_view header :
       {"libp2p-PeerID", "libp2p-PeerID ", "libp2p-PeerID sig=\"\"", "LIBP2P-peerid x"}) {
    CAPTURE(header);
    CHECK(has_auth_scheme(header));
  }
  for (const std::string_view header :
       {"", "libp2p", "libp2p-PeerIDx", "Bearer x", " libp2p-PeerID", "libp2p-PeerI "}) {
    CAPTURE(header);
    CHECK_FALSE(has_auth_scheme(header));
  }
}

TEST_CASE("auth params: any order, commas or spaces, unknown ones skipped") {
  for (const std::string_view header : {
           R"(libp2p-PeerID opaque="o=", sig="s", public-key="", x="y")",
           R"(libp2p-peerid sig="s",opaque="o=",public-key="")",
           R"(libp2p-PeerID public-key="" sig="s" opaque="o=")",
           "libp2p-PeerID\t, ,public-key=\"\",, opaque=\"o=\"\t,sig=\"s\", ",
           R"(libp2p-PeerID SIG="s", Opaque="o=", Public-Key="", x="1", x="2")",
       }) {
    CAPTURE(header);
    const auto params = parse_auth_params(header);
    REQUIRE(params);
    CHECK(params->opaque == "o=");
    CHECK(params->sig == "s");
    CHECK(params->public_key == "");
    CHECK_FALSE(params->bearer);
    CHECK_FALSE(params->challenge_client);
  }
  const auto others =
      parse_auth_params(R"(libp2p-PeerID bearer="b", challenge-client="c d", challenge-server="<,>", expires="e")");
  REQUIRE(others);
  CHECK(others->bearer == "b");
  CHECK(others->challenge_client == "c d");
  CHECK(others->challenge_server == "<,>");
  CHECK(others->expires == "e");
}

TEST_CASE("auth params: what is malformed, and why") {
  const std::pair<std::string, std::string_view> cases[] = {
      {R"(libp2p-PeerID sig)", "a parameter is not of the form name=\"value\""},
      {R"(libp2p-PeerID sig=)", "a parameter is not of the form name=\"value\""},
      {R"(libp2p-PeerID sig=s)", "a parameter is not of the form name=\"value\""},
      {R"(libp2p-PeerID sig = "s")", "a parameter is not of the form name=\"value\""},
      {R"(libp2p-PeerID ="s")", "a parameter is not of the form name=\"value\""},
      {R"(libp2p-PeerID sig="s", Basic eA==)", "a parameter is not of the form name=\"value\""},
      {R"(libp2p-PeerID sig="s)", "the value of sig does not end with a quote"},
      {R"(libp2p-PeerID sig="s\"")", "the value of sig does not end with a quote"},
      {"libp2p-PeerID sig=\"s\r\n\"", "the value of sig does not end with a quote"},
      {"libp2p-PeerID sig=\"\xc3\xa9\"", "the value of sig does not end with a quote"},
      {std::string("libp2p-PeerID sig=\"s\0\"", 19), "the value of sig does not end with a quote"},
      {R"(libp2p-PeerID sig="s"opaque="o")", "no comma after the value of sig"},
      {R"(libp2p-PeerID sig="s", sig="s")", "sig comes twice"},
      {R"(libp2p-PeerID sig="s", opaque="o", SIG="t")", "SIG comes twice"},
      {"libp2p-PeerID " + std::string(4083, ' '), "the header has more than 4096 bytes"},
  };
  for (const auto& [header, why] : cases) {
    CAPTURE(header);
    CHECK(error_of(header) == why);
  }
  CHECK(error_of("libp2p-PeerID " + std::string(4082, ' ')).empty());
}

TEST_CASE("auth params: are written in their order") {
  CHECK(AuthHeader().add("sig", "s=").add("bearer", "b").take() == R"(libp2p-PeerID sig="s=", bearer="b")");
}

TEST_CASE("auth params: the specification's signing example") {
  const auto key = PrivateKey::from_seed(std::vector<std::uint8_t>(32, 1));
  const auto client_key =
      crypto::testing::unhex("080112208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394");
  const auto bytes =
      libp2p::server_signed_bytes("ERERERERERERERERERERERERERERERERERERERERERE=", client_key, "example.com");
  CHECK(crypto::testing::hex(bytes) ==
        "6c69627032702d5065657249443d6368616c6c656e67652d7365727665723d455245524552455245524552455245524552455245"
        "524552455245524552455245524552455245524552453d36636c69656e742d7075626c69632d6b65793d080112208139770ea87d"
        "175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39414686f73746e616d653d6578616d706c652e636f6d");
  CHECK(crypto::to_base64url(key.sign(bytes).value()) ==
        "UA88qZbLUzmAxrD9KECbDCgSKAUBAvBHrOCF2X0uPLR1uUCF7qGfLPc7dw3Olo-LaFCDpk5sXN7TkLWPVvuXAA==");
}

TEST_CASE("auth params: lengths of 128 and more are varints of two bytes") {
  const auto bytes = libp2p::client_signed_bytes(std::string(200, 'c'), "h", as_bytes("k"));
  CHECK(as_text(bytes).substr(0, 32) ==
        "libp2p-PeerID\xd9\x01"
        "challenge-client=");
}
