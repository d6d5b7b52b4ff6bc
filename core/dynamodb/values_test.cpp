// p2p-forge's table in a DynamoDB that checks signatures.
#include <fmt/format.h>

#include "core/dynamodb/values.h"

#include "core/dynamodb/items.h"
#include "tests/support/dynamodb.h"

#include "core/async/testing.h"  // last: its CHECK is the one that counts here

using namespace swage;
using namespace std::chrono_literals;
using dynamodb::Credentials;
using dynamodb::Item;
using dynamodb::Values;
using tests::DynamoDb;

namespace {

const std::string kPeer = "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo";
const std::string kDigest = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";

Credentials credentials(const DynamoDb::Key& key) { return {key.id, key.secret, key.token}; }

dynamodb::Settings settings(const DynamoDb& database) {
  return {.table = database.table(), .region = DynamoDb::kRegion, .endpoint = database.endpoint()};
}

std::string got(async::Loop& loop, Values& values, const std::string& peer = kPeer) {
  const auto item = async::testing::run(loop, values.get(peer));
  if (!item) return "error: " + item.error().text();
  return *item ? fmt::format("{} {}", (*item)->value, (*item)->expires.value_or(0)) : "none";
}

std::string put(async::Loop& loop, Values& values, const std::string& value, std::int64_t expires) {
  const auto done = async::testing::run(loop, values.put(kPeer, Item{.value = value, .expires = expires}));
  return done ? "done" : "error: " + done.error().text();
}

}  // namespace

TEST_CASE("dynamodb: items as p2p-forge has them") {
  CHECK(dynamodb::get_text("t", kPeer) ==
        R"({"ConsistentRead":true,"Key":{"DSKey":{"S":"/)" + kPeer + R"("}},"TableName":"t"})");
  CHECK(dynamodb::put_text("t", kPeer, {.value = "abc", .expires = 1'800'000'000}) ==
        R"({"Item":{"DSKey":{"S":"/)" + kPeer +
            R"("},"Expiration":{"N":"1800000000"},"Size":{"N":"3"},"Value":{"B":"YWJj"}},"TableName":"t"})");
  const auto item = dynamodb::item_in(R"({"Item":{"Value":{"B":"YWJj"},"Expiration":{"N":"7"},"More":{"NULL":true}}})");
  REQUIRE(item);
  CHECK((*item)->value == "abc");
  CHECK((*item)->expires == 7);
  CHECK((*dynamodb::item_in(R"({"Item":{"Value":{"B":"YWJj"}}})"))->expires == std::nullopt);
  CHECK(*dynamodb::item_in("{}") == std::nullopt);
  for (const char* const bad :
       {"", "nonsense", "[]", "null", R"({"Item":7})", R"({"Item":{}})", R"({"Item":{"Value":"YWJj"}})",
        R"({"Item":{"Value":{"S":"YWJj"}}})", R"({"Item":{"Value":{"B":"!"}}})", R"({"Item":{"Value":{"B":7}}})"}) {
    INFO(bad);
    CHECK_FALSE(dynamodb::item_in(bad).has_value());
  }
}

TEST_CASE("dynamodb: what it complains of") {
  CHECK(dynamodb::problem_in(400, R"({"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",)"
                                  R"("message":"Requested resource not found"})") ==
        "ResourceNotFoundException: Requested resource not found");
  CHECK(dynamodb::problem_in(400, R"({"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"})") ==
        "AccessDeniedException: no");
  CHECK(dynamodb::problem_in(400, R"({"__type":"Throttling"})") == "Throttling");
  CHECK(dynamodb::problem_in(502, "<html>") == "the reply has the status 502");
  CHECK(dynamodb::problem_in(400, R"({"__type":7})") == "the reply has the status 400");
}

TEST_CASE("dynamodb: a table of p2p-forge's, with a user's key and with a temporary one") {
  if (!DynamoDb::available()) return;
  const DynamoDb database;
  async::Loop loop;
  Values values(loop, settings(database), credentials(database.key()));
  CHECK(got(loop, values) == "none");
  CHECK(put(loop, values, "first", 1) == "done");
  CHECK(got(loop, values) == "first 1");
  CHECK(put(loop, values, kDigest, 1'900'000'000) == "done");
  CHECK(got(loop, values) == kDigest + " 1900000000");
  CHECK(got(loop, values, "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N") == "none");
  values.use(credentials(database.temporary_key()));
  CHECK(got(loop, values) == kDigest + " 1900000000");
  CHECK(values.counts().failures == 0);
}

TEST_CASE("dynamodb: wrong secrets, tables and endpoints, without a secret in what is said") {
  if (!DynamoDb::available()) return;
  const DynamoDb database;
  async::Loop loop;
  DynamoDb::Key wrong = database.key();
  wrong.secret = "not-the-secret";
  Values stranger(loop, settings(database), credentials(wrong));
  CHECK(got(loop, stranger) == "error: " + database.endpoint() + ": the reply has the status 403");  // AWS's is JSON
  wrong = database.temporary_key();
  wrong.token.pop_back();
  Values expired(loop, settings(database), credentials(wrong));
  CHECK_THAT(got(loop, expired), Catch::StartsWith("error: "));
  dynamodb::Settings other = settings(database);
  other.table = "another";
  Values nowhere(loop, other, credentials(database.key()));
  CHECK(put(loop, nowhere, "x", 1) ==
        "error: " + database.endpoint() + ": ResourceNotFoundException: Requested resource not found");
  CHECK(nowhere.counts().failures == 1);
  const auto [fd, nobody] = async::testing::listening_socket();
  ::close(fd);
  other.endpoint = "http://" + nobody.to_string() + "/";
  Values away(loop, other, credentials(database.key()));
  CHECK(got(loop, away) == "error: http://" + nobody.to_string() + ": Couldn't connect to server");
  CHECK(away.counts().failures == 1);
}

TEST_CASE("dynamodb: one that is silent is not waited for") {
  if (!DynamoDb::available()) return;
  const DynamoDb database;
  async::Loop loop;
  dynamodb::Settings hasty = settings(database);
  hasty.get_time = 200ms;
  Values values(loop, hasty, credentials(database.key()));
  CHECK(got(loop, values) == "none");
  database.pause();
  const std::int64_t began = loop.now();
  CHECK(got(loop, values) == "error: " + database.endpoint() + ": Timeout was reached");
  CHECK(loop.now() - began < std::int64_t{1'500'000'000});
  database.resume();
  CHECK(tests::wait_until([&] { return got(loop, values) == "none"; }, 10s));
}

TEST_CASE("dynamodb: AWS's own endpoint, where none is said") {
  async::Loop loop;
  CHECK(Values(loop, {.region = "eu-central-1"}, {}).endpoint() == "https://dynamodb.eu-central-1.amazonaws.com");
  CHECK(Values(loop, {.region = "cn-north-1"}, {}).endpoint() == "https://dynamodb.cn-north-1.amazonaws.com.cn");
}

TEST_CASE("dynamodb: credentials of the environment") {
  const auto in = [](std::vector<std::pair<std::string, std::string>> variables) {
    const auto found = dynamodb::credentials_in([&](const char* name) {
      for (const auto& [key, value] : variables) {
        if (key == name) return value;
      }
      return std::string();
    });
    return found ? fmt::format("{} {} {}", found->key_id, found->secret, found->token) : found.error().text();
  };
  CHECK(in({{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "b"}}) == "a b ");
  CHECK(in({{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "b"}, {"AWS_SESSION_TOKEN", "c"}}) == "a b c");
  CHECK(in({{"AWS_SECRET_ACCESS_KEY", "b"}}) == "AWS_ACCESS_KEY_ID is not set");
  CHECK(in({{"AWS_ACCESS_KEY_ID", "a"}}) == "AWS_SECRET_ACCESS_KEY is not set");
  CHECK(in({{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "b\nX: y"}}) ==
        "the credentials have characters that cannot be printed");
}

TEST_CASE("dynamodb: credentials of a file") {
  const auto in = [](std::string_view text) {
    const auto found = dynamodb::parse_credentials(text);
    return found ? fmt::format("{} {} {}", found->key_id, found->secret, found->token) : found.error().text();
  };
  CHECK(in("[default]\naws_access_key_id = a\naws_secret_access_key=b/+=\n") == "a b/+= ");
  CHECK(in("aws_access_key_id=a\r\naws_secret_access_key=b\r\naws_session_token=c\r\n") == "a b c");
  CHECK(in("[other]\naws_access_key_id=x\n[default]\n# aws_access_key_id=y\naws_access_key_id=a\n"
           "aws_secret_access_key=b\n[more]\naws_secret_access_key=z") == "a b ");
  CHECK(in("[other]\naws_access_key_id=x\naws_secret_access_key=b\n") == "aws_access_key_id is not set");
  CHECK(in("aws_access_key_id=x") == "aws_secret_access_key is not set");
  CHECK(in("") == "aws_access_key_id is not set");
}
