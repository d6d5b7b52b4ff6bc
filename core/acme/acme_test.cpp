// Signatures, times and when to renew.
#include <nlohmann/json.hpp>

#include "core/acme/challenge_key.h"
#include "core/acme/jws.h"
#include "core/acme/messages.h"
#include "core/acme/renewal.h"
#include "core/acme/times.h"
#include "core/crypto/base64.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::acme {
namespace {

using namespace std::chrono_literals;

// RFC 7515 appendix A.3: a key, in SEC 1.
constexpr const char* kKey =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
    "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\n"
    "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
    "-----END EC PRIVATE KEY-----\n";

crypto::Issued issued(std::int64_t from, std::int64_t to, std::uint8_t number = 0) {
  return {.not_before = from, .not_after = to, .public_key = {number}};
}

}  // namespace

TEST_CASE("acme: a key is what RFC 7515 says it is, as PEM and as JWK") {
  const auto key = AccountKey::from_pem(kKey);
  REQUIRE(key);
  CHECK(key->jwk() == R"({"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                      R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
  CHECK(as_text(key->to_pem().bytes()) == kKey);
  CHECK_FALSE(AccountKey::from_pem(""));
  CHECK_FALSE(AccountKey::from_pem("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"));
  CHECK_FALSE(AccountKey::from_pem("-----BEGIN EC PRIVATE KEY-----\n"));
}

TEST_CASE("acme: a request is signed with r and s, over what is sent") {
  const auto key = AccountKey::from_pem(kKey);
  const auto text = key->sign({.url = "https://a/\xff", .nonce = "n", .account = "https://a/1"}, "{}");
  REQUIRE(text);
  const auto jws = nlohmann::json::parse(*text);
  CHECK(jws["payload"] == "e30");
  CHECK(crypto::from_base64url(jws["signature"].get<std::string>())->size() == 64);
  const auto head = crypto::from_base64url(jws["protected"].get<std::string>());
  CHECK(nlohmann::json::parse(as_text(*head))["kid"] == "https://a/1");
}

TEST_CASE("acme: times") {
  CHECK(parse_timestamp("1970-01-02T00:00:01Z") == 86401);
  CHECK(parse_timestamp("2025-01-02T04:00:00.5+01:00") == 1735786800);
  for (const char* const wrong : {"", "2025-01-02", "2025-13-02T04:00:00Z", "2025-02-30T04:00:00Z",
                                  "2025-01-02T24:00:00Z", "2025-01-02T04:00:00", "2025-01-02T04:00:00+1"}) {
    CHECK_FALSE(parse_timestamp(wrong));
  }
  CHECK(parse_retry_after("120", 0) == 120s);
  CHECK(parse_retry_after("99999999999999999999", 0) == 720h);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111767) == 10s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111800) == 0s);
  for (const char* const wrong : {"", "-1", "soon", "Sun, 06 Nov 1994 08:49:37 UTC"}) {
    CHECK_FALSE(parse_retry_after(wrong, 0));
  }
}

TEST_CASE("acme: what the CA suggests for renewal") {
  const auto info = read_renewal_info(
      R"({"suggestedWindow":{"start":"2025-01-02T04:00:00Z","end":"2025-01-03T04:00:00Z"},"explanationURL":"x"})");
  REQUIRE(info);
  CHECK(info->end - info->start == 86400);
  for (const char* const wrong :
       {"", "{}", R"({"suggestedWindow":{"start":"2025-01-02T04:00:00Z","end":"2025-01-02T04:00:00Z"}})",
        R"({"suggestedWindow":{"start":1,"end":2}})"}) {
    CHECK_FALSE(read_renewal_info(wrong));
  }
}

TEST_CASE("acme: when to renew") {
  for (std::uint8_t number = 0; number < 50; ++number) {
    const std::int64_t time = renewal_time(issued(0, 90 * 86400, number), std::nullopt);
    CHECK((time <= 60 * 86400 && time > 55 * 86400));
    CHECK(time == renewal_time(issued(0, 90 * 86400, number), std::nullopt));
    const std::int64_t suggested = renewal_time(issued(0, 90 * 86400, number), RenewalInfo{1000, 2000});
    CHECK((suggested >= 1000 && suggested <= 2000));
  }
  CHECK(renewal_time(issued(0, 16), std::nullopt) >= 10);
  CHECK(renewal_time(issued(0, 1000), RenewalInfo{5000, 6000}) == 834);  // in time to try again
  CHECK(renewal_time(issued(1000, 0), std::nullopt) == 0);
}

TEST_CASE("acme: when to try again") {
  const Failure fault{"", false}, refusal{"", true}, limited{"", true, std::chrono::hours(3)};
  CHECK(pause_after(1, fault, 0.5) == 5s);
  CHECK(pause_after(1, fault, 0) == 3s);
  CHECK(pause_after(1, fault, 1) == 6s);
  CHECK(pause_after(3, fault, 0.5) == 20s);
  CHECK(pause_after(1000, fault, 0.5) == 10min);
  CHECK(pause_after(1, refusal, 0.5) == 1min);
  CHECK(pause_after(1000, refusal, 0.5) == 12h);
  CHECK(pause_after(1, limited, 0.5) == 3h);
  CHECK(pause_after(1, {"", false, std::chrono::hours(10000)}, 0.5) == 24h);
}

TEST_CASE("acme: a name's place in the store is that of no peer's, but looks like one") {
  const ChallengeKey key = challenge_key(as_bytes("\x01x"));
  CHECK((key[0] == 0x12 && key[1] == 32));
  CHECK(key != challenge_key(as_bytes("\x01y")));
}

}  // namespace swage::acme
