// swage keys, and what decides about the parent's DS records.
#include "core/signing/keys_command.h"

#include <ctime>
#include <filesystem>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "core/dnssec/key_folder.h"
#include "core/signing/key_service.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"

#include <catch2/catch.hpp>

namespace swage::signing {
namespace {

constexpr std::int64_t kStart = 1'800'000'000, kHour = 3600;
const dns::Name kZone = dns::Name::parse("example.org").value();

std::string run(std::vector<std::string> words, std::int64_t now = kStart) {
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());
  const CommandOutput output = run_keys_command(arguments, now);
  return fmt::format("{}{}{}", output.status == 0 ? "" : fmt::format("{}: ", output.status), output.text,
                     output.errors);
}

// The server's part, without a parent.
void serve(const tests::Folder& folder, std::int64_t now) {
  std::vector<std::string> warnings;
  const auto open = dnssec::KeyFolder::open(folder.path());
  REQUIRE(open->update(kZone, open->policy_of(kZone), now, {}, warnings).has_value());
}

std::string without_tag(std::string text, const std::string& tag) {
  for (std::size_t at = 0; (at = text.find(tag, at)) != std::string::npos;) text.replace(at, tag.size(), "TAG");
  return text;
}

std::string word(const std::string& text, int number) {
  std::istringstream words(text);
  std::string found;
  for (int i = 0; i <= number; ++i) words >> found;
  return found;
}

}  // namespace

TEST_CASE("swage keys: a key from its making to its successor") {
  const tests::Folder folder;
  const std::string made = run({"make", folder.path(), "Example.org", "ed25519"});
  const std::string tag = word(made, 3);
  CHECK(without_tag(made, tag) ==
        "example.org. CSK ED25519 TAG published, in all caches from 2027-01-15 10:05:00 UTC\n");
  CHECK(run({"list", folder.path()}) == made);
  CHECK(run({"list", folder.path(), "example.net"}) == "");
  CHECK(run({"make", folder.path(), "example.org"}) ==
        "1: swage keys make: example.org. has keys; 'swage keys roll' makes others\n");
  CHECK(run({"ds", folder.path(), "example.org"}) ==
        "1: swage keys ds: example.org.: no key is ready: its DS record would break the zone; see 'swage keys list'\n");
  CHECK(without_tag(run({"ds-seen", folder.path(), "example.org", tag}), tag) ==
        "1: swage keys ds-seen: example.org. has no key TAG whose DS record the parent should have\n");

  serve(folder, kStart + 26 * kHour);
  const std::string ds = run({"ds", folder.path(), "example.org"});
  const auto of_bind = tests::run(
      {.arguments = {"sh", "-c", fmt::format("dnssec-dsfromkey -a SHA-256 -a SHA-384 {}/K*.key", folder.path())}});
  REQUIRE(of_bind.has_value());
  CHECK(ds == *of_bind);
  CHECK(without_tag(run({"list", folder.path()}, kStart + 27 * kHour), tag) ==
        "example.org. CSK ED25519 TAG ready, waits for its DS record since 2027-01-16 10:00:00 UTC\n");
  CHECK(without_tag(run({"ds-seen", folder.path(), "example.org", tag}, kStart + 28 * kHour), tag) ==
        "example.org. CSK ED25519 TAG ds-published, active from 2027-01-17 14:00:00 UTC\n");
  CHECK(without_tag(run({"list", folder.path()}, kStart + 60 * kHour), tag) == "example.org. CSK ED25519 TAG active\n");

  CHECK(run({"roll", folder.path(), "example.org", "zsk"}) == "1: swage keys roll: example.org. has no zsk\n");
  const std::string next = run({"roll", folder.path(), "example.org", "csk"}, kStart + 60 * kHour);
  CHECK(without_tag(next, word(next, 3)) ==
        "example.org. CSK ED25519 TAG made, the server takes it on within a minute\n");
  CHECK(run({"roll", folder.path(), "example.org", "csk"}, kStart + 60 * kHour) ==
        "1: swage keys roll: example.org.: a roll is not over yet; see 'swage keys list'\n");
  serve(folder, kStart + 60 * kHour);
  CHECK(without_tag(run({"list", folder.path()}, kStart + 60 * kHour), tag)
            .starts_with("example.org. CSK ED25519 TAG retiring, until the parent has no DS record of it\n"));
}

TEST_CASE("swage keys: keys of BIND's tools are taken in") {
  const tests::Folder folder, other;
  const auto made = tests::run(
      {.arguments = {
           "sh", "-c",
           fmt::format("dnssec-keygen -q -K {0} -a 13 -f KSK example.org && dnssec-keygen -q -K {0} -a 13 example.org",
                       other.path())}});
  REQUIRE(made.has_value());
  const std::string ksk = other.file(word(*made, 0)), zsk = other.file(word(*made, 1));
  const std::int64_t now = ::time(nullptr);
  const std::string said = run({"import", folder.path(), ksk + ".key", zsk}, now);
  CHECK_THAT(said, Catch::Contains("example.org. KSK ECDSAP256SHA256 ") &&
                       Catch::Contains("example.org. ZSK ECDSAP256SHA256 ") &&
                       Catch::Contains(" ready, waits for its DS record"));
  CHECK_THAT(run({"import", folder.path(), ksk}, now), Catch::Contains("is in the folder already"));
  std::filesystem::remove(zsk + ".private");
  CHECK_THAT(run({"import", folder.path(), zsk}, now),
             Catch::StartsWith("1: swage keys import: ") && Catch::Contains("No such file"));
}

TEST_CASE("swage keys: words that are wrong") {
  const tests::Folder folder;
  CHECK(run({"--help"}).starts_with("swage keys: the keys of DNSSEC in a folder"));
  CHECK(run({}).starts_with("2: swage keys: the keys of DNSSEC in a folder"));
  CHECK(run({"roll!"}) == "2: swage keys: 'roll!' is not a command; see 'swage keys --help'\n");
  CHECK(run({"make", folder.path()}) == "2: swage keys make: expected DIR ZONE [ALGORITHM] [split]\n");
  CHECK(run({"make", folder.path(), "example.org", "RSAMD5"}) ==
        "1: swage keys make: 'RSAMD5' is neither an algorithm nor 'split'\n");
  CHECK(run({"roll", folder.path(), "example.org", "dsk"}) ==
        "1: swage keys roll: 'dsk' is not 'ksk', 'zsk' or 'csk'\n");
  CHECK(run({"list", folder.file("none")}) ==
        fmt::format("1: swage keys list: {}: No such file or directory\n", folder.file("none")));
}

TEST_CASE("parent: all nameservers have a DS, none has it, or nobody knows") {
  const auto key = dnssec::Key::generate(kZone, dnssec::Algorithm::ed25519, dnssec::kKsk);
  const auto other = dnssec::Key::generate(kZone, dnssec::Algorithm::ed25519, dnssec::kKsk);
  const auto ds = dnssec::ds_of(*key, dnssec::DsDigest::sha256), ds384 = dnssec::ds_of(*key, dnssec::DsDigest::sha384);
  const auto foreign = dnssec::ds_of(*other, dnssec::DsDigest::sha256);
  auto forged = ds, sha1 = ds;
  forged.back() ^= 1;
  sha1[3] = 1;
  using dnssec::DsSight;
  CHECK(sight_of(*key, {{ds}, {foreign, ds384}}) == DsSight::present);
  CHECK(sight_of(*key, {{ds}, {foreign}}) == DsSight::unknown);
  CHECK(sight_of(*key, {{}, {foreign}}) == DsSight::absent);
  CHECK(sight_of(*key, {{forged}}) == DsSight::absent);
  CHECK(sight_of(*key, {{sha1}}) == DsSight::present);
  CHECK(sight_of(*key, {{{1, 2, 3}}}) == DsSight::absent);
}

}  // namespace swage::signing
