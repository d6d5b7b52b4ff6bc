#include "core/dnssec/compact.h"

#include <algorithm>
#include <array>
#include <random>
#include <string>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::dnssec {
namespace {

using dns::Name;
using dns::NameView;
using dns::Type;

Name parse(std::string_view text) { return Name::parse(text).value(); }

// `label` before `below`, with labels in between that make the whole as long as `size`.
Name name_of(std::size_t size, std::string_view label, NameView below) {
  Name name(below);
  std::size_t left = size - below.size() - label.size() - 1;
  while (left > 0) {
    const std::size_t taken = left == 65 ? 63 : std::min<std::size_t>(left, 64);  // one octet is no label
    name = *name.child(as_bytes(std::string(taken - 1, 'x')));
    left -= taken;
  }
  return *name.child(as_bytes(label));
}

std::string next(const Name& name, std::string_view apex = "example.") {
  return successor(name, parse(apex)).to_string();
}

}  // namespace

TEST_CASE("compact: the successor of a name") {
  CHECK(next(parse("example.")) == "\\000.example.");
  CHECK(next(parse("WWW.Example.")) == "\\000.www.example.");
  CHECK(next(parse("."), ".") == "\\000.");
  CHECK(next(parse("*.example.")) == "\\000.*.example.");
}

TEST_CASE("compact: the successor of names that have no room for another label") {
  const Name apex = parse("example.");
  for (const std::string_view label : {"a", "ab", "a\xFF", "\xFF", "\xFF\xFF", "@", "z", "Z"}) {
    const Name n253 = name_of(253, label, apex), n254 = name_of(254, label, apex), n255 = name_of(255, label, apex);
    INFO(n255.to_string());
    REQUIRE((n253.size() == 253 && n254.size() == 254 && n255.size() == 255));
    CHECK(successor(n253, apex).size() == 255);
    CHECK(successor(n253, apex).view().parent() == n253);
    CHECK(successor(n254, apex).size() == 255);
    const Name after = successor(n255, apex);
    CHECK(NameView(n255) < NameView(after));
    CHECK(after.view().is_under(apex));
  }
  const Name at = name_of(255, "@", apex);
  CHECK(as_text(successor(at, apex).view().first_label()) == "[");  // A to Z are a to z
  const Name ff = name_of(255, "\xFF", apex);                       // nothing comes after it below its parent
  CHECK(as_text(successor(ff, apex).view().first_label()) ==
        std::string(as_text(ff.view().parent().first_label())) +
            (ff.view().parent().first_label().size() < 63 ? std::string(1, '\0') : ""));
}

TEST_CASE("compact: after the last name of all comes the apex") {
  const Name apex = parse("example.");
  Name last = apex;
  const std::string full(63, '\xFF');
  while (last.size() + 64 <= dns::kMaxName) last = *last.child(as_bytes(full));
  last = *last.child(as_bytes(std::string(dns::kMaxName - last.size() - 1, '\xFF')));
  REQUIRE(last.size() == dns::kMaxName);
  CHECK(successor(last, apex) == apex);
}

// No name that there can be is between a name and its successor.
TEST_CASE("compact: nothing is between a name and its successor") {
  std::mt19937 random(7);
  const Name apex = parse("e.");
  const std::array<std::uint8_t, 8> octets = {0, 1, '@', 'A', 'Z', 'z', 0xFE, 0xFF};
  const auto some_label = [&](std::size_t size) {
    std::string label;
    for (std::size_t i = 0; i < size; ++i) label += static_cast<char>(octets[random() % octets.size()]);
    return label;
  };
  for (int i = 0; i < 150; ++i) {
    const std::size_t size = 250 + random() % 6;
    Name name = apex;
    while (name.size() < size) {
      const std::size_t left = size - name.size();
      if (left < 2) break;
      const std::size_t most = std::min<std::size_t>(63, left - 1);
      name = *name.child(as_bytes(some_label(left <= 64 ? most : 1 + random() % most)));
    }
    const Name after = successor(name, apex);
    INFO(name.to_string() << " " << after.to_string());
    REQUIRE((after == apex || NameView(name) < NameView(after)));
    // Neighbours of both: other last octets, labels more and fewer.
    for (const Name& near : {name, after}) {
      for (NameView rest = near; rest != apex; rest = rest.parent()) {
        const std::string_view label = as_text(rest.first_label());
        for (const std::uint8_t octet : octets) {
          for (const std::string& changed :
               {std::string(label) + static_cast<char>(octet),
                std::string(label.substr(0, label.size() - 1)) + static_cast<char>(octet)}) {
            if (changed.size() > 63) continue;
            const auto candidate = Name(rest.parent()).child(as_bytes(changed));
            if (!candidate) continue;
            CHECK_FALSE(
                (NameView(name) < NameView(*candidate) && (after == apex || NameView(*candidate) < NameView(after))));
          }
        }
      }
    }
  }
}

TEST_CASE("compact: an NSEC record") {
  const auto apex = parse("example.");
  std::vector<Type> types = {Type::caa, Type::a, Type::nsec, Type::a, Type::rrsig, Type{65280}, Type::nxname};
  std::vector<std::uint8_t> rdata(nsec_room(types));
  rdata.resize(write_nsec(parse("A.example."), apex, types, rdata));
  const std::vector<std::uint8_t> expected = {
      1,   0,  1,    'a', 7, 'e', 'x', 'a',  'm', 'p', 'l', 'e', 0,                       // \000.a.example.
      0,   17, 0x40, 0,   0, 0,   0,   0x03, 0,   0,   0,   0,   0, 0, 0, 0, 0, 0, 0x80,  // A RRSIG NSEC NXNAME
      1,   1,  0x40,                                                                      // CAA
      255, 1,  0x80,                                                                      // TYPE65280
  };
  CHECK(rdata == expected);
  CHECK(std::ranges::is_sorted(usual_types()));
}

}  // namespace swage::dnssec
