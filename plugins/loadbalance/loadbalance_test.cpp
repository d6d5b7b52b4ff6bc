#include "plugins/loadbalance/loadbalance.h"

#include <sys/stat.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include <fmt/format.h>

#include "tests/support/log_capture.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"
#include "tests/support/zone_answers.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::Folder;
using tests::PluginHarness;
using namespace std::chrono_literals;

namespace {

constexpr std::array kPlugins = {PluginType{"loadbalance", &plugins::loadbalance::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

std::string line_error(std::string_view line) { return setup_error(fmt::format(". {{\n loadbalance {}\n}}", line)); }

// Answers with these records, written "TYPE DATA" or "TYPE OWNER DATA"; a leading '+' puts one in the additional
// section.
class Records {
 public:
  Records(std::initializer_list<std::string_view> lines) {
    for (std::string_view line : lines) {
      const bool additional = line.starts_with('+');
      if (additional) line.remove_prefix(1);
      const std::size_t blank = line.find(' ');
      Kept& kept = kept_.emplace_back();
      kept.additional = additional;
      kept.type = *dns::parse_type(line.substr(0, blank));
      std::string_view data = line.substr(blank + 1);
      if (const std::size_t second = data.find(' '); second != std::string_view::npos) {
        kept.owner = *dns::Name::parse(data.substr(0, second));
        data = data.substr(second + 1);
      }
      if (const auto address = IpAddress::parse(data)) {
        kept.data.assign(address->bytes().begin(), address->bytes().end());
      } else {
        const dns::Name name = *dns::Name::parse(data);
        if (kept.type == dns::Type::mx) kept.data = {0, 10};
        kept.data.insert(kept.data.end(), name.data(), name.data() + name.size());
      }
    }
  }

  [[nodiscard]] PluginHarness::Rest rest(dns::Rcode rcode = dns::Rcode::noerror) const {
    return [this, rcode](const Query&, Response& response) -> Result<Outcome> {
      response.rcode = rcode;
      for (const Kept& kept : kept_) {
        auto& section = kept.additional ? response.additional : response.answer;
        section.push_back({.owner = kept.owner, .type = kept.type, .ttl = 60, .rdata = kept.data});
      }
      return Outcome::send;
    };
  }

 private:
  struct Kept {
    dns::Name owner = *dns::Name::parse("www.example.org.");
    dns::Type type{};
    std::vector<std::uint8_t> data;
    bool additional = false;
  };
  std::vector<Kept> kept_;
};

std::string text(const dns::Record& record) {
  switch (record.type) {
    case dns::Type::a:
      return IpAddress::v4(record.rdata).to_string();
    case dns::Type::aaaa:
      return IpAddress::v6(record.rdata).to_string();
    default:
      return dns::to_string(record.type);
  }
}

std::string order(const std::vector<dns::Record>& records) {
  std::string all;
  for (const dns::Record& record : records) all += (all.empty() ? "" : " ") + text(record);
  return all;
}

// How often each order of the answer section comes, or of the additional one.
std::map<std::string, int> orders(PluginHarness& harness, int times, std::string_view question = "www.example.org. A",
                                  bool additional = false) {
  std::map<std::string, int> counts;
  for (int i = 0; i < times; ++i) {
    static_cast<void>(harness.ask(question));
    ++counts[order(additional ? harness.response().additional : harness.response().answer)];
  }
  return counts;
}

// How often each address is the first.
std::map<std::string, int> tops(PluginHarness& harness, int times, std::string_view question = "www.example.org. A") {
  std::map<std::string, int> counts;
  for (const auto& [all, count] : orders(harness, times, question)) counts[all.substr(0, all.find(' '))] += count;
  return counts;
}

// `count` is `share` of `times`, give or take five standard deviations.
bool is_about(int count, int times, double share) {
  const double expected = times * share;
  return std::abs(count - expected) < 5 * std::sqrt(expected * (1 - share));
}

std::string block(std::string_view arguments) { return fmt::format("example.org {{\n loadbalance {}\n}}", arguments); }

}  // namespace

TEST_CASE("loadbalance: setup") {
  for (const char* const line :
       {"", "round_robin", "weighted wfile", "weighted wf {\n reload 10s\n}", "weighted wf {\n reload 0s\n}",
        "weighted wf {\n prefer 10.0.0.0/8\n}", "round_robin {\n prefer 10.9.20.0/24 192.168.1.0/24\n prefer ::/0\n}",
        "{\n prefer 10.9.20.1\n}"}) {
    INFO(line);
    CHECK(line_error(line) == "");
  }
  CHECK(line_error("fleeb") == "Corefile:2: loadbalance: expected 'round_robin' or 'weighted', not 'fleeb'");
  CHECK(line_error("round_robin a") == "Corefile:2: loadbalance: unexpected 'a'; expected the end of the line");
  CHECK(line_error("weighted") == "Corefile:2: loadbalance: expected the path of a weight file after 'weighted'");
  CHECK(line_error("weighted a b") == "Corefile:2: loadbalance: unexpected 'b'; expected the end of the line");
  CHECK(line_error("weighted a {\n susu\n}") ==
        "Corefile:3: loadbalance: unknown property 'susu'; expected prefer, reload");
  CHECK(line_error("round_robin {\n reload 1s\n}") ==
        "Corefile:3: loadbalance: there is no file to read again without 'weighted'");
  CHECK(line_error("weighted a {\n reload a\n}").starts_with("Corefile:3: loadbalance: reload: 'a' is not a duration"));
  CHECK(line_error("weighted a {\n reload 30s a\n}") ==
        "Corefile:3: loadbalance: reload: unexpected 'a'; expected the end of the line");
  CHECK(line_error("{\n prefer\n}") == "Corefile:3: loadbalance: expected an address or a network after 'prefer'");
  CHECK(line_error("{\n prefer 10.0.0.0/8 10/8\n}") ==
        "Corefile:3: loadbalance: prefer: '10/8' is neither an address nor a network in CIDR notation");
  CHECK(line_error("\n loadbalance") == "Corefile:3: loadbalance: stands twice in a server block");
}

TEST_CASE("loadbalance: all orders of addresses are equally likely") {
  const Records records{"A 192.0.2.1", "A 192.0.2.2", "A 192.0.2.3"};
  PluginHarness harness(kPlugins, block(""), records.rest());
  constexpr int kTimes = 6000;
  const auto counts = orders(harness, kTimes);
  CHECK(counts.size() == 6);
  for (const auto& [all, count] : counts) {
    INFO(all << ": " << count);
    CHECK(is_about(count, kTimes, 1.0 / 6));
  }
}

TEST_CASE("loadbalance: CNAMEs come first, then what stays, addresses, and MX") {
  struct Case {
    Records records;
    std::vector<std::string_view> orders;
  };
  const Case cases[] = {
      {{"CNAME a", "CNAME b", "A 192.0.2.1"}, {"CNAME CNAME 192.0.2.1"}},
      {{"A 192.0.2.1", "MX a", "CNAME a"}, {"CNAME 192.0.2.1 MX"}},
      {{"MX a", "A 192.0.2.1", "TXT a", "AAAA ::2", "CNAME a", "MX b", "RRSIG a"},
       {"CNAME TXT RRSIG 192.0.2.1 ::2 MX MX", "CNAME TXT RRSIG ::2 192.0.2.1 MX MX"}},
      {{"TXT a", "SRV a"}, {"TXT SRV"}},
      {{"A 192.0.2.1"}, {"192.0.2.1"}},
      {{}, {""}},
  };
  for (const Case& test : cases) {
    PluginHarness harness(kPlugins, block("round_robin"), test.records.rest());
    const auto counts = orders(harness, 100);
    CHECK(counts.size() == test.orders.size());
    for (const std::string_view each : test.orders) {
      INFO(each);
      CHECK(counts.contains(std::string(each)));
    }
  }
}

TEST_CASE("loadbalance: MX records change places") {
  const Records records{"MX a", "MX b"};
  PluginHarness harness(kPlugins, block(""), records.rest());
  std::map<std::string, int> firsts;
  for (int i = 0; i < 100; ++i) {
    static_cast<void>(harness.ask("www.example.org. MX"));
    ++firsts[std::string(1, static_cast<char>(harness.response().answer[0].rdata[3]))];
  }
  CHECK(firsts.size() == 2);
}

TEST_CASE("loadbalance: in the additional section RRsets keep their places") {
  const Records records{"+A a.test 192.0.2.1", "+A a.test 192.0.2.2", "+AAAA a.test ::1", "+A b.test 192.0.2.3"};
  PluginHarness harness(kPlugins, block(""), records.rest());
  const auto counts = orders(harness, 100, "example.org. MX", true);
  CHECK(counts.size() == 2);
  CHECK(counts.contains("192.0.2.1 192.0.2.2 ::1 192.0.2.3"));
  CHECK(counts.contains("192.0.2.2 192.0.2.1 ::1 192.0.2.3"));
}

TEST_CASE("loadbalance: responses that are no answers stay as they are") {
  const Records records{"A 192.0.2.1", "A 192.0.2.2", "CNAME a"};
  PluginHarness harness(kPlugins, block(""), records.rest(dns::Rcode::nxdomain));
  CHECK(orders(harness, 50).size() == 1);
  PluginHarness dropping(kPlugins, block(""), [](const Query&, Response&) -> Result<Outcome> { return Outcome::drop; });
  CHECK(dropping.ask("www.example.org. A") == "drop");
}

TEST_CASE("loadbalance: preferred networks come first") {
  const Records records{"A 10.9.30.1",      "A 10.9.20.5",  "A 192.168.1.2", "A 10.10.0.1", "A 10.9.20.3",
                        "AAAA 2001:db8::1", "AAAA fd00::1", "MX a",          "TXT a",       "CNAME a"};
  PluginHarness harness(kPlugins, block("{\n prefer 2001:db8::/32 10.9.20.0/24\n prefer 10.9.30.0/24\n}"),
                        records.rest());
  for (const auto& [all, count] : orders(harness, 200)) {
    INFO(all);
    const bool one = all.starts_with("CNAME 2001:db8::1 10.9.20.5 10.9.20.3 10.9.30.1 ");
    const bool other = all.starts_with("CNAME 2001:db8::1 10.9.20.3 10.9.20.5 10.9.30.1 ");
    CHECK((one || other));
    CHECK(all.ends_with(" MX TXT"));
  }
}

TEST_CASE("loadbalance: the first address is chosen by weight") {
  const Folder folder;
  const std::string path =
      folder.write("weights", "www.example.org\n192.0.2.1 3\n192.0.2.2 1\n192.0.2.3 2\nother.test\n::1 4\n");
  constexpr int kTimes = 6000;
  SECTION("all have weights") {
    const Records records{"A 192.0.2.1", "A 192.0.2.2", "A 192.0.2.3"};
    PluginHarness harness(kPlugins, block("weighted " + path), records.rest());
    REQUIRE(harness.prepare() == "");
    auto counts = tops(harness, kTimes);
    CHECK(is_about(counts["192.0.2.1"], kTimes, 3.0 / 6));
    CHECK(is_about(counts["192.0.2.2"], kTimes, 1.0 / 6));
    CHECK(is_about(counts["192.0.2.3"], kTimes, 2.0 / 6));
    CHECK(orders(harness, 500).size() == 3);  // the others stay where they are
  }
  SECTION("others have weight 1") {
    const Records records{"A 192.0.2.9", "AAAA other.test ::2", "AAAA other.test ::1"};
    PluginHarness harness(kPlugins, block("weighted " + path), records.rest());
    REQUIRE(harness.prepare() == "");
    auto counts = tops(harness, kTimes, "www.example.org. SRV");
    CHECK(is_about(counts["::1"], kTimes, 4.0 / 6));
    CHECK(is_about(counts["192.0.2.9"], kTimes, 1.0 / 6));
    CHECK(is_about(counts["::2"], kTimes, 1.0 / 6));
  }
  SECTION("only for types that ask for addresses, and where there are some") {
    const Records records{"A 192.0.2.1", "A 192.0.2.2", "CNAME a"};
    PluginHarness harness(kPlugins, block("weighted " + path), records.rest());
    REQUIRE(harness.prepare() == "");
    CHECK(orders(harness, 50, "www.example.org. ANY").size() == 1);
    const Records none{"MX a", "CNAME b", "MX c"};
    PluginHarness without(kPlugins, block("weighted " + path), none.rest());
    CHECK(orders(without, 50, "www.example.org. A") == std::map<std::string, int>{{"MX CNAME MX", 50}});
  }
}

TEST_CASE("loadbalance: what is wrong with a weight file stops the start, but for a file that may come") {
  const Folder folder;
  const std::string path = folder.write("weights", "www.example.org\n192.0.2.1\n");
  const auto error = [&](const std::string& arguments) {
    const PluginHarness harness(kPlugins, block("weighted " + arguments));
    return harness.prepare();
  };
  CHECK(error(path) == "Corefile:2: " + path + ":2: expected a weight after the address '192.0.2.1'");
  tests::LogCapture log;
  CHECK(error(folder.file("none")) == "");
  CHECK(log.take() ==
        "[WARNING] plugin/loadbalance: " + folder.file("none") + " cannot be read yet: all weights are 1\n");
  CHECK(error(folder.file("none") + " {\n reload 0s\n}") ==
        "Corefile:2: " + folder.file("none") + ": No such file or directory");
  // Neither taken for an empty file, nor waited for.
  REQUIRE(mkfifo(folder.file("fifo").c_str(), 0600) == 0);
  for (const std::string& what : {folder.file("fifo"), folder.file("."), std::string("/dev/zero")}) {
    CAPTURE(what);
    CHECK(error(what) == "Corefile:2: " + what + ": is not a regular file");
  }
}

TEST_CASE("loadbalance: a weight file that changes is read again") {
  const Folder folder;
  const std::string path = folder.file("weights");
  const Records records{"A 192.0.2.1", "A 192.0.2.2"};
  PluginHarness harness(kPlugins, block("weighted " + path + " {\n reload 5ms\n}"), records.rest());
  const shm::Snapshot& weights = *harness.configuration().snapshots.begin()->second;
  const auto write = [&](std::string_view lines) {
    std::ofstream(folder.file("next")) << "www.example.org\n" << lines;
    std::filesystem::rename(folder.file("next"), path);
  };
  tests::LogCapture log;
  REQUIRE(harness.prepare() == "");
  CHECK(weights.bytes().empty());
  static_cast<void>(log.take());

  write("192.0.2.1 255\n");
  CHECK(tests::run_until(harness.service(), 10ms, [&] { return !weights.bytes().empty(); }));
  CHECK(log.take() == "[INFO] plugin/loadbalance: " + path + ": 1 weight\n");
  CHECK(tops(harness, 1000)["192.0.2.1"] > 900);

  write("192.0.2.1\n");
  std::string said;
  const auto says_something = [&] { return !(said = log.take()).empty(); };
  CHECK(tests::run_until(harness.service(), 10ms, says_something));
  CHECK(said == "[ERROR] plugin/loadbalance: " + path +
                    ":2: expected a weight after the address '192.0.2.1'; the weights stay as they were\n");
  CHECK(tops(harness, 1000)["192.0.2.1"] > 900);

  write("192.0.2.2 255\n# more\n192.0.2.9 1\n");
  said.clear();
  const auto is_well = [&] { return (said += log.take()).ends_with("again\n"); };
  CHECK(tests::run_until(harness.service(), 10ms, is_well));
  CHECK(said == "[INFO] plugin/loadbalance: " + path + ": 2 weights\n[INFO] plugin/loadbalance: " + path +
                    ": can be read again\n");
  CHECK(tops(harness, 1000)["192.0.2.2"] > 900);
}
