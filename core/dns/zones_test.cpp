// Which zone a name is in, among few zones, which are compared one by one, and among many, which are hashed.
#include "core/dns/zones.h"

#include <array>
#include <string>

#include "core/dns/parse.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::dns;

namespace {

Name name(std::string_view text) { return *Name::parse(text); }

// The query for a name, out of its packet; the bytes must outlive it.
struct Asked {
  Asked(std::string_view text, Type type) {
    packet = {0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    const Name qname = name(text);
    packet.insert(packet.end(), qname.view().bytes().begin(), qname.view().bytes().end());
    for (const std::uint16_t field : {static_cast<std::uint16_t>(type), std::uint16_t{1}}) {
      packet.push_back(static_cast<std::uint8_t>(field >> 8));
      packet.push_back(static_cast<std::uint8_t>(field));
    }
    REQUIRE(parse(packet, query) == Parsed::query);
  }
  std::vector<std::uint8_t> packet;
  Query query;
};

}  // namespace

TEST_CASE("zones: the longest one, and for DS the one above, among few and among many") {
  const std::size_t others = GENERATE(0, 4, 5, 6, 40);
  ZoneTable<std::string> table;
  for (std::size_t i = 0; i < others; ++i) CHECK(table.add(name("z" + std::to_string(i) + ".test."), "other"));
  for (const char* const zone : {"b.a.example.", "example.", "a.example."}) CHECK(table.add(name(zone), zone));
  CHECK_FALSE(table.add(name("example."), "again"));

  struct Case {
    const char* qname;
    Type type;
    const char* zone;  // that answers; empty: none
  };
  for (const Case& each : std::initializer_list<Case>{{"example.", Type::a, "example."},
                                                      {"x.example.", Type::a, "example."},
                                                      {"a.example.", Type::a, "a.example."},
                                                      {"x.y.A.EXAMPLE.", Type::a, "a.example."},
                                                      {"b.a.example.", Type::a, "b.a.example."},
                                                      {"b.a.example.", Type::ds, "a.example."},
                                                      {"x.b.a.example.", Type::ds, "b.a.example."},
                                                      {"example.", Type::ds, "example."},
                                                      {"ba.example.", Type::a, "example."},
                                                      {"aexample.", Type::a, ""},
                                                      {"test.", Type::a, ""},
                                                      {".", Type::a, ""}}) {
    const Asked asked(each.qname, each.type);
    const std::string* const found = table.authority(asked.query);
    INFO(others << " others: " << each.qname);
    CHECK((found == nullptr ? "" : *found) == each.zone);
    const std::string* const accepted = table.authority(asked.query, [](const std::string&) { return true; });
    CHECK(found == accepted);
  }
}

TEST_CASE("zones: the root is the last resort") {
  ZoneTable<int> table;
  const Asked asked("x.example.", Type::a);
  CHECK(table.find(asked.query) == nullptr);
  CHECK(table.add(name("."), 1));
  REQUIRE(table.find(asked.query) != nullptr);
  CHECK(*table.find(asked.query) == 1);
}
