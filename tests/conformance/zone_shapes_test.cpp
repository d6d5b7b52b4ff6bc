// Zone files as other programs write them (tests/conformance/shapes/), read by swage, by BIND's named-compilezone and
// by ldns-read-zone: the records must be the same, one for one. Where they are not, the table below says why.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "core/whole_file.h"
#include "core/zonefile/reader.h"
#include "core/zonefile/record_parser.h"
#include "tests/support/loopback.h"
#include "tests/support/peers.h"
#include "tests/support/process.h"
#include "tests/support/zone_answers.h"

#include <fmt/format.h>
#include <ldns/ldns.h>  // defines bool and false as macros

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::tests {
namespace {

using Records = std::set<std::string>;

constexpr const char* kFolder = "tests/conformance/shapes";

struct Difference {
  std::string_view shape, reason;
};

// Of swage from BIND 9.18.
constexpr auto kFromBind = std::to_array<Difference>({
    {"byte-order-mark", "BIND takes the mark for a directive's or an owner's first letters"},
    {"form-feeds", "BIND takes a form feed for a letter; it is white space on every printer"},
    {"multiline-string", "BIND wants strings to end on their line; RFC 1035 section 5.1 lets quotes hold a line's end"},
    {"no-ns", "BIND refuses a zone without NS; swage serves it, with a warning"},
    {"ttl-mixed", "BIND gives an RRset the TTL that is written first, swage the lowest (RFC 2181 section 5.2)"},
});

// Of swage from ldns 1.8.
constexpr auto kFromLdns = std::to_array<Difference>({
    {"bind-generate", "ldns has no $GENERATE"},
    {"rfc2317", "ldns has no $GENERATE"},
    {"bind-include", "ldns has no $INCLUDE"},
    {"byte-order-mark", "ldns takes the mark for an owner"},
    {"form-feeds", "ldns takes a form feed for a letter"},
    {"mac-line-ends", "ldns takes a file without line feeds for one comment"},
    {"new-types", "ldns 1.8 does not know AMTRELAY and others"},
    {"multiline-string", "ldns makes a line's end in quotes a space"},
    {"odd-owners", "ldns prints a name that begins with @ in a way that it does not read"},
    {"origins", "ldns takes a relative $ORIGIN for an absolute one"},
    {"out-of-zone", "ldns-read-zone knows no zone, and prints all records"},
    {"owner-orders", "ldns wants the TTL before the class, and the class spelled IN"},
    {"parentheses", "ldns does not resolve parentheses inside of each other, after comments"},
    {"strings", "ldns takes quotes in a word for letters"},
    {"ttl-of-soa", "ldns does not take the SOA's minimum for the TTL of the SOA itself"},
    {"ttl-mixed", "ldns leaves the TTLs of an RRset as they are"},
    {"ttl-too-large", "ldns serves TTLs above 2147483647"},
});

// Refused by all three.
constexpr auto kRefused = std::to_array<std::string_view>({"windows-aging"});

std::string apex_of(std::string_view shape) {
  if (shape == "bind-generate" || shape == "rfc2317") return "2.0.192.in-addr.arpa.";
  return shape == "reverse-ipv6" ? "8.b.d.0.1.0.0.2.ip6.arpa." : "example.org.";
}

// A line of a peer as a record of ours: the spelling of the owner is free. By ldns, or by our own parser where that
// does not know the type.
std::string comparable(const std::string& line) {
  ldns_rr* rr = nullptr;
  std::vector<std::uint8_t> rdata;
  dns::Record record{};
  dns::Name owner;
  static zonefile::RecordParser parser;
  if (ldns_rr_new_frm_str(&rr, line.c_str(), 0, nullptr, nullptr) == LDNS_STATUS_OK) {
    ldns_buffer* wire = ldns_buffer_new(65535);
    REQUIRE(ldns_rr_rdata2buffer_wire(wire, rr) == LDNS_STATUS_OK);
    rdata.assign(ldns_buffer_begin(wire), ldns_buffer_current(wire));
    owner = *dns::Name::from_wire({ldns_rdf_data(ldns_rr_owner(rr)), ldns_rdf_size(ldns_rr_owner(rr))});
    record = {owner, dns::Type{static_cast<std::uint16_t>(ldns_rr_get_type(rr))}, dns::Class::in, ldns_rr_ttl(rr),
              rdata};
    ldns_buffer_free(wire);
    ldns_rr_free(rr);
  } else {
    const auto parsed = parser.parse(line);
    if (!parsed) return line + ": " + parsed.error().text();
    record = {parser.owner(), parser.type(), parser.rclass(), parser.ttl(), parser.rdata()};
  }
  owner = dns::Name(record.owner).lowercased();
  record.owner = owner;
  return record_text(record);
}

// `each` makes a line comparable.
Records records_of(const std::string& text, std::string (*each)(const std::string&)) {
  Records records;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at && text[at] != ';') records.insert(each(text.substr(at, end - at)));
    at = end + 1;
  }
  return records;
}

std::string with_lower_owner(const std::string& line) {
  std::string lower = line;
  std::transform(lower.begin(), lower.begin() + static_cast<std::ptrdiff_t>(lower.find(' ')), lower.begin(),
                 [](char c) { return static_cast<char>(dns::lower(static_cast<std::uint8_t>(c))); });
  return lower;
}

Records of_swage(const std::string& shape, std::string& error) {
  const dns::Name apex = *dns::Name::parse(apex_of(shape));
  zone::Builder builder(apex);
  const auto read = zonefile::read_file(fmt::format("{}/{}.zone", kFolder, shape), apex, builder);
  if (!read) {
    error = read.error().text();
    return {};
  }
  std::vector<std::uint64_t> image(builder.image_size() / 8);
  const MutableBytes bytes(reinterpret_cast<std::uint8_t*>(image.data()), image.size() * 8);
  builder.write(bytes);
  return records_of(records_text(bytes), with_lower_owner);
}

// Nothing where the peer refuses the file.
Records of_bind(const std::string& shape, const Folder& folder) {
  const std::string out = folder.file("bind");
  Command command{.arguments = {"named-compilezone", "-k", "ignore", "-i", "none", "-n", "ignore", "-r", "ignore", "-o",
                                out, apex_of(shape), shape + ".zone"},
                  .folder = kFolder};
  if (!run(command)) return {};
  return records_of(*read_whole_file(out, 1 << 20), comparable);
}

// It has no option for the zone's name.
Records of_ldns(const std::string& shape, const Folder& folder) {
  const std::string text = *read_whole_file(fmt::format("{}/{}.zone", kFolder, shape), 1 << 20);
  const std::string file = folder.write("ldns", fmt::format("$ORIGIN {}\n{}", apex_of(shape), text));
  const auto printed = run(Command{.arguments = {"ldns-read-zone", file}});
  return printed ? records_of(*printed, comparable) : Records{};
}

std::string joined(const Records& records) {
  std::string text;
  for (const std::string& record : records) text += record + "\n";
  return text;
}

void compare(const Records& swage, const Records& peer, std::span<const Difference> known, const std::string& shape) {
  const auto found = std::ranges::find(known, shape, &Difference::shape);
  if (found == known.end()) CHECK(joined(swage) == joined(peer));
  if (found == known.end()) return;
  INFO("explained, but there is no difference: " << found->reason);
  CHECK(swage != peer);
}

TEST_CASE("zone shapes: what swage reads is what BIND and ldns read") {
  const bool with_bind = have_peer("named-compilezone"), with_ldns = have_peer("ldns-read-zone");
  const Folder folder;
  unsigned shapes = 0;
  for (const auto& file : std::filesystem::directory_iterator(kFolder)) {
    if (file.path().extension() != ".zone") continue;
    const std::string shape = file.path().stem().string();
    INFO(shape);
    std::string error;
    const Records swage = of_swage(shape, error);
    const bool is_refused = std::ranges::find(kRefused, shape) != kRefused.end();
    INFO(error);
    CHECK(swage.empty() == is_refused);
    if (with_bind) compare(swage, of_bind(shape, folder), kFromBind, shape);
    if (with_ldns) compare(swage, of_ldns(shape, folder), kFromLdns, shape);
    ++shapes;
  }
  CHECK(shapes >= 40);
}

}  // namespace
}  // namespace swage::tests
