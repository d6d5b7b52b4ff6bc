// What the engine makes of an etcd that says what it was not asked for. (What it does with a real one: fleet_test.cpp.)
#include "core/fleet/etcd_engine.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/crypto/base64.h"
#include "core/http/server.h"

#include "core/async/testing.h"  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::fleet;

namespace {

std::string base64(std::string_view text) { return crypto::to_base64(as_bytes(text)); }

std::string entry(std::string_view key, const std::string& revision = "5") {
  return R"({"key":")" + base64(key) + R"(","value":"MQ==","mod_revision":")" + revision + R"("})";
}

std::string page(const std::string& entries, const std::string& more = "false", const std::string& revision = "7") {
  return R"({"header":{"revision":")" + revision + R"("},"kvs":[)" + entries + R"(],"more":)" + more + "}";
}

struct FalseEtcd {
  FalseEtcd() {
    server.emplace(loop, http::Limits{},
                   [this](http::Request request, http::Caller&) { return answer(*this, std::string(request.path())); });
    const auto [fd, at] = async::testing::listening_socket(16);
    server->listen(fd);
    url = "http://" + at.to_string();
    engine.emplace(loop, etcd::Settings{.endpoints = {url}, .patience = std::chrono::milliseconds(100)}, "/root/");
  }
  static async::Task<http::Response> answer(FalseEtcd& etcd, std::string path) {
    http::Response response;
    response.body = etcd.replies[path];
    co_return response;
  }

  // The keys that a read gives, or why it fails.
  std::string read() {
    std::string keys;
    const auto read = run(engine->read({"a", "z"}, 0, [&keys](std::vector<Entry> entries) {
      for (const Entry& each : entries) keys += each.key + "@" + std::to_string(each.revision) + " ";
    }));
    return read ? keys + std::to_string(*read) : read.error().text;
  }
  template <typename T>
  T run(async::Task<T> task) {
    std::optional<T> result;
    loop.spawn(keep(loop, std::move(task), result));
    if (!result) loop.run();
    REQUIRE(result.has_value());
    return *std::move(result);
  }
  template <typename T>
  static async::Task<> keep(async::Loop& loop, async::Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
    loop.stop();
  }

  async::Loop loop;
  std::map<std::string, std::string> replies;
  std::optional<http::Server> server;
  std::string url;
  std::optional<EtcdEngine> engine;
};

}  // namespace

TEST_CASE("etcd engine: what was not asked for is left out, also what is shorter than what keys begin with") {
  FalseEtcd etcd;
  std::string& range = etcd.replies["/v3/kv/range"];
  range = page(entry("/root/k") + "," + entry("/roo") + "," + entry("") + "," + entry("/other/k") + R"(,{},5,null)");
  CHECK(etcd.read() == "k@5 7");
  etcd.replies["/v3/kv/txn"] = R"({"header":{"revision":"7"},"succeeded":true,"responses":[{"response_range":)" +
                               page(entry("x") + "," + entry("/root/id")) + "}]}";
  const std::vector<std::string> keys{"id"};
  const auto found = etcd.run(etcd.engine->find(keys));
  REQUIRE(found.has_value());
  REQUIRE(found->size() == 1);
  CHECK(found->front().key == "id");
}

TEST_CASE("etcd engine: revisions that cannot be") {
  FalseEtcd etcd;
  etcd.replies["/v3/kv/range"] = page(entry("/root/k", "-5"), "false", "9223372036854775807");
  CHECK(etcd.read() == "k@0 " + std::to_string(INT64_MAX / 2));
  const auto watch = etcd.engine->watch({"a", "z"}, INT64_MAX / 2);
  etcd.replies["/v3/watch"] =
      R"({"result":{"header":{"revision":"1"},"events":[{"kv":)" + entry("", "9223372036854775807") + "}]}}\n";
  const auto batch = etcd.run(watch->next());
  REQUIRE(batch.has_value());
  CHECK(batch->events.empty());
  CHECK_FALSE(etcd.run(watch->next()).has_value());
}

TEST_CASE("etcd engine: pages without an end, and what is no reply at all, are said with the endpoint") {
  FalseEtcd etcd;
  std::string& range = etcd.replies["/v3/kv/range"];
  range = page(entry("/root/k"), "true");
  CHECK(etcd.read() == etcd.url + ": keys come in a wrong order");
  for (const char* const reply : {"", "[", "null", "[]", "{}", "\"x\"", R"({"header":5})"}) {
    range = reply;
    INFO(reply);
    CHECK_THAT(etcd.read(), Catch::Matches("(0)|(" + etcd.url + ": the reply is not what etcd says)"));
  }
}
