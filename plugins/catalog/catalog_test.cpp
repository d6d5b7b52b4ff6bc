#include "plugins/catalog/catalog.h"

#include <array>
#include <ctime>

#include <fmt/format.h>

#include "core/dns/serial.h"
#include "core/zone/all_records.h"
#include "core/zone/journal.h"
#include "core/zone/view.h"
#include "tests/support/log_capture.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::catalog {
namespace {

using tests::PluginHarness;

// Names zones, and serves none.
struct Names : Plugin, ZoneSource {
  std::vector<std::string> names;
  bool knows_all = true;

  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    return next(query, response);
  }
  std::optional<ZoneVersion> find(dns::NameView) const override { return {}; }
  void for_each(const std::function<void(const ZoneVersion&)>&) const override {}
  bool for_each_apex(const std::function<void(dns::NameView)>& visit) const override {
    for (const std::string& name : names) visit(*dns::Name::parse(name));
    return knows_all;
  }
};

Result<> setup_names(Controller& controller) {
  controller.once();
  auto names = std::make_unique<Names>();
  controller.block().zone_sources.push_back(names.get());
  controller.add(std::unique_ptr<const Plugin>(std::move(names)));
  return {};
}

Result<> setup_nothing(Controller& controller) {
  controller.once();
  return {};
}

constexpr std::array kPlugins = {PluginType{"transfer", &setup_nothing}, PluginType{"catalog", &setup},
                                 PluginType{"names", &setup_names}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

class Producer {
 public:
  explicit Producer(const std::string& block = "")
      : harness_(kPlugins, ". {\n transfer\n catalog c.test {\n" + block + " }\n names\n}") {}

  [[nodiscard]] PluginHarness& harness() { return harness_; }
  [[nodiscard]] Names& names() const { return const_cast<Names&>(dynamic_cast<const Names&>(source(1))); }
  [[nodiscard]] std::optional<ZoneVersion> version() const { return source(0).find(*dns::Name::parse("c.test")); }
  [[nodiscard]] std::uint32_t serial() const {
    const auto found = version();
    return found ? zone::View(found->image.bytes).serial() : 0;
  }
  // Looks once.
  std::string look() {
    tests::LoopHost host;
    std::string text = "not looked";
    host.loop().spawn(look(*this, host.loop(), text));
    host.loop().run();
    return text;
  }
  // "OWNER DATA;" of the records below "zones", without the catalog's name.
  [[nodiscard]] std::string members() const {
    std::string text;
    const auto found = version();
    if (!found) return "none";
    zone::AllRecords records(found->image.bytes);
    while (const auto record = records.next()) {
      std::string owner = record->owner.to_string();
      if (!owner.ends_with(".zones.c.test.")) continue;
      owner.resize(owner.size() - std::string_view(".zones.c.test.").size());
      const Bytes data = record->rdata;
      text += owner + " ";
      if (record->type == dns::Type::txt) text += as_text(data.subspan(1));
      if (record->type != dns::Type::txt) text += dns::NameView(data.data(), data.size()).to_string();
      text += ";";
    }
    return text;
  }

 private:
  static async::Task<> look(Producer& self, async::Loop& loop, std::string& text) {
    const Result<> looked = co_await dynamic_cast<CatalogService&>(self.harness_.service()).look(loop);
    text = looked ? "" : looked.error().text();
  }
  [[nodiscard]] const ZoneSource& source(std::size_t number) const {
    return *harness_.configuration().blocks[0]->settings.zone_sources.at(number);
  }

  PluginHarness harness_;
};

std::string label(std::string_view name) { return unique_label(*dns::Name::parse(name)); }

}  // namespace

TEST_CASE("catalog: setup") {
  CHECK(setup_error(". {\n transfer\n catalog c.test\n}") == "");
  CHECK(setup_error(". {\n catalog c.test {\n  zones a b\n  except b\n  group g\n  group h a\n  coo d.test\n }\n}") ==
        "");
  CHECK(setup_error(". {\n catalog\n}") == "Corefile:2: catalog: expected the name of a catalog zone after 'catalog'");
  CHECK(setup_error(". {\n catalog .\n}") == "Corefile:2: catalog: '.' is not the name of a catalog zone");
  CHECK(setup_error(". {\n catalog a b\n}") == "Corefile:2: catalog: unexpected 'b'; expected the end of the line");
  CHECK(setup_error("org {\n catalog c.test\n}") ==
        "Corefile:2: catalog: c.test. is in no zone of the server block: add it to the block's zones");
  CHECK(setup_error(". {\n catalog c.test {\n  zones\n }\n}") == "Corefile:3: catalog: expected zones after 'zones'");
  CHECK(setup_error(". {\n catalog c.test {\n  group\n }\n}") ==
        "Corefile:3: catalog: expected the name of a group after 'group'");
  CHECK(setup_error(". {\n catalog c.test {\n  group " + std::string(256, 'g') + "\n }\n}") ==
        "Corefile:3: catalog: group: a group has 1 to 255 bytes");
  CHECK(setup_error(". {\n catalog c.test {\n  coo C.test\n }\n}") ==
        "Corefile:3: catalog: coo: c.test. has them already");
  CHECK(setup_error(". {\n catalog c.test\n catalog C.test\n}") ==
        "Corefile:3: catalog: c.test. stands in a 'catalog' before");
  const std::string long_name = std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + ".";
  CHECK(setup_error(". {\n catalog " + long_name + std::string(15, 'd') + "\n}") == "");
  CHECK(setup_error(". {\n catalog " + long_name + std::string(16, 'd') + "\n}") ==
        "Corefile:2: catalog: the name of a catalog has 209 bytes at most");
}

TEST_CASE("catalog: the serial rises when members come and go, and not otherwise") {
  Producer producer;
  producer.names().names = {"b.org", "a.org", "b.org"};
  CHECK(producer.look() == "");
  CHECK(producer.members() == fmt::format("{} a.org.;{} b.org.;", label("a.org"), label("b.org")));
  const std::uint32_t first = producer.serial();
  CHECK(static_cast<std::uint32_t>(std::time(nullptr)) - first < 1000);
  CHECK(producer.look() == "");
  producer.names().names = {"a.org", "b.org"};
  CHECK(producer.look() == "");
  CHECK(producer.serial() == first);
  producer.names().names = {"b.org", "c.org"};
  CHECK(producer.look() == "");
  const std::uint32_t second = producer.serial();
  CHECK(dns::serial_after(second, first));
  const auto version = producer.version();
  const auto changes = zone::Journal(version->journal.bytes).between(first, second);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].removed().left() == 2);  // the SOA and a member
  CHECK(changes[0].added().left() == 2);
  producer.names().names = {};
  CHECK(producer.look() == "");
  CHECK(producer.members() == "");
  CHECK(producer.harness().metrics_text().find("swage_catalog_members{catalog=\"c.test.\"} 0\n") != std::string::npos);
}

TEST_CASE("catalog: nothing is taken from secondaries because this server does not know better") {
  Producer producer;
  CHECK(producer.look() == "there are no zones; it is not made until there is one");
  CHECK(producer.harness().ask("c.test. SOA") == "error: catalog c.test. is not made yet");
  producer.names().names = {"a.org"};
  producer.names().knows_all = false;
  CHECK(producer.look() == "not all zones are known; it is not made until they are");
  producer.names().knows_all = true;
  CHECK(producer.look() == "");
  producer.names().names = {};
  producer.names().knows_all = false;
  CHECK(producer.look() == "not all zones are known; it stays as it was until they are");
  CHECK(producer.members() == label("a.org") + " a.org.;");
  producer.names().names = {"c.test", "b.org"};
  producer.names().knows_all = true;
  CHECK(producer.look() == "a zone of this name is served here, too; it stays as it was until that is another");
}

TEST_CASE("catalog: which zones, and their properties: the longest zone counts") {
  Producer producer(
      "  zones org net\n  except x.org\n  group all\n  group some a.org\n  group one b.a.org\n  coo d.test net\n");
  producer.names().names = {"a.org", "b.a.org", "x.org", "y.x.org", "com", "z.net"};
  CHECK(producer.look() == "");
  const std::string a = label("a.org"), b = label("b.a.org"), z = label("z.net");
  const std::string members = producer.members();
  INFO(members);
  for (const std::string& record : {a + " a.org.;", "group." + a + " some;", b + " b.a.org.;", "group." + b + " one;",
                                    z + " z.net.;", "group." + z + " all;", "coo." + z + " d.test.;"}) {
    CHECK(members.find(record) != std::string::npos);
  }
  CHECK(std::ranges::count(members, ';') == 7);
}

TEST_CASE("catalog: unique labels stay what they are for ever") {
  CHECK(label("example.org") == "640cf2756b8440ae2a68b531b69257ec");
}

TEST_CASE("catalog: of queries only that for the SOA record is answered; a name below it is the longest catalog's") {
  Producer producer;
  producer.names().names = {"a.org"};
  CHECK(producer.look() == "");
  CHECK(producer.harness().ask("c.test. SOA") ==
        fmt::format("NOERROR aa\nc.test. 0 IN SOA invalid. invalid. {} 3600 600 2147483646 0\n", producer.serial()));
  CHECK(producer.harness().ask("c.test. NS") == "REFUSED\n");
  CHECK(producer.harness().ask("version.c.test. TXT") == "REFUSED\n");
  CHECK(producer.harness().ask("c.test. DS") == "REFUSED\n");  // by the end of the chain
  CHECK(producer.harness().ask("test. SOA") == "REFUSED\n");
}

TEST_CASE("catalog: a service looks by itself; a problem is said once") {
  Producer producer;
  tests::LogCapture log;
  REQUIRE(producer.harness().prepare() == "");
  CHECK_FALSE(producer.harness().service().ready());
  std::string said;
  const auto looks =
      tests::run_steps(producer.harness().service(), [&] { return producer.members(); },
                       {{[] {}, [&] { return producer.harness().service().ready(); }},
                        {[&] { producer.names().names = {"a.org"}; }, [&] { return producer.serial() != 0; }}});
  CHECK(looks == std::vector<std::string>{"none", "none", label("a.org") + " a.org.;"});
  said = log.take();
  CHECK(said == fmt::format("[WARNING] plugin/catalog: c.test.: there are no zones; it is not made until there is one\n"
                            "[INFO] plugin/catalog: c.test.: serial {}, 1 member\n",
                            producer.serial()));
}

}  // namespace swage::plugins::catalog
