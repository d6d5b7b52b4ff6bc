// What changes between two versions of a zone: diff, apply, and the journal that keeps it.
#include "core/zone/change.h"

#include <algorithm>
#include <optional>
#include <random>
#include <sstream>

#include <fmt/format.h>

#include "core/zone/diff.h"
#include "core/zone/journal.h"
#include "core/zone/patch.h"
#include "core/zone/view.h"
#include "core/zonefile/reader.h"
#include "tests/support/zone_answers.h"
#include "tests/support/zone_generator.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::zone {
namespace {

using tests::TestZone;
using Block = std::vector<std::uint8_t>;
using Image = std::vector<std::uint64_t>;

constexpr std::string_view kApex = "example.";

std::string lines(Change::Records records) {
  std::string text;
  while (const auto record = records.next()) {
    text += fmt::format("{} {} {}\n", record->owner.to_string(), record->ttl, to_string(record->type));
  }
  return text;
}

std::string changes_of(std::string_view before, std::string_view after) {
  const TestZone old_zone(before, kApex), new_zone(after, kApex);
  const auto change = diff(old_zone.bytes(), new_zone.bytes());
  if (!change) return "nothing";
  const Change read(change->data());
  return fmt::format("{}-\n{}+{}\n{}", read.from(), lines(read.removed()), read.to(), lines(read.added()));
}

Result<Image> applied(Bytes image, std::span<const Change> changes) {
  Builder builder(*dns::Name::parse(kApex));
  TRY(apply(image, changes, builder));
  TRY(builder.finish());
  Image made((builder.image_size() + 7) / 8);
  builder.write({reinterpret_cast<std::uint8_t*>(made.data()), builder.image_size()});
  return made;
}

Bytes bytes_of(const Image& image) { return {reinterpret_cast<const std::uint8_t*>(image.data()), image.size() * 8}; }

bool same(const Result<Image>& image, Bytes other) {
  return image && image->size() * 8 == other.size() && std::memcmp(image->data(), other.data(), other.size()) == 0;
}

// The same by a Patch; nullopt where there is none.
Result<std::optional<Image>> patched(Bytes image, std::span<const Change> changes) {
  Builder part(*dns::Name::parse(kApex));
  TRY(const std::vector<dns::Name> names, apply_to_names(image, changes, part));
  if (!part.finish()) return std::nullopt;
  Image memory((part.image_size() + 7) / 8);
  const MutableBytes part_image(reinterpret_cast<std::uint8_t*>(memory.data()), part.image_size());
  part.write(part_image);
  const auto patch = Patch::make(image, part_image, names);
  if (!patch) return std::nullopt;
  Image made((patch->image_size() + 7) / 8);
  patch->write({reinterpret_cast<std::uint8_t*>(made.data()), patch->image_size()});
  return made;
}

constexpr std::string_view kOld =
    "@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\nns 60 A 192.0.2.2\n"
    "gone 60 TXT a\nttl 60 TXT x\nttl 60 MX 1 ns\nx.y 60 A 192.0.2.1\n";
constexpr std::string_view kNew =
    "@ 60 SOA ns host 2 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\nns 60 A 192.0.2.3\n"
    "ns 60 AAAA 2001:db8::1\nttl 90 TXT x\nttl 60 MX 1 ns\nx.y 60 A 192.0.2.1\nz 5 A 192.0.2.1\n";

TEST_CASE("zone change: removed and added, the SOA records first") {
  CHECK(changes_of(kOld, kNew) ==
        "1-\nexample. 60 SOA\ngone.example. 60 TXT\nns.example. 60 A\nttl.example. 60 TXT\n"
        "+2\nexample. 60 SOA\nns.example. 60 A\nns.example. 60 AAAA\nttl.example. 90 TXT\nz.example. 5 A\n");
  CHECK(changes_of(kOld, kOld) == "nothing");
  CHECK(changes_of("@ 60 SOA ns host 1 2 3 4 5\n", "@ 60 SOA ns host 2 2 3 4 5\n") ==
        "1-\nexample. 60 SOA\n+2\nexample. 60 SOA\n");
  CHECK(changes_of("@ 60 SOA ns host 1 2 3 4 5\n", "@ 61 SOA ns host 1 2 3 4 5\n") ==
        "1-\nexample. 60 SOA\n+1\nexample. 61 SOA\n");
  const TestZone before(kOld, kApex), after(kNew, kApex);
  const std::size_t size = diff(before.bytes(), after.bytes())->size();
  CHECK(diff(before.bytes(), after.bytes(), size));
  CHECK_FALSE(diff(before.bytes(), after.bytes(), size - 1));
}

TEST_CASE("zone change: of signed zones, with NSEC and NSEC3") {
  for (const char* const file : {"tests/support/zones/rfc4035.zone", "tests/support/zones/rfc5155.zone"}) {
    const TestZone whole = TestZone::from_file(file, kApex);
    const TestZone empty("@ 60 SOA ns host 1 2 3 4 5\n", kApex);
    for (const auto& [from, to] : {std::pair(&whole, &empty), std::pair(&empty, &whole)}) {
      const auto change = diff(from->bytes(), to->bytes());
      REQUIRE(change);
      const std::vector<Change> changes = {Change(change->data())};
      CHECK(same(applied(from->bytes(), changes), to->bytes()));
      CHECK(Change::check(*change));
    }
  }
}

// How an owner is spelled makes no difference, so here all is in lower case. A line in ten goes, or comes back if it
// was gone.
std::string edited(const std::vector<std::string>& all, std::vector<bool>& gone, std::uint32_t serial,
                   std::mt19937& random) {
  std::string text = fmt::format("@ 60 SOA ns host {} 2 3 4 5\n@ 60 NS ns\n", serial);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (random() % 10 == 0) gone[i] = !gone[i];
    if (!gone[i]) text += all[i] + "\n";
  }
  return text;
}

TEST_CASE("zone change: a chain of random versions, applied one by one and at once, is the zone") {
  std::mt19937 random(7);
  int patches = 0;
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    std::vector<std::string> all;
    std::istringstream text(tests::generate_zone(std::string(kApex), seed).text);
    for (std::string line; std::getline(text, line);) {
      std::ranges::transform(line, line.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
      if (line.find(" soa ") == std::string::npos) all.push_back(line);
    }
    std::vector<bool> gone(all.size());
    std::vector<TestZone> versions;
    std::vector<Block> blocks;
    std::vector<Change> changes;
    Image journal;
    std::size_t journal_size = 0;
    const auto journal_bytes = [&] { return Bytes(reinterpret_cast<std::uint8_t*>(journal.data()), journal_size); };
    for (std::uint32_t serial = 0xFFFFFFFA; serial != 15; ++serial) {  // goes around
      versions.emplace_back(edited(all, gone, serial, random), kApex);
      if (versions.size() == 1) continue;
      auto block = diff(versions[versions.size() - 2].bytes(), versions.back().bytes());
      REQUIRE(block);
      blocks.push_back(*std::move(block));
      changes.emplace_back(blocks.back().data());
      CHECK(
          same(applied(versions[versions.size() - 2].bytes(), std::span(&changes.back(), 1)), versions.back().bytes()));
      const auto by_patch = patched(versions[versions.size() - 2].bytes(), std::span(&changes.back(), 1));
      REQUIRE(by_patch);
      if (*by_patch) {
        ++patches;
        CHECK_FALSE(diff(bytes_of(**by_patch), versions.back().bytes()));
      }
      const JournalWriter writer(Journal(journal_bytes()), changes.back(), {.bytes = 1 << 20, .changes = 12});
      Image next((writer.size() + 7) / 8);
      writer.write({reinterpret_cast<std::uint8_t*>(next.data()), writer.size()});
      journal = std::move(next);
      journal_size = writer.size();
    }
    CHECK(same(applied(versions.front().bytes(), changes), versions.back().bytes()));
    const Journal kept(journal_bytes());
    CHECK(kept.count() == 12);
    const std::uint32_t last = versions.back().zone().serial();
    for (std::size_t i = 0; i < versions.size(); ++i) {
      const std::vector<Change> way = kept.between(versions[i].zone().serial(), last);
      CHECK(way.size() == (i + 1 == versions.size() || versions.size() - 1 - i > 12 ? 0 : versions.size() - 1 - i));
      if (!way.empty()) CHECK(same(applied(versions[i].bytes(), way), versions.back().bytes()));
      CHECK(kept.between(versions[i].zone().serial(), last + 1).empty());
    }
  }
  CHECK(patches > 0);
}

TEST_CASE("zone change: of the names that it has alone, and what does not fit is refused as well") {
  const TestZone before(kOld, kApex), after(kNew, kApex);
  const auto block = diff(before.bytes(), after.bytes());
  const std::vector<Change> changes = {Change(block->data())};
  const auto made = patched(before.bytes(), changes);
  REQUIRE((made && *made));
  CHECK(View::check(bytes_of(**made)));
  CHECK_FALSE(diff(bytes_of(**made), after.bytes()));
  CHECK(patched(after.bytes(), changes).error().text() == "a change from 1, where the zone has 2");
  std::string other(kOld);
  other.replace(other.find("gone"), 4, "here");
  CHECK(patched(TestZone(other, kApex).bytes(), changes).error().text() ==
        "gone.example. TXT is removed, and is not there");
  other = std::string(kOld) + "z 5 A 192.0.2.1\n";
  CHECK(patched(TestZone(other, kApex).bytes(), changes).error().text() ==
        "z.example. A is added, and is there already");
}

TEST_CASE("zone change: what does not fit the zone is refused") {
  const TestZone before(kOld, kApex), after(kNew, kApex);
  const auto block = diff(before.bytes(), after.bytes()), back = diff(after.bytes(), before.bytes());
  REQUIRE((block && back));
  const std::vector<Change> right = {Change(block->data()), Change(back->data())};
  CHECK(same(applied(before.bytes(), right), before.bytes()));
  const auto error = [&](std::string_view zone, std::vector<Change> changes) {
    const Result<Image> made = applied(TestZone(zone, kApex).bytes(), changes);
    return made ? "" : made.error().text();
  };
  CHECK(error(kNew, {right[0]}) == "a change from 1, where the zone has 2");
  CHECK(error(kOld, {right[0], right[0]}) == "a change from 1, where the zone has 2");
  std::string other(kOld);
  other.replace(other.find("gone"), 4, "here");
  CHECK(error(other, {right[0]}) == "gone.example. TXT is removed, and is not there");
  CHECK(error(std::string(kOld) + "z 5 A 192.0.2.1\n", {right[0]}) == "z.example. A is added, and is there already");
  CHECK(error(std::string(kOld) + "z 5 CNAME ns\n", {right[0]}).find("CNAME and other records") != std::string::npos);
  // Names on the way of a message may lose their spelling.
  std::string spelled(kOld);
  spelled.replace(spelled.find("ttl 60 MX 1 ns"), 14, "TTL 60 MX 1 NS");
  const auto other_block = diff(TestZone(spelled, kApex).bytes(), TestZone(kNew, kApex).bytes());
  REQUIRE(other_block);
  CHECK(error(kOld, {Change(other_block->data())}) == "");
}

TEST_CASE("zone change: bytes of a disk that are not a change are refused, and nothing is read past their end") {
  const auto block = diff(TestZone(kOld, kApex).bytes(), TestZone(kNew, kApex).bytes());
  REQUIRE(block);
  for (std::size_t size = 0; size < block->size(); ++size) {
    const Block cut(block->begin(), block->begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(Change::check(cut));
  }
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    Block changed = *block;
    for (int i = 0; i < 2; ++i) changed[random() % changed.size()] = static_cast<std::uint8_t>(random());
    const Result<Change> read = Change::check(changed);
    if (!read) continue;
    const std::vector<Change> changes = {*read};
    static_cast<void>(applied(TestZone(kOld, kApex).bytes(), changes));
  }
}

TEST_CASE("zone journal: what secondaries do not see") {
  const TestZone before(kOld, kApex), after(kNew, kApex);
  CHECK_FALSE(stays_unnoticed({}, before.bytes()));
  CHECK_FALSE(stays_unnoticed(before.bytes(), before.bytes()));
  CHECK_FALSE(stays_unnoticed(before.bytes(), after.bytes()));
  CHECK(stays_unnoticed(after.bytes(), before.bytes()));
  CHECK(stays_unnoticed(before.bytes(), TestZone(std::string(kOld) + "new 1 A 192.0.2.1\n", kApex).bytes()));
}

TEST_CASE("zone journal: it is bounded, and forgets what leads nowhere") {
  const auto soa = [](std::uint32_t serial) {
    static std::array<std::array<std::uint8_t, 22>, 20> rdata{};
    store_u32(&rdata[serial][2], serial);
    return ZoneRecord{dns::NameView(), dns::Type::soa, 60, rdata[serial]};
  };
  const auto change = [&](std::uint32_t from, std::uint32_t to) { return ChangeWriter(soa(from), soa(to)).finish(); };
  Image journal;
  std::size_t size = 0;
  const auto serials = [&](const Block& next, JournalWriter::Limits limits) {
    const Journal before(Bytes(reinterpret_cast<std::uint8_t*>(journal.data()), size));
    const JournalWriter writer(before, Change(next.data()), limits);
    Image made((writer.size() + 7) / 8);
    writer.write({reinterpret_cast<std::uint8_t*>(made.data()), writer.size()});
    size = writer.size();
    journal = std::move(made);
    std::string text;
    for (const Change& each : Journal(Bytes(reinterpret_cast<std::uint8_t*>(journal.data()), size)).changes()) {
      text += fmt::format("{}>{} ", each.from(), each.to());
    }
    return text;
  };
  const std::size_t one = change(1, 2).size();
  CHECK(serials(change(1, 2), {}) == "1>2 ");
  CHECK(serials(change(2, 3), {}) == "1>2 2>3 ");
  CHECK(serials(change(3, 4), {.bytes = 1000, .changes = 2}) == "2>3 3>4 ");
  CHECK(serials(change(4, 5), {}) == "2>3 3>4 4>5 ");
  CHECK(serials(change(5, 6), {.bytes = 16 + 2 * one, .changes = 100}) == "4>5 5>6 ");
  CHECK(serials(change(7, 8), {}) == "7>8 ");
  CHECK(serials(change(8, 9), {.bytes = one, .changes = 100}).empty());
  CHECK(serials(change(9, 10), {}) == "9>10 ");
  CHECK(serials(change(10, 9), {}).empty());
  CHECK(serials(change(9, 9), {}).empty());
}

}  // namespace
}  // namespace swage::zone
