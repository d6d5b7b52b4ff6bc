#include "core/dns/name.h"

#include <vector>

#include "core/dns/name_text.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using dns::Name;

namespace {

std::string error_of(std::string_view text) {
  const Result<Name> name = Name::parse(text);
  return name ? "no error" : name.error().text();
}

}  // namespace

TEST_CASE("name: presentation format there and back") {
  struct Case {
    std::string text, printed;
    std::size_t size, labels;
  };
  const std::vector<Case> cases = {
      {".", ".", 1, 0},
      {"org", "org.", 5, 1},
      {"Example.ORG.", "Example.ORG.", 13, 2},
      {"a\\.b.c", "a\\.b.c.", 7, 2},
      {"\\065b", "Ab.", 4, 1},
      {"\\000\\255.x", "\\000\\255.x.", 6, 2},
      {"a\\\\b", "a\\\\b.", 5, 1},
      {"*.example", "*.example.", 11, 2},
      {"_4002._https.x", "_4002._https.x.", 16, 3},
      {"a\\ b", "a\\032b.", 5, 1},
  };
  for (const Case& each : cases) {
    INFO(each.text);
    const Result<Name> name = Name::parse(each.text);
    REQUIRE(name);
    CHECK(name->to_string() == each.printed);
    CHECK(name->size() == each.size);
    CHECK(name->view().label_count() == each.labels);
  }
}

TEST_CASE("name: places within an escape") {
  struct Case {
    std::string text, inside;  // places as letters
  };
  const std::vector<Case> cases = {
      {"a\\.b.", "c"}, {"\\\\\\.a.", "bd"}, {"\\\\.a.", "b"}, {"a\\032b.", "cde"}, {"\\\\032.", "b"},
      {"x\\\\", "c"},  {"x\\", "c"},        {"\\03", "bcd"},  {"abc.", ""},        {"", ""}};
  for (const auto& [text, inside] : cases) {
    INFO(text);
    std::string found;
    for (std::size_t at = 0; at <= text.size(); ++at) {
      if (dns::is_in_escape(text, at)) found += static_cast<char>('a' + at);
    }
    CHECK(found == inside);
  }
  CHECK(dns::is_in_escape("\\", 7));
}

TEST_CASE("name: what is not a valid name") {
  const std::string label63(63, 'x');
  CHECK(error_of("") == "a domain name cannot be empty");
  CHECK(error_of("a..b") == "empty label in domain name 'a..b'");
  CHECK(error_of(".a") == "empty label in domain name '.a'");
  CHECK(error_of(label63 + "x") == "label of more than 63 bytes in domain name '" + label63 + "x'");
  CHECK(error_of("a\\") == "'\\' at the end of domain name 'a\\'");
  CHECK(error_of("a\\25") == "'\\' needs three digits in domain name 'a\\25'");
  CHECK(error_of("a\\256") == "'\\256' is more than 255 in domain name 'a\\256'");
  const std::string longest = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'y');
  CHECK(Name::parse(longest)->size() == 255);
  CHECK(Name::parse(longest + ".")->size() == 255);
  CHECK(error_of(longest + "z") == "domain name of more than 255 bytes: '" + longest + "z'");
  CHECK(error_of(longest + ".z") == "domain name of more than 255 bytes: '" + longest + ".z'");
}

TEST_CASE("name: comparisons ignore the case of letters, and of nothing else") {
  const Name a = *Name::parse("WwW.eXample.org"), b = *Name::parse("www.example.org");
  CHECK(a == b);
  CHECK_FALSE(a.view().same_spelling(b));
  CHECK(a.lowercased().view().same_spelling(b));
  CHECK_FALSE(*Name::parse("a@b") == *Name::parse("a`b"));      // 0x40 and 0x60
  CHECK_FALSE(*Name::parse("a[b") == *Name::parse("a{b"));      // 0x5B and 0x7B
  CHECK_FALSE(*Name::parse("\\193") == *Name::parse("\\225"));  // 0xC1 and 0xE1
}

TEST_CASE("name: lower case, byte for byte, at every length") {
  for (std::size_t size = 1; size <= 63; ++size) {
    std::vector<std::uint8_t> wire = {static_cast<std::uint8_t>(size)};
    for (std::size_t i = 0; i < size; ++i) wire.push_back(static_cast<std::uint8_t>(i * 37 + size * 11));
    wire.push_back(0);
    const Name name = *Name::from_wire(wire);
    const Name lower = name.lowercased();
    for (std::size_t i = 0; i < wire.size(); ++i) {
      const std::uint8_t byte = wire[i];
      CHECK(lower.data()[i] == (i > 0 && byte >= 'A' && byte <= 'Z' ? byte + 32 : byte));
    }
  }
}

TEST_CASE("name: canonical order (RFC 4034 section 6.1)") {
  const std::vector<std::string> sorted = {"example",         "a.example",      "yljkjljk.a.example",
                                           "Z.a.example",     "zABC.a.EXAMPLE", "z.example",
                                           "\\001.z.example", "*.z.example",    "\\200.z.example"};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t j = 0; j < sorted.size(); ++j) {
      INFO(sorted[i] << " and " << sorted[j]);
      CHECK((*Name::parse(sorted[i]) <=> *Name::parse(sorted[j])) == (i <=> j));
    }
  }
}

TEST_CASE("name: zones and their names") {
  const Name zone = *Name::parse("example.org");
  CHECK(Name::parse("a.b.EXAMPLE.org")->view().is_under(zone));
  CHECK(zone.view().is_under(zone));
  CHECK_FALSE(Name::parse("org")->view().is_under(zone));
  CHECK_FALSE(Name::parse("badexample.org")->view().is_under(zone));
  CHECK_FALSE(Name::parse("a\\007example.org")->view().is_under(zone));  // the length byte inside of a label
  CHECK(zone.view().is_under(Name()));
  CHECK(zone.child(as_bytes("www"))->to_string() == "www.example.org.");
  CHECK_FALSE(zone.child({}));
}

TEST_CASE("name: wire format is checked") {
  const std::uint8_t good[] = {1, 'a', 0, 99};
  CHECK(Name::from_wire(good)->to_string() == "a.");
  const std::uint8_t no_end[] = {1, 'a', 3, 'b'};
  CHECK_FALSE(Name::from_wire(no_end));
  const std::uint8_t pointer[] = {1, 'a', 0xC0, 12};
  CHECK_FALSE(Name::from_wire(pointer));
  CHECK_FALSE(Name::from_wire({}));
}
