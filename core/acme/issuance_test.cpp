#include "core/acme/issuance.h"

#include <optional>

#include "core/acme/acme_testing.h"

namespace swage::acme {
namespace {

using testing::TestCa;
using testing::url;

// Of RFC 7515, appendix A.3.
constexpr const char* kKey =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
    "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\n"
    "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
    "-----END EC PRIVATE KEY-----\n";

const std::vector<std::string> kNames = {"registration.libp2p.direct"};

// What would be on disk and in the nameserver, and how often the process may go on before it is killed.
struct Operator {
  TestCa ca;
  AccountKey account = *AccountKey::from_pem(kKey);
  std::optional<crypto::EvpPrivateKey> key = *crypto::key_from_pem(kKey);
  Plan plan{.directory = url("/dir"), .names = kNames};
  Progress kept;
  std::chrono::seconds waited{0};
  int steps = 0;  // that were taken

  // To the end, or until it is killed after so many steps: nothing then.
  std::optional<Action> run(int most = 1000) {
    Issuance issuance(account, *key, plan, kept);
    for (int i = 0; i < most; ++i, ++steps) {
      Action action = issuance.next();
      if (const auto* const ask = std::get_if<Ask>(&action)) {
        issuance.answered(ca.answer(*ask, account), 1'000'000);
        continue;
      }
      if (const auto* const publish = std::get_if<Publish>(&action)) {
        ca.records.insert(publish->name + " " + publish->value);
      } else if (std::holds_alternative<Keep>(action)) {
        kept = issuance.progress();
      } else if (const auto* const wait = std::get_if<Wait>(&action)) {
        waited += wait->time;
      } else {
        kept = issuance.progress();
        return action;
      }
      issuance.done();
    }
    return std::nullopt;
  }
  std::string failure() {
    const auto result = run();
    REQUIRE(result);
    return std::holds_alternative<Failure>(*result) ? std::get<Failure>(*result).why : "a certificate";
  }
};

}  // namespace

TEST_CASE("acme: a certificate") {
  Operator op;
  op.plan.names = {GENERATE("registration.libp2p.direct", "*.example.org")};
  op.ca.gives_processing = GENERATE(false, true);
  const auto result = op.run();
  REQUIRE(result);
  REQUIRE(std::holds_alternative<Chain>(*result));
  const Chain& chain = std::get<Chain>(*result);
  CHECK(chain.pem.starts_with("-----BEGIN CERTIFICATE-----\n"));
  CHECK(chain.issued.not_after - chain.issued.not_before == 90 * 86400);
  CHECK(op.kept == Progress{url("/account/1"), ""});
  CHECK(op.ca.orders == 1);

  CHECK(std::holds_alternative<Chain>(*op.run()));  // the account is known
  CHECK(op.ca.accounts == 1);
  CHECK(op.ca.orders == 2);
}

TEST_CASE("acme: killed at every step, it ends with one order and one certificate") {
  Operator whole;
  REQUIRE(std::holds_alternative<Chain>(*whole.run()));
  REQUIRE(whole.steps > 12);
  for (int first = 0; first <= whole.steps; ++first) {
    for (int second = 0; second <= whole.steps; second += 6) {
      Operator op;
      auto result = op.run(first);
      if (!result) result = op.run(second);
      if (!result) result = op.run();
      CAPTURE(first, second);
      REQUIRE(result);
      CHECK(std::holds_alternative<Chain>(*result));
      CHECK(op.ca.accounts == 1);
      CHECK(op.ca.orders == 1);
      CHECK(op.ca.issued == 1);
    }
  }
}

TEST_CASE("acme: an order whose key is lost, or that the CA does not know any more, makes way for a new one") {
  Operator op;
  static_cast<void>(op.run(9));
  REQUIRE(op.kept.order == url("/order/1"));
  op.ca.forget_orders();
  CHECK(std::holds_alternative<Chain>(*op.run()));
  CHECK(op.ca.orders == 2);

  Operator lost;
  int steps = 0;
  while (lost.ca.issued == 0) static_cast<void>(lost.run(++steps));
  lost.key = crypto::EvpPrivateKey::generate_ecdsa();
  CHECK(lost.failure() == "the certificate has another key than ours");
  CHECK(lost.kept.order.empty());
  CHECK(std::holds_alternative<Chain>(*lost.run()));
}

TEST_CASE("acme: nonces that the CA does not take are no failures, unless it takes none") {
  Operator op;
  op.ca.bad_nonces = 15;
  CHECK(std::holds_alternative<Chain>(*op.run()));
  Operator never;
  never.ca.bad_nonces = 1000;
  CHECK(never.failure() == "making an account: badNonce: says the test");
  CHECK(never.steps < 50);
}

TEST_CASE("acme: what the CA refuses, and for how long") {
  const auto refusal = [](const char* type, unsigned status, const std::string& retry_after) {
    Operator op;
    op.ca.next_problem = type;
    op.ca.next_status = status;
    op.ca.retry_after = retry_after;
    const auto result = op.run();
    REQUIRE(result);
    REQUIRE(std::holds_alternative<Failure>(*result));
    return std::get<Failure>(*result);
  };
  const Failure limited = refusal("rateLimited", 429, "3600");
  CHECK(limited.why == "making an account: rateLimited: says the test");
  CHECK(limited.refused);
  CHECK(limited.retry_after == std::chrono::hours(1));
  CHECK(refusal("rateLimited", 429, "Mon, 12 Jan 1970 14:46:40 GMT").retry_after == std::chrono::hours(1));
  CHECK(refusal("unauthorized", 403, "").refused);
  CHECK(refusal("unauthorized", 403, "nonsense").retry_after.count() == 0);
  CHECK_FALSE(refusal("serverInternal", 500, "").refused);

  Operator caa;
  caa.ca.refuses_challenges = true;
  CHECK(caa.failure() == "registration.libp2p.direct: caa: CAA forbids it");
  CHECK(caa.kept.order.empty());
  caa.ca.refuses_challenges = false;
  CHECK(std::holds_alternative<Chain>(*caa.run()));
  CHECK(caa.ca.orders == 2);

  Operator profile;
  profile.plan.profile = "long";
  CHECK(profile.failure() == "the CA has no profile 'long'; it has classic, short");
}

TEST_CASE("acme: an account that the CA has forgotten is made again") {
  Operator op;
  op.kept = {url("/account/1"), ""};
  CHECK(std::holds_alternative<Chain>(*op.run()));
  CHECK(op.ca.accounts == 1);
}

TEST_CASE("acme: that a certificate was replaced already is no reason not to get one") {
  Operator op;
  op.kept.account = url("/account/1");
  static_cast<void>(op.run());
  op.plan.replaces = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
  Issuance issuance(op.account, *op.key, op.plan, op.kept);
  op.ca.next_problem = "alreadyReplaced";
  op.ca.next_status = 409;
  CHECK(std::holds_alternative<Chain>(*op.run()));
}

// Whatever a CA says at any point is a failure in the end, and never an endless loop.
TEST_CASE("acme: hostile answers") {
  const std::string long_text(5000, 'x');
  const std::string answers[] = {
      "",
      "{}",
      "[]",
      "null",
      "{",
      long_text,
      R"({"status":"pending"})",
      R"({"status":"valid","finalize":"https://a","authorizations":[]})",
      R"({"status":"valid","finalize":"http://a","authorizations":["https://a"]})",
      R"({"status":"pending","finalize":"https://a","authorizations":["file:///etc/passwd"]})",
      R"({"status":"pending","finalize":"https://a","authorizations":["https://a"],"challenges":[]})",
      R"({"status":"processing","finalize":"https://a","authorizations":["https://a"]})",
      R"({"status":7,"finalize":8,"authorizations":[[[[]]]]})",
      R"({"newNonce":"https://a","newAccount":"https://a","newOrder":"https://a","meta":7,"status":"ready",)"
      R"("finalize":"https://a","authorizations":["https://a"]})",
      R"({"status":"pending","identifier":{"value":"other.example"},"finalize":"https://a","authorizations":)"
      R"(["https://a"],"challenges":[{"type":"dns-01","url":"https://a","token":"a","status":"pending"}]})",
      R"({"status":"pending","identifier":{"value":"registration.libp2p.direct"},"finalize":"https://a",)"
      R"("authorizations":["https://a"],"challenges":[{"type":"dns-01","url":"https://a","token":"a\r\nb"}]})",
      R"({"status":"pending","identifier":{"value":"registration.libp2p.direct"},"finalize":"https://a",)"
      R"("authorizations":["https://a"],"challenges":[{"type":"dns-01","url":"https://a","token":"a"}]})"};
  for (const std::string& body : answers) {
    for (const unsigned status : {200U, 404U}) {
      for (int good = 0; good < 14; good += 3) {
        Operator op;
        Issuance issuance(op.account, *op.key, op.plan, op.kept);
        int asked = 0;
        bool over = false;
        for (int i = 0; i < 1000 && !over; ++i) {
          const Action action = issuance.next();
          if (const auto* const ask = std::get_if<Ask>(&action)) {
            Reply reply;
            if (++asked <= good) {
              reply = op.ca.answer(*ask, op.account);
            } else {
              reply = {status, body, asked % 2 != 0 ? "n" : "bad nonce\r\n", asked % 3 != 0 ? "https://a/" : "", "0"};
            }
            issuance.answered(reply, 0);
            continue;
          }
          if (const auto* const publish = std::get_if<Publish>(&action)) {
            op.ca.records.insert(publish->name + " " + publish->value);
          }
          over = std::holds_alternative<Chain>(action) || std::holds_alternative<Failure>(action);
          if (!over) issuance.done();
        }
        CAPTURE(body, status, good);
        REQUIRE(over);
      }
    }
  }
}

}  // namespace swage::acme
