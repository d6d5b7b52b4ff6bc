#include "plugins/cache/cache.h"

#include <array>

#include <fmt/format.h>

#include "core/metrics/sums.h"
#include "core/plugin/fetched_answers.h"
#include "tests/support/dns_message.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using tests::PluginHarness;
using Refusal = dns::Later::Refusal;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kStart = 1'000 * kSecond;

// A plugin after `cache` whose answers are fetched, by the test.
class Fetching : public Service {
 public:
  Fetching(shm::Shared& memory, AnswerRoom room) : store(memory, room, {1, 2, 3}) {}
  Result<> prepare() override { return store.prepare(); }
  async::Task<Result<>> run(Host&) override { co_return Result<>(); }

  AnswerStore store;
};

class Fetched : public Plugin {
 public:
  Fetched(Controller& controller, const shm::Shared& memory) : answers_(memory, controller.fetch("test")) {}
  Result<Outcome> serve(const Query& query, Response& response, Next) const override {
    return answers_.serve(query, response);
  }

 private:
  FetchedAnswers answers_;
};

Result<> setup_fetched(Controller& controller) {
  controller.once();
  shm::Shared& memory = controller.shared("answers");
  controller.add(std::make_unique<const Fetched>(controller, memory));
  controller.add(std::make_unique<Fetching>(memory, controller.block().answer_room));
  return {};
}

constexpr std::array kPlugins = {PluginType{"cache", &plugins::cache::setup}, PluginType{"fetched", &setup_fetched}};

std::string setup_error(std::string_view directive) {
  return PluginHarness::setup_error(kPlugins, fmt::format("example.org {{\n {}\n}}", directive));
}

struct Bench {
  explicit Bench(std::string_view directive)
      : harness(kPlugins, fmt::format("example.org {{\n {}\n fetched\n}}", directive)) {
    REQUIRE(harness.prepare().empty());
    at(0);
  }

  // The next queries come so many seconds after the start.
  void at(double seconds) {
    harness.arrival.received = kStart + static_cast<std::int64_t>(seconds * static_cast<double>(kSecond));
  }
  // What is asked was fetched a moment ago.
  void fetch(const std::string& name, const std::string& type, dns::Rcode rcode, const std::vector<dns::Record>& answer,
             const std::vector<dns::Record>& authority = {}, bool recursion_desired = true) {
    const dns::Name qname = *dns::Name::parse(name);
    dns::Response received;
    received.rcode = rcode;
    received.recursion_available = true;
    received.answer = answer;
    received.authority = authority;
    const FetchedKey key(FetchedQuestion{qname, *dns::parse_type(type), recursion_desired});
    auto& store = static_cast<Fetching&>(harness.service()).store;
    REQUIRE(store.put(as_text(key.bytes()), received, harness.arrival.received));
  }
  void fetch_address(std::uint32_t ttl, const std::string& name = "a.example.org.") {
    owner = *dns::Name::parse(name);
    fetch(name, "A", dns::Rcode::noerror, {{.owner = owner, .type = dns::Type::a, .ttl = ttl, .rdata = kAddress}});
  }
  void fetch_denial(std::uint32_t ttl, bool recursion_desired = true) {
    owner = *dns::Name::parse("example.org.");
    fetch("a.example.org.", "A", dns::Rcode::nxdomain, {},
          {{.owner = owner, .type = dns::Type::soa, .ttl = ttl, .rdata = kSoa}}, recursion_desired);
  }
  // It could not be.
  void fail() {
    const FetchedKey key(FetchedQuestion{*dns::Name::parse("a.example.org."), dns::Type::a});
    auto& store = static_cast<Fetching&>(harness.service()).store;
    REQUIRE(store.put_attempt(as_text(key.bytes()), harness.arrival.received));
  }
  // "NOERROR a.example.org. 60 IN A …" on one line, "later", "error".
  std::string ask(const std::string& question = "a.example.org. A") {
    std::string text = harness.ask(question + (recursion_desired ? " rd" : ""));
    std::ranges::replace(text, '\n', ' ');
    return text.substr(0, text.starts_with("later") || text.starts_with("error") ? 5 : text.size() - 1);
  }
  bool is_ahead() { return std::exchange(const_cast<Response&>(harness.response()).later.ahead, false); }

  static constexpr std::array<std::uint8_t, 4> kAddress = {192, 0, 2, 1};
  static constexpr std::array<std::uint8_t, 22> kSoa = {0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0,
                                                        0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 60};
  dns::Name owner;
  bool recursion_desired = true;  // of what is asked
  PluginHarness harness;
};

std::string address(unsigned ttl) { return fmt::format("NOERROR a.example.org. {} IN A 192.0.2.1", ttl); }

}  // namespace

TEST_CASE("cache: setup") {
  for (const char* const directive :
       {"cache", "cache 30", "cache 30 example.org", "cache a.example.org", "cache a.example.org 192.0.2.0/24",
        "cache {\n success 9984 30\n denial 9984 5\n prefetch 1\n}", "cache {\n success 5000 3600 60\n serve_stale\n}",
        "cache {\n serve_stale 24h verify\n}", "cache {\n serve_stale 24h immediate\n servfail 0\n}",
        "cache {\n serve_stale 1h immediate 30s 30s\n}", "cache {\n serve_stale 1h verify 100ms 30s 5m\n}",
        "cache {\n serve_stale_policy prefer_positive\n serve_stale 1h verify 0\n}",
        "cache {\n prefetch 10 1m 15%\n keepttl\n disable success example.org\n disable denial\n}"}) {
    INFO(directive);
    CHECK(setup_error(directive) == "");
  }
  const std::pair<const char*, const char*> wrong[] = {
      {"cache 0", "Corefile:2: cache: '0' is not a number from 1 to 2147483647"},
      {"cache {\n success\n}", "Corefile:3: cache: expected a number from 0 to 2147483647 after 'success'"},
      {"cache {\n denial 1000 0\n}", "Corefile:3: cache: denial: '0' is not a number from 1 to 2147483647"},
      {"cache {\n prefetch 1 1m 5%\n}", "Corefile:3: cache: prefetch: '5%' is not between 10% and 90%"},
      {"cache {\n prefetch 1 1m 50\n}", "Corefile:3: cache: prefetch: expected a percentage, such as 10%, not '50'"},
      {"cache {\n servfail 6m\n}", "Corefile:3: cache: servfail: '6m' is more than 5m"},
      {"cache {\n serve_stale 1h later\n}",
       "Corefile:3: cache: serve_stale: expected 'immediate' or 'verify', not 'later'"},
      {"cache {\n serve_stale 1h immediate 100ms\n}",
       "Corefile:3: cache: serve_stale: '100ms' is not a whole number of seconds"},
      {"cache {\n serve_stale 1h verify 1s 30s 6m\n}", "Corefile:3: cache: serve_stale: '6m' is more than 5m"},
      {"cache {\n serve_stale_policy prefer_negative\n}",
       "Corefile:3: cache: serve_stale_policy: expected 'prefer_positive', not 'prefer_negative'"},
      {"cache {\n serve_stale_policy prefer_positive\n}", "Corefile:2: cache: serve_stale_policy needs serve_stale"},
      {"cache {\n disable all\n}", "Corefile:3: cache: disable: expected 'success' or 'denial', not 'all'"},
      {"cache {\n keepttl on\n}", "Corefile:3: cache: keepttl: unexpected 'on'; expected the end of the line"},
      {"cache\n cache", "Corefile:3: cache: stands twice in a server block"},
  };
  for (const auto& [directive, error] : wrong) CHECK(setup_error(directive) == error);
}

TEST_CASE("cache: without it an answer is for those who waited") {
  Bench bench("");
  CHECK(bench.ask() == "later");
  bench.at(1);
  bench.fetch_address(3600);
  bench.at(0);
  CHECK(bench.ask() == address(3600));
  bench.at(1.001);
  CHECK(bench.ask() == "later");
}

TEST_CASE("cache: TTLs count down, between the bounds") {
  Bench bench("cache {\n success 1024 100 10\n denial 1024 50 20\n}");
  CHECK(bench.ask() == "later");
  bench.fetch_address(60);
  CHECK(bench.ask() == address(60));
  bench.at(59.5);
  CHECK(bench.ask() == address(1));
  CHECK(bench.ask("A.Example.ORG. A") == "NOERROR A.Example.ORG. 1 IN A 192.0.2.1");
  CHECK(bench.ask("a.example.org. AAAA") == "later");
  CHECK(bench.ask("a.example.org. A do") == "later");
  bench.at(60);
  CHECK(bench.ask() == "later");
  bench.fetch_address(5000);
  CHECK(bench.ask() == address(100));
  bench.fetch_address(0);
  CHECK(bench.ask() == address(10));
  bench.fetch_denial(3600);
  CHECK(bench.ask().starts_with("NXDOMAIN -- authority example.org. 50 IN SOA"));
  bench.fetch_denial(3);
  CHECK(bench.ask().starts_with("NXDOMAIN -- authority example.org. 20 IN SOA"));
  CHECK(bench.harness.response().options.empty());
}

TEST_CASE("cache: only of its zones, and of what is not disabled") {
  Bench bench("cache b.example.org a.example.org {\n disable denial\n disable success b.example.org\n}");
  for (const char* const name : {"a.example.org.", "b.example.org.", "c.example.org."}) bench.fetch_address(60, name);
  bench.at(1);
  CHECK(bench.ask("a.example.org. A") == address(59));
  CHECK(bench.ask("b.example.org. A") == "later");
  CHECK(bench.ask("c.example.org. A") == "later");
  bench.fetch_denial(60);
  CHECK(bench.ask().starts_with("NXDOMAIN"));
  bench.at(2);
  CHECK(bench.ask() == "later");
}

TEST_CASE("cache: keepttl") {
  Bench bench("cache {\n keepttl\n}");
  bench.fetch_address(60);
  bench.at(50);
  CHECK(bench.ask() == address(60));
  bench.at(61);
  CHECK(bench.ask() == "later");
}

TEST_CASE("cache: failures") {
  Bench bench("cache");
  bench.fetch("a.example.org.", "A", dns::Rcode::servfail, {});
  bench.at(4.9);
  CHECK(bench.ask("a.example.org. A do") == "later");
  CHECK(bench.ask("a.example.org. A") == "SERVFAIL");
  REQUIRE(bench.harness.response().options.size() == 1);
  CHECK(load_u16(bench.harness.response().options[0].data.data()) == 13);
  bench.at(5);
  CHECK(bench.ask() == "later");

  SECTION("others are for those who waited") {
    bench.fetch("a.example.org.", "A", dns::Rcode::refused, {});
    CHECK(bench.ask() == "REFUSED");
    bench.at(5.1);
    CHECK(bench.ask() == "later");
  }
  SECTION("an NXDOMAIN without SOA record, too") {
    bench.fetch("a.example.org.", "A", dns::Rcode::nxdomain, {});
    CHECK(bench.ask() == "NXDOMAIN");
    bench.at(5.1);
    CHECK(bench.ask() == "later");
  }
}

TEST_CASE("cache: what is too old, immediately") {
  Bench bench("cache {\n serve_stale 1h\n}");
  bench.fetch_address(60);
  bench.at(59);
  CHECK(bench.ask() == address(1));
  CHECK_FALSE(bench.is_ahead());
  bench.at(60);
  CHECK(bench.ask() == address(0));
  CHECK(bench.is_ahead());
  REQUIRE(bench.harness.response().options.size() == 1);
  CHECK(load_u16(bench.harness.response().options[0].data.data()) == 3);
  bench.at(3659);
  CHECK(bench.ask() == address(0));
  bench.at(3660);
  CHECK(bench.ask() == "later");
  bench.harness.refuse_later(Refusal::failed);
  CHECK(bench.ask() == "error");
}

TEST_CASE("cache: what is too old, where it cannot be fetched") {
  Bench bench("cache {\n serve_stale 1h verify\n}");
  bench.fetch_address(60);
  bench.at(100);
  CHECK(bench.ask() == "later");
  CHECK(bench.harness.response().later.patience == 1800);
  for (const Refusal why : {Refusal::failed, Refusal::late, Refusal::no_room}) {
    bench.harness.refuse_later(why);
    CHECK(bench.ask() == address(0));
    CHECK(bench.is_ahead() == (why == Refusal::late));
  }
  bench.harness.refuse_later(Refusal::none);
  bench.fetch("a.example.org.", "A", dns::Rcode::servfail, {});
  CHECK(bench.ask() == address(0));
  bench.fetch("a.example.org.", "A", dns::Rcode::refused, {});
  CHECK(bench.ask() == address(0));
  bench.at(106);
  CHECK(bench.ask() == "later");
}

TEST_CASE(
    "cache: what is too old is told with its own TTL, waited for as long as is said, and not tried for all the time") {
  Bench bench("cache {\n serve_stale 1h verify 100ms 30s 10s\n}");
  bench.fetch_address(60);
  bench.at(100);
  CHECK(bench.ask() == "later");
  CHECK(bench.harness.response().later.patience == 100);
  bench.harness.refuse_later(Refusal::failed);
  CHECK(bench.ask() == address(30));
  bench.harness.refuse_later(Refusal::none);
  bench.fail();
  for (const double at : {100.0, 109.9}) {
    bench.at(at);
    CHECK(bench.ask() == address(30));
    CHECK_FALSE(bench.is_ahead());
  }
  bench.at(110);
  CHECK(bench.ask() == "later");
  Bench immediate("cache {\n serve_stale 1h immediate 0s 10s\n}");
  immediate.fetch_address(60);
  immediate.at(100);
  CHECK(immediate.ask() == address(0));
  CHECK(immediate.is_ahead());
  immediate.fail();
  CHECK(immediate.ask() == address(0));
  CHECK_FALSE(immediate.is_ahead());
  Bench without("cache {\n serve_stale\n}");
  without.fetch_address(60);
  without.at(100);
  without.fail();
  CHECK(without.ask() == address(0));
  CHECK(without.is_ahead());
}

TEST_CASE("cache: an answer is preferred to what was said since, for as long as it may be told") {
  Bench bench("cache {\n serve_stale 1h verify\n serve_stale_policy prefer_positive\n}");
  bench.fetch_denial(60);
  CHECK(bench.ask().starts_with("NXDOMAIN"));
  bench.fetch_address(60);
  CHECK(bench.ask() == address(60));
  bench.at(30);
  bench.fetch_denial(60);
  CHECK(bench.ask() == address(30));
  bench.at(70);
  CHECK(bench.ask() == address(0));  // NXDOMAIN holds still: nobody is asked
  bench.at(90);
  CHECK(bench.ask() == "later");
  bench.fetch_denial(60);
  CHECK(bench.ask() == address(0));
  bench.at(3661);
  bench.fetch_denial(60);
  CHECK(bench.ask().starts_with("NXDOMAIN"));
  bench.fetch_address(60);
  CHECK(bench.ask() == address(60));
}

TEST_CASE("cache: what was said without recursion is told to none who desires it") {
  Bench bench("cache");
  bench.fetch_denial(60, false);
  CHECK(bench.ask() == "later");
  bench.recursion_desired = false;
  CHECK(bench.ask().starts_with("NXDOMAIN"));
  bench.fetch_address(60);
  CHECK(bench.ask() == address(60));
}

TEST_CASE("cache: prefetch") {
  Bench bench("cache {\n prefetch 3 10s 20%\n}");
  bench.fetch_address(100);
  bench.at(70);
  for (int i = 0; i < 3; ++i) {
    CHECK(bench.ask() == address(30));
    CHECK_FALSE(bench.is_ahead());
  }
  bench.at(85);  // the gap was too long
  for (const bool ahead : {false, false, true, true}) {
    CHECK(bench.ask() == address(15));
    CHECK(bench.is_ahead() == ahead);
  }
  bench.fetch_address(100);
  CHECK(bench.ask() == address(100));
  CHECK_FALSE(bench.is_ahead());
}

TEST_CASE("cache: what one process has stored, the next one has") {
  Bench bench("cache");
  bench.fetch_address(60);
  REQUIRE(bench.harness.prepare().empty());
  bench.at(1);
  CHECK(bench.ask() == address(59));
}

TEST_CASE("cache: the longest name") {
  Bench bench("cache");
  const std::string label(61, 'x');
  const std::string name = fmt::format("{0}.{0}.{0}.{1}.example.org.", label, std::string(55, 'y'));
  REQUIRE(dns::Name::parse(name)->size() == dns::kMaxName);
  bench.fetch_address(60, name);
  CHECK(bench.ask(name + " A").starts_with("NOERROR"));
}

TEST_CASE("cache: hits and misses are counted") {
  Bench bench("cache {\n serve_stale\n}");
  CHECK(bench.ask() == "later");
  bench.fetch_address(60);
  CHECK(bench.ask() == address(60));  // it had waited
  bench.at(1);
  CHECK(bench.ask() == address(59));
  bench.at(100);
  CHECK(bench.ask() == address(0));
  metrics::SheetReader sheet(bench.harness.configuration().metrics->memory());
  sheet.update();
  metrics::Sums sums;
  sums.add_trusted(sheet, metrics::Sums::Gauges::take);
  const std::string text = sums.text();
  const std::string labels = "zones=\"example.org.\",view=\"\",server=\"dns://:53\"";
  for (const std::string& line :
       {"requests_total{" + labels + "} 3", "misses_total{" + labels + "} 1", "served_stale_total{" + labels + "} 1",
        "prefetch_total{" + labels + "} 1", "hits_total{" + labels + ",type=\"success\"} 2"}) {
    INFO(text);
    CHECK(text.find("\ncoredns_cache_" + line + "\n") != std::string::npos);
  }
}
