// The client against real etcds.
#include "core/etcd/client.h"

#include <optional>
#include <set>

#include <fmt/format.h>

#include "core/async/event.h"
#include "core/async/tasks.h"
#include "core/async/tls_testing.h"
#include "tests/support/etcd.h"

#include "core/async/testing.h"  // last: its CHECK is the one that counts here

using namespace swage;
using namespace std::chrono_literals;
using async::Loop;
using async::Task;
using etcd::Client;
using etcd::Expected;
using etcd::Revision;
using Kind = etcd::Failure::Kind;
using tests::Etcd;

namespace {

etcd::Settings settings_for(const Etcd& etcd) {
  etcd::Settings settings;
  settings.endpoints = etcd.endpoints();
  return settings;
}

// A client of an etcd, which runs tasks.
struct Bench {
  explicit Bench(const Etcd& etcd) : Bench(settings_for(etcd)) {}
  explicit Bench(etcd::Settings settings) : client(loop, std::move(settings)) {}

  // Runs the loop until `task` is over: a watch goes on.
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    loop.spawn(keep(*this, std::move(task), result));
    running = !result.has_value();
    if (running) loop.run();
    running = false;
    REQUIRE(result.has_value());
    return *std::move(result);
  }
  template <typename T>
  static Task<> keep(Bench& bench, Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
    if (bench.running) bench.loop.stop();
  }
  // What must succeed.
  template <typename T>
  T get(Task<Expected<T>> task) {
    Expected<T> result = run(std::move(task));
    if (!result) FAIL(result.error().text);
    return *std::move(result);
  }
  Revision put(std::string key, std::string value, etcd::LeaseId lease = 0) {
    return get(client.put({.key = std::move(key), .value = std::move(value), .lease = lease}));
  }
  std::string value(std::string key) {
    const etcd::Page page = get(client.range({.key = std::move(key)}));
    return page.found.empty() ? "none" : page.found[0].value;
  }

  Loop loop;
  Client client;
  bool running = false;
};

std::string text(const etcd::Batch& batch) {
  std::string text;
  for (const etcd::Event& each : batch.events) {
    text += fmt::format("{}{}={} ", each.removed ? "-" : "", each.now.key, each.now.value);
  }
  return text;
}

// The batches of a watch until `count` events have come.
Task<Expected<std::string>> events(etcd::Watch& watch, std::size_t count) {
  std::string all;
  for (std::size_t seen = 0; seen < count;) {
    CO_TRY(const etcd::Batch batch, co_await watch.next());
    seen += batch.events.size();
    all += text(batch);
  }
  co_return all;
}

Etcd& shared() {
  static Etcd etcd;
  return etcd;
}

}  // namespace

TEST_CASE("etcd: values are bytes, and have revisions") {
  if (!Etcd::available()) return;
  Bench bench(shared());
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  const Revision first = bench.put("/values/" + bytes, bytes);
  const etcd::Page page = bench.get(bench.client.range({.key = "/values/" + bytes}));
  REQUIRE(page.found.size() == 1);
  CHECK(page.found[0].key == "/values/" + bytes);
  CHECK(page.found[0].value == bytes);
  CHECK(page.found[0].created == first);
  CHECK(page.found[0].modified == first);
  CHECK(page.found[0].version == 1);
  CHECK(page.revision == first);
  const Revision second = bench.put("/values/" + bytes, "");
  CHECK(second == first + 1);
  CHECK(bench.value("/values/" + bytes).empty());
  CHECK(bench.get(bench.client.range({.key = "/values/" + bytes, .revision = first})).found[0].value == bytes);
  CHECK(bench.get(bench.client.remove({.key = "/values/", .end = etcd::prefix_end("/values/")})) == second + 1);
  CHECK(bench.value("/values/" + bytes) == "none");
}

TEST_CASE("etcd: a prefix's end") {
  CHECK(etcd::prefix_end("/a/") == "/a0");
  CHECK(etcd::prefix_end("a\xff\xff") == "b");
  CHECK(etcd::prefix_end("\xff") == std::string(1, '\0'));
  CHECK(etcd::prefix_end("") == std::string(1, '\0'));
}

TEST_CASE("etcd: a range is read page by page at one revision") {
  if (!Etcd::available()) return;
  Bench bench(shared());
  for (int i = 0; i < 25; ++i) bench.put(fmt::format("/pages/{:02}", i), std::to_string(i));
  const etcd::Range range{.key = "/pages/", .end = etcd::prefix_end("/pages/"), .limit = 7};
  std::vector<std::size_t> sizes;
  std::set<std::string> keys;
  Client& client = bench.client;
  async::Tasks meanwhile;
  const auto keep = [](Task<Expected<Revision>> task) -> Task<> { static_cast<void>(co_await std::move(task)); };
  const Revision at = bench.get(client.read(range, [&](const std::vector<etcd::KeyValue>& page) {
    sizes.push_back(page.size());
    for (const auto& each : page) keys.insert(each.key);
    meanwhile.start(keep(client.put({.key = fmt::format("/pages/{:02}x", sizes.size() * 7), .value = "later"})));
  }));
  CHECK(sizes == std::vector<std::size_t>{7, 7, 7, 4});
  CHECK(keys.size() == 25);
  CHECK(bench.get(client.range(range)).revision > at);
  CHECK(bench.get(client.range(range)).count == 29);
  CHECK(bench.get(client.range(range)).more);
  CHECK(bench.get(client.range({.key = range.key, .end = range.end, .keys_only = true})).found[0].value.empty());
}

TEST_CASE("etcd: a transaction does one thing or the other") {
  if (!Etcd::available()) return;
  Bench bench(shared());
  const Revision at = bench.put("/txn/a", "1");
  etcd::Transaction transaction;
  transaction.conditions = {{.key = "/txn/a", .number = at}, {.key = "/txn/b", .number = 0}};
  transaction.then = {etcd::Put{.key = "/txn/a", .value = "2"}, etcd::Put{.key = "/txn/b", .value = "3"}};
  transaction.otherwise = {etcd::Range{.key = "/txn/a"}, etcd::Range{.key = "/txn/b"}};
  const etcd::Transacted first = bench.get(bench.client.transact(transaction));
  CHECK(first.held);
  CHECK(first.revision == at + 1);
  CHECK(first.found.empty());
  const etcd::Transacted second = bench.get(bench.client.transact(transaction));
  CHECK_FALSE(second.held);
  REQUIRE(second.found.size() == 2);
  CHECK(second.found[0].found.at(0).value == "2");
  CHECK(second.found[1].found.at(0).value == "3");
  CHECK(second.found[1].found.at(0).modified == first.revision);
  using Compare = etcd::Compare;
  for (const Compare& each : std::vector<Compare>{
           {.key = "/txn/a", .what = Compare::What::value, .value = "2"},
           {.key = "/txn/a", .what = Compare::What::value, .is = Compare::Is::not_equal, .value = "9"},
           {.key = "/txn/a", .what = Compare::What::version, .is = Compare::Is::greater, .number = 1},
           {.key = "/txn/a", .what = Compare::What::created, .is = Compare::Is::less, .number = first.revision},
           {.key = "/txn/a", .what = Compare::What::lease, .number = 0},
           {.key = "/txn/none", .what = Compare::What::created, .number = 0}}) {
    INFO(each.key << " " << static_cast<int>(each.what));
    etcd::Transaction asked;
    asked.conditions = {each};
    asked.then = {etcd::Remove{.key = "/txn/nothing"}};
    CHECK(bench.get(bench.client.transact(asked)).held);
  }
}

TEST_CASE("etcd: a lease ends with its keys") {
  if (!Etcd::available()) return;
  Bench bench(shared());
  const Client::Granted lease = bench.get(bench.client.grant(60s));
  CHECK(lease.id != 0);
  CHECK(lease.ttl == 60s);
  bench.put("/lease/a", "1", lease.id);
  CHECK(bench.get(bench.client.range({.key = "/lease/a"})).found.at(0).lease == lease.id);
  CHECK(bench.get(bench.client.keep_alive(lease.id)) == 60s);
  REQUIRE(bench.run(bench.client.revoke(lease.id)));
  CHECK(bench.value("/lease/a") == "none");
  CHECK(bench.run(bench.client.keep_alive(lease.id)).error().kind == Kind::not_found);
  CHECK(bench.run(bench.client.revoke(lease.id)).error().kind == Kind::not_found);
  const etcd::Put late{.key = "/lease/b", .value = "1", .lease = lease.id};
  const auto refused = bench.run(bench.client.put(late));
  CHECK(refused.error().kind == Kind::not_found);
  CHECK(refused.error().text == shared().endpoint(0) + ": etcdserver: requested lease not found");
}

TEST_CASE("etcd: a watch brings what has changed, in order, from the revision that it is told") {
  if (!Etcd::available()) return;
  Bench bench(shared());
  const Revision before = bench.put("/watch/0", "before");
  bench.put("/watch/a", "1");
  bench.put("/other", "x");
  const etcd::Range range{.key = "/watch/", .end = etcd::prefix_end("/watch/")};
  etcd::Watch watch(bench.client, range, before + 1);
  const etcd::Batch begun = bench.get(watch.next());
  CHECK(begun.seen == before);
  CHECK(begun.events.empty());
  CHECK(bench.get(events(watch, 1)) == "/watch/a=1 ");
  const Revision b = bench.put("/watch/b", "2");
  bench.put("/watch/a", "3");
  REQUIRE(bench.run(bench.client.remove({.key = "/watch/b"})));
  const Client::Granted lease = bench.get(bench.client.grant(60s));
  bench.put("/watch/c", "4", lease.id);
  REQUIRE(bench.run(bench.client.revoke(lease.id)));
  CHECK(bench.get(events(watch, 5)) == "/watch/b=2 /watch/a=3 -/watch/b= /watch/c=4 -/watch/c= ");
  etcd::Watch again(bench.client, range, b);
  REQUIRE(bench.run(again.next()));
  const etcd::Batch batch = bench.get(again.next());
  CHECK(batch.events.at(0).now.modified == b);
  CHECK(batch.seen == batch.events.back().now.modified);
}

TEST_CASE("etcd: a wait for a watch may end before something comes, and loses nothing") {
  if (!Etcd::available()) return;
  Bench bench(shared());
  const etcd::Range range{.key = "/patient/", .end = etcd::prefix_end("/patient/")};
  etcd::Watch watch(bench.client, range, bench.put("/patient/0", "before") + 1);
  REQUIRE(bench.run(watch.next()));
  for (int i = 0; i < 3; ++i) CHECK_FALSE(bench.run(async::within(bench.loop, 5ms, watch.next())).has_value());
  bench.put("/patient/1", "1");
  CHECK(bench.get(events(watch, 1)) == "/patient/1=1 ");
}

TEST_CASE("etcd: a watch of what is compacted says from where on there is something") {
  if (!Etcd::available()) return;
  Bench bench(shared());
  const Revision first = bench.put("/compacted", "1");
  const Revision last = bench.put("/compacted", "2");
  shared().ctl({"compact", std::to_string(last)});
  const etcd::Range range{.key = "/compacted"};
  etcd::Watch watch(bench.client, range, first);
  Expected<etcd::Batch> batch = bench.run(watch.next());
  if (batch) batch = bench.run(watch.next());
  REQUIRE_FALSE(batch);
  CHECK(batch.error().kind == Kind::compacted);
  CHECK(batch.error().oldest == last);
  CHECK(bench.run(watch.next()).error().kind == Kind::compacted);
  const etcd::Range old{.key = "/compacted", .revision = first};
  CHECK(bench.run(bench.client.range(old)).error().kind == Kind::compacted);
}

TEST_CASE("etcd: many thousand changes come all, each revision once") {
  if (!Etcd::available()) return;
  Bench bench(shared());
  const Revision before = bench.put("/many/0", "before");
  constexpr int kCount = 3000;
  const auto put = [](Client& client, int number) -> Task<> {
    const etcd::Put each{.key = fmt::format("/many/{}", number % 100), .value = std::string(200, 'x')};
    const auto done = co_await client.put(each);
    REQUIRE(done);
  };
  constexpr int kAtOnce = 100;
  for (int i = 0; i < kCount; i += kAtOnce) {
    async::Tasks puts;
    for (int k = 0; k < kAtOnce; ++k) puts.start(put(bench.client, i + k));
    bench.loop.run();
  }
  const etcd::Range range{.key = "/many/", .end = etcd::prefix_end("/many/")};
  etcd::Watch watch(bench.client, range, before + 1);
  Revision last = before;
  for (int count = 0; count < kCount;) {
    const etcd::Batch batch = bench.get(watch.next());
    for (const etcd::Event& each : batch.events) {
      REQUIRE(each.now.modified == last + 1);
      last = each.now.modified;
    }
    REQUIRE(batch.seen == last);
    count += static_cast<int>(batch.events.size());
  }
}

TEST_CASE("etcd: where nobody answers, and where somebody else does") {
  if (!Etcd::available()) return;
  const auto [fd, silent] = async::testing::listening_socket();
  const auto [closed, nobody] = async::testing::listening_socket();
  ::close(closed);
  etcd::Settings settings;
  settings.each = 200ms;
  settings.patience = 600ms;
  settings.endpoints = {"http://" + silent.to_string(), "http://" + nobody.to_string()};
  const etcd::Range range{.key = "/a"};
  Bench bench(settings);
  const std::int64_t began = bench.loop.now();
  const auto failed = bench.run(bench.client.range(range));
  CHECK(bench.loop.now() - began < std::int64_t{2'000'000'000});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().kind == Kind::unreachable);
  CHECK_THAT(failed.error().text, Catch::StartsWith("http://127.0.0.1:"));
  etcd::Watch watch(bench.client, range, 1);
  CHECK(bench.run(watch.next()).error().kind == Kind::unreachable);
  settings.endpoints.push_back(shared().endpoint(0) + "/");
  Bench better(settings);
  CHECK(better.run(better.client.range(range)));
  CHECK(better.run(better.client.range(range)));
  CHECK(better.client.counts().requests == 4);
  CHECK(better.client.counts().failures == 2);
  ::close(fd);
}

TEST_CASE("etcd: a user's token is fetched once, and anew when it is no longer taken") {
  if (!Etcd::available()) return;
  Etcd etcd;
  etcd.ctl({"user", "add", "root:rootpw"});
  etcd.ctl({"user", "grant-role", "root", "root"});
  etcd.ctl({"role", "add", "swage"});
  etcd.ctl({"role", "grant-permission", "swage", "--prefix=true", "readwrite", "/swage/"});
  etcd.ctl({"user", "add", "u:s:er:p\"w"});
  etcd.ctl({"user", "grant-role", "u", "swage"});
  etcd.ctl({"auth", "enable"});
  etcd::Settings settings = settings_for(etcd);
  {
    Bench bench(settings);
    const etcd::Put put{.key = "/swage/a", .value = "1"};
    CHECK(bench.run(bench.client.put(put)).error().kind == Kind::denied);
    const etcd::Range range{.key = "/swage/a"};
    etcd::Watch watch(bench.client, range, 1);
    CHECK(bench.run(watch.next()).error().kind == Kind::denied);
  }
  settings.user = "u";
  settings.password = "wrong";
  {
    Bench bench(settings);
    const etcd::Put put{.key = "/swage/a", .value = "1"};
    const auto denied = bench.run(bench.client.put(put));
    CHECK(denied.error().kind == Kind::denied);
    CHECK(denied.error().text == etcd.endpoint(0) + ": etcdserver: authentication failed, invalid user ID or password");
  }
  settings.password = "s:er:p\"w";
  Bench bench(settings);
  const etcd::Range range{.key = "/swage/", .end = etcd::prefix_end("/swage/")};
  etcd::Watch watch(bench.client, range, 1);
  REQUIRE(bench.run(watch.next()));
  bench.put("/swage/a", "1");
  CHECK(bench.get(events(watch, 1)) == "/swage/a=1 ");
  const etcd::Put elsewhere{.key = "/elsewhere", .value = "1"};
  CHECK(bench.run(bench.client.put(elsewhere)).error().kind == Kind::denied);
  etcd.kill(0);  // with its tokens
  etcd.start(0);
  CHECK(bench.run(watch.next()).error().kind == Kind::unreachable);
  etcd.wait_for_leader();
  const auto put = [](Client& client, int number, int& done) -> Task<> {
    const etcd::Put each{.key = fmt::format("/swage/{}", number), .value = "1"};
    const auto result = co_await client.put(each);
    done += result ? 1 : 0;
  };
  int done = 0;
  const auto before = bench.client.counts();
  {
    async::Tasks puts;
    for (int i = 0; i < 20; ++i) puts.start(put(bench.client, i, done));
    bench.loop.run();
  }
  CHECK(done == 20);
  CHECK(bench.client.counts().requests - before.requests <= 20 + 20 + 1);
}

TEST_CASE("etcd: TLS, with a client certificate") {
  if (!Etcd::available()) return;
  const tests::Folder folder;
  const auto authority = async::testing::make_tls_identity("");
  const auto server = async::testing::make_tls_identity("IP:127.0.0.1,DNS:localhost", &authority);
  const auto stranger = async::testing::make_tls_identity("DNS:client");
  Etcd etcd({.certificate = folder.write("etcd.pem", server.certificate_pem),
             .key = folder.write("etcd.key", server.key_pem),
             .authorities = folder.write("authority.pem", authority.certificate_pem)});
  const auto client = async::testing::make_tls_identity("DNS:client", &authority);
  etcd::Settings settings = settings_for(etcd);
  settings.patience = 500ms;
  settings.authorities = folder.file("authority.pem");
  settings.certificate = folder.write("client.pem", client.certificate_pem);
  settings.key = folder.write("client.key", client.key_pem);
  {
    Bench bench(settings);
    const etcd::Range range{.key = "/a"};
    etcd::Watch watch(bench.client, range, 1);
    REQUIRE(bench.run(watch.next()));
    bench.put("/a", "1");
    CHECK(bench.get(events(watch, 1)) == "/a=1 ");
  }
  const auto refused = [](const etcd::Settings& with) {
    Bench bench(with);
    const etcd::Range range{.key = "/a"};
    const auto page = bench.run(bench.client.range(range));
    REQUIRE_FALSE(page);
    CHECK(page.error().kind == Kind::unreachable);
    return page.error().text.substr(page.error().text.find(": ") + 2);
  };
  settings.certificate = folder.write("stranger.pem", stranger.certificate_pem);
  settings.key = folder.write("stranger.key", stranger.key_pem);
  CHECK(!refused(settings).empty());
  settings.authorities = folder.file("stranger.pem");
  CHECK(refused(settings) == "SSL certificate problem: unable to get local issuer certificate");
}

TEST_CASE("etcd: a member goes, another one leads, and requests go on") {
  if (!Etcd::available()) return;
  Etcd etcd(3);
  Bench bench(etcd);
  const etcd::Range range{.key = "/a/", .end = etcd::prefix_end("/a/")};
  const Revision before = bench.put("/a/0", "before");
  etcd::Watch watch(bench.client, range, before + 1);  // at the first one
  REQUIRE(bench.run(watch.next()));
  etcd.kill(0);
  const auto ended = bench.run(watch.next());
  CHECK(ended.error().kind == Kind::unreachable);
  CHECK_THAT(ended.error().text, Catch::StartsWith(etcd.endpoint(0) + ": "));
  const Revision after = bench.put("/a/1", "after");  // whoever led: there may be no leader for a second
  CHECK(after == before + 1);
  etcd::Watch next(bench.client, range, before + 1);
  CHECK(bench.get(events(next, 1)) == "/a/1=after ");
  etcd.start(0);
  etcd.wait_for_leader();
  etcd.pause(etcd.leader());
  CHECK(bench.put("/a/2", "without") == after + 1);
}

TEST_CASE("etcd: without a quorum nothing is written, and a watch ends") {
  if (!Etcd::available()) return;
  Etcd etcd({.places = std::vector<tests::EtcdOptions::Place>(3),
             .arguments = {"--heartbeat-interval", "50", "--election-timeout", "500"}});
  etcd::Settings settings = settings_for(etcd);
  settings.endpoints.resize(1);
  settings.each = 1s;
  settings.patience = 2s;
  Bench bench(settings);
  const etcd::Range range{.key = "/a/", .end = etcd::prefix_end("/a/")};
  etcd::Watch watch(bench.client, range, bench.put("/a/0", "before") + 1);
  REQUIRE(bench.run(watch.next()));
  etcd.pause(1);
  etcd.pause(2);
  const auto ended = bench.run(watch.next());
  REQUIRE_FALSE(ended);
  CHECK(ended.error().text == etcd.endpoint(0) + ": etcdserver: no leader");
  CHECK(ended.error().kind == Kind::unavailable);
  const etcd::Put put{.key = "/a/1", .value = "lost"};
  CHECK_FALSE(bench.run(bench.client.put(put)).has_value());
  const etcd::Range old{.key = "/a/0", .serializable = true};
  CHECK(bench.get(bench.client.range(old)).found.at(0).value == "before");
  etcd.resume(1);
  etcd.resume(2);
  etcd.wait_for_leader();
  CHECK(bench.put("/a/2", "again") > 0);
}
