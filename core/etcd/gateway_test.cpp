// What etcd's gateway says, of 3.4 to 3.6, and what it should not say. With a real one: client_test.cpp.
#include <fmt/format.h>

#include "core/etcd/gateway.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage::etcd;
using Kind = Failure::Kind;

namespace {

std::string failed(unsigned status, std::string_view reply) {
  const Failure failure = gateway::failure_in(status, reply);
  return fmt::format("{} {}", static_cast<int>(failure.kind), failure.text);
}

std::string kind(Kind of, std::string_view text) { return fmt::format("{} {}", static_cast<int>(of), text); }

}  // namespace

TEST_CASE("gateway: requests leave out what is 0 or empty") {
  CHECK(gateway::text_of(Put{.key = "a", .value = "b"}) == R"({"key":"YQ==","value":"Yg=="})");
  CHECK(gateway::text_of(Put{.key = "a", .lease = 5}) == R"({"key":"YQ==","lease":"5","value":""})");
  CHECK(gateway::text_of(Range{.key = "a"}) == R"({"key":"YQ=="})");
  CHECK(gateway::text_of(Range{.key = "a", .end = "b", .revision = 7, .limit = 2, .keys_only = true}) ==
        R"({"key":"YQ==","keys_only":true,"limit":"2","range_end":"Yg==","revision":"7"})");
  CHECK(gateway::watch_text({.key = "a", .revision = 3, .limit = 4}, 9) ==
        R"({"create_request":{"key":"YQ==","start_revision":"9"}})");
  CHECK(gateway::grant_text(std::chrono::seconds(10)) == R"({"TTL":"10"})");
  CHECK(gateway::authenticate_text("u", "p\"\xff") == "{\"name\":\"u\",\"password\":\"p\\\"\xef\xbf\xbd\"}");
}

TEST_CASE("gateway: failures, as each version says them") {
  CHECK(failed(404, R"({"error":"etcdserver: requested lease not found","code":5})") ==
        kind(Kind::not_found, "etcdserver: requested lease not found"));
  CHECK(failed(401, R"({"code":16,"message":"etcdserver: invalid auth token","details":[]})") ==
        kind(Kind::denied, "etcdserver: invalid auth token"));
  CHECK(failed(400, R"({"error":"etcdserver: user name is empty","code":3})") ==
        kind(Kind::denied, "etcdserver: user name is empty"));
  CHECK(failed(400, R"({"error":"etcdserver: duplicate key given in txn request","code":3})") ==
        kind(Kind::refused, "etcdserver: duplicate key given in txn request"));
  CHECK(failed(400, R"({"error":"etcdserver: mvcc: required revision has been compacted","code":11})") ==
        kind(Kind::compacted, "etcdserver: mvcc: required revision has been compacted"));
  CHECK(failed(503, R"({"error":"etcdserver: request timed out","code":14})") ==
        kind(Kind::unavailable, "etcdserver: request timed out"));
  CHECK(failed(429, R"({"error":"etcdserver: mvcc: database space exceeded","code":8})") ==
        kind(Kind::unavailable, "etcdserver: mvcc: database space exceeded"));
  CHECK(failed(502, "<html>") == kind(Kind::unavailable, "the reply has the status 502: <html>"));
  CHECK(failed(404, "404 page not found") == kind(Kind::refused, "the reply has the status 404: 404 page not found"));
  CHECK(failed(400, R"({"error":"a\nb\u0007","code":3})") == kind(Kind::refused, "a?b?"));
}

TEST_CASE("gateway: what a watch's stream says") {
  const auto events = gateway::batch_in(
      R"({"result":{"header":{"revision":"99"},"events":[{"kv":{"key":"YQ==","mod_revision":"8","value":"Yg=="}},)"
      R"({"type":"DELETE","kv":{"key":"Yw==","mod_revision":"9"}}]}})");
  REQUIRE(events);
  CHECK(events->seen == 9);  // not the header's, which is ahead of what came
  CHECK(events->events.at(0).now.value == "b");
  CHECK_FALSE(events->events.at(0).removed);
  CHECK(events->events.at(1).removed);
  CHECK(events->events.at(1).now.key == "c");
  const auto created = gateway::batch_in(R"({"result":{"header":{"revision":"99"},"created":true}})");
  REQUIRE(created);
  CHECK(created->seen == 0);
  const auto compacted =
      gateway::batch_in(R"({"result":{"header":{"revision":"9"},"canceled":true,"compact_revision":"5"}})");
  CHECK(compacted.error().kind == Kind::compacted);
  CHECK(compacted.error().oldest == 5);
  CHECK(gateway::batch_in(R"({"error":{"grpc_code":14,"message":"etcdserver: no leader"}})").error().kind ==
        Kind::unavailable);
  CHECK(gateway::batch_in(R"({"error":{"code":14,"message":"etcdserver: no leader"}})").error().kind ==
        Kind::unavailable);
  CHECK(gateway::batch_in(R"({"result":{"header":{},"canceled":true}})").error().kind == Kind::ended);
}

TEST_CASE("gateway: a reply that is not etcd's is a failure") {
  for (const std::string_view each : {"", "{}", "[]", "null", "7", "<html>", R"({"result":7})", R"({"kvs":[]})",
                                      R"({"result":{"created":true}})", "{\"header\":{}"}) {
    INFO(each);
    CHECK(gateway::revision_in(each).error().kind == Kind::unavailable);
    CHECK(gateway::page_in(each).error().kind == Kind::unavailable);
    CHECK(gateway::batch_in(each).error().kind == Kind::unavailable);
  }
  CHECK_FALSE(gateway::granted_in(R"({"header":{"revision":"1"}})").has_value());
  CHECK_FALSE(gateway::token_in(R"({"header":{"revision":"1"}})").has_value());
  CHECK(gateway::kept_alive_in(R"({"result":{"header":{"revision":"1"},"ID":"5"}})").error().kind == Kind::not_found);
}
