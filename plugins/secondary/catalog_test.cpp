#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "core/shm/flat_map.h"
#include "plugins/secondary/budget.h"
#include "plugins/secondary/catalog_zone.h"
#include "plugins/secondary/member_set.h"
#include "plugins/secondary/secondary.h"
#include "tests/support/log_capture.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/zone_answers.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::secondary {
namespace {

using tests::Folder;
using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"secondary", &setup}};

constexpr std::string_view kStart = "$TTL 60\n@ SOA ns host 1 3600 600 86400 60\n@ NS invalid.\n";
constexpr std::string_view kVersion = "version TXT 2\n";

// The members, "NAME ID[ NEW-OWNER]" each, or the Error.
std::string members(const std::string& lines) {
  const tests::TestZone zone(std::string(kStart) + lines, "c.test.");
  const Result<CatalogMembers> read = read_catalog(zone.bytes());
  if (!read) return read.error().text();
  std::string text;
  for (const auto& [name, member] : *read) {
    text += fmt::format("{} {}{};", name.to_string(), member.id,
                        member.new_owner ? " " + member.new_owner->to_string() : "");
  }
  return text;
}

}  // namespace

TEST_CASE("catalog: members and their properties") {
  const std::string version(kVersion);
  CHECK(members(version) == "");
  CHECK(members(version + "Ab1.zones PTR One.test.\nx.zones PTR two.test.\n") == "one.test. ab1;two.test. x;");
  CHECK(members(version +
                "x.zones PTR one.test.\ncoo.x.zones PTR D.test.\ngroup.x.zones TXT blue\nprimaries.ext.x.zones A "
                "192.0.2.1\n") == "one.test. x d.test.;");
  CHECK(members("VERSION TXT 2\nx.ZONES PTR one.test.\n") == "one.test. x;");
  CHECK(members(version +
                "x.zones TXT one\ny.other PTR two.test.\na.b.zones PTR three.test.\ncoo.gone.zones PTR d.test.\n") ==
        "");
}

TEST_CASE("catalog: of a broken one nothing is believed") {
  const std::string version(kVersion);
  CHECK(members("x.zones PTR one.test.\n") == "it has no version");
  CHECK(members("version TXT 1\nx.zones PTR one.test.\n") == "its version is not \"2\"");
  CHECK(members("version TXT 2 2\n") == "its version is not \"2\"");
  CHECK(members(version + "version TXT 1\n") != "");
  CHECK(members(version + "x.zones PTR one.test.\nx.zones PTR two.test.\n") == "x.zones.c.test. has two PTR records");
  CHECK(members(version + "x.zones PTR one.test.\ny.zones PTR ONE.test.\n").ends_with("one.test. is a member twice"));
  CHECK(members(version + "x.zones PTR one.test.\ncoo.x.zones PTR d.test.\ncoo.x.zones PTR e.test.\n") ==
        "coo.x.zones.c.test. has two PTR records");
}

TEST_CASE("catalog: a name that comes again is another zone, and begins with nothing") {
  shm::Snapshot snapshot("members");
  MemberSet set(snapshot);
  const tests::TestZone zone(kStart, "one.test.");
  const std::string key = MemberSet::key(*dns::Name::parse("one.test."));
  auto member = set.add(key, {zone.bytes(), {}});
  REQUIRE(set.publish());
  REQUIRE_FALSE(shm::FlatMap(snapshot.bytes()).find(key).empty());
  member.reset();
  member = set.add(key);
  CHECK(member->image().bytes.empty());
  REQUIRE(set.publish());
  CHECK(member->image().bytes.empty());
  CHECK_FALSE(is_image(shm::FlatMap(snapshot.bytes()).find(key)));
}

TEST_CASE("catalog: files of zones that are gone are removed a few at a time, or where a zone has the name again") {
  const Folder folder;
  Budget budget;
  const auto left = [&] { return std::distance(std::filesystem::directory_iterator(folder.path()), {}); };
  for (int i = 0; i < 100; ++i) {
    REQUIRE(folder.write(std::to_string(i), "old") != "");
    budget.remove_later(folder.file(std::to_string(i)));
  }
  CHECK(left() == 100);
  CHECK(budget.claim(folder.file("50")));
  CHECK(left() == 99);
  static_cast<void>(folder.write("50", "new"));
  budget.remove_some();
  CHECK(left() > 1);
  for (int i = 0; i < 3; ++i) budget.remove_some();
  CHECK(left() == 1);
}

TEST_CASE("catalog: who has a zone that several want") {
  const Folder folder;
  const auto write = [&](const std::string& name, const std::string& lines) {
    static_cast<void>(folder.write(name + ".test.zone", std::string(kStart) + lines));
  };
  write("c", std::string(kVersion) +
                 "a.zones PTR one.test.\nb.zones PTR two.test.\ncoo.b.zones PTR d.test.\nc.zones PTR "
                 "own.test.\ne.zones PTR c.test.\n");
  write("d", std::string(kVersion) +
                 "a.zones PTR one.test.\nb.zones PTR two.test.\nd.zones PTR three.test.\ne.zones PTR private.test.\n");
  const auto write_kept = [&](const std::string& name, std::string_view title) {
    static_cast<void>(
        folder.write(name + ".test.zone", fmt::format("{0}{1}@ TXT {2}\nx TXT {2}\n", title, kStart, name)));
  };
  const std::string_view kept =
      "; a.test. serial 1: a secondary's copy, written by swage; its time is when a primary last confirmed it\n";
  for (const char* const name : {"one", "two", "three"}) write_kept(name, kept);
  for (const char* const name : {"own", "private"}) write_kept(name, "");
  const std::string common = " {\n  transfer from 127.0.0.1:1\n  directory " + folder.path() + "\n";
  PluginHarness harness(
      kPlugins, "test {\n secondary c.test d.test" + common + "  catalog\n }\n secondary own.test" + common + " }\n}");
  tests::LogCapture log;
  REQUIRE(harness.prepare() == "");
  const std::string said = log.take();
  INFO(said);
  for (const std::string name : {"one", "two", "three", "own"}) {
    CHECK(harness.ask("x." + name + ".test. TXT") == "NOERROR aa\nx." + name + ".test. 60 IN TXT \"" + name + "\"\n");
  }
  CHECK(harness.ask("c.test. SOA") == "REFUSED\n");
  const auto says = [&](const std::string& text) { return said.find(text) != std::string::npos; };
  CHECK(says("plugin/secondary: d.test.: the member one.test. is passed over: it is a member of c.test.\n"));
  CHECK(says("plugin/secondary: c.test.: two.test. is not a member any more\n"));  // it is d.test.'s
  CHECK_FALSE(says("two.test. is passed over"));
  CHECK(says("plugin/secondary: c.test.: the member own.test. is passed over: the Corefile has it\n"));
  CHECK(says("plugin/secondary: c.test.: the member c.test. is passed over: the Corefile has it\n"));
  CHECK(says("d.test.: the member private.test. is passed over: " + folder.file("private.test.zone") +
             " is there, and swage did not write it\n"));
  CHECK(harness.ask("x.private.test. TXT") == "REFUSED\n");
  CHECK(harness.configuration().services.size() == 2);  // and the server's own
}

}  // namespace swage::plugins::secondary
