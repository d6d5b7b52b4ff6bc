// Folders of keys, with BIND's tools as peers, and time that the test makes.
#include "core/dnssec/key_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/dnssec/key_life.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"

#include <catch2/catch.hpp>

namespace swage::dnssec {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kStart = 1'800'000'000, kDay = 86400;
const dns::Name kZone = dns::Name::parse("example.org").value();

// A folder whose time goes by as the test wants, and a parent that does what it is asked for.
class Life {
 public:
  explicit Life(Policy policy) : policy_(policy) {}

  Policy& policy() { return policy_; }
  [[nodiscard]] const tests::Folder& folder() const { return folder_; }
  [[nodiscard]] std::int64_t now() const { return now_; }
  [[nodiscard]] const KeyFolder::Updated& last() const { return last_; }

  void update(const KeyFolder::Sight& sight = {}) {
    std::vector<std::string> warnings;
    const auto folder = KeyFolder::open(folder_.path());
    REQUIRE(folder.has_value());
    auto updated = folder->update(kZone, policy_, now_, sight, warnings);
    INFO((updated ? "" : updated.error().text()));
    REQUIRE(updated.has_value());
    CHECK(warnings.empty());
    last_ = *std::move(updated);
  }
  // Until nothing is due any more; each step is checked by dnssec-verify.
  std::string play() {
    std::string diary;
    for (int steps = 0; steps < 60; ++steps) {
      update([this](const Key& key) { return ds_.contains(key.tag()) ? DsSight::present : DsSight::absent; });
      for (const auto& rdata : last_.in_force.cds) REQUIRE(rdata.size() == 4 + 32);
      if (!last_.in_force.cds.empty()) ds_.clear();
      for (const auto& rdata : last_.in_force.cds) ds_.insert(load_u16(rdata.data()));
      diary += summary();
      verify();
      const bool waits = std::ranges::any_of(
          last_.keys, [&](const ManagedKey& key) { return stage_of(key.life, policy_, now_) == Stage::ready; });
      if (!waits && last_.next_change == 0) return diary;
      now_ = waits ? now_ + kDay : last_.next_change;
    }
    return diary + "…";
  }
  void roll(bool ksk) {
    const auto folder = KeyFolder::open(folder_.path());
    const ManagedKey& newest = *std::ranges::find_if(
        last_.keys, [&](const ManagedKey& key) { return key.life.retire == 0 && (ksk ? key.life.ksk : key.life.zsk); });
    const WantedKey wanted{newest.life.ksk, newest.life.zsk, newest.life.algorithm};
    const auto made = make_key(kZone, wanted, policy_, now_, last_.keys);
    REQUIRE(made.has_value());
    REQUIRE(folder->write(*made, policy_, now_).has_value());
  }

 private:
  // "+0d CSK:published ": what has changed since the last time.
  std::string summary() {
    std::set<std::string> lines;  // in their order, since tags are random
    for (const ManagedKey& key : last_.keys) {
      const std::string stage(name_of(stage_of(key.life, policy_, now_)));
      std::string& known = stages_[key.stored.key.tag()];
      if (known == stage) continue;
      known = stage;
      lines.insert(fmt::format("{}h {}{}:{}\n", (now_ - kStart) / 3600, role_of(key.life),
                               static_cast<int>(key.life.algorithm), stage));
    }
    std::string text;
    for (const std::string& line : lines) text += line;
    return text;
  }

  // BIND signs a zone with what is in force, and verifies it: for each algorithm there are all signatures.
  void verify() {
    const tests::Folder work;
    if (last_.in_force.hidden > 0) return;  // what BIND's tool cannot do
    std::string text = "$TTL 60\n@ SOA ns mail 1 60 60 60 60\n@ NS ns\nns A 192.0.2.1\n", keys, ksks;
    for (std::size_t i = 0; i < last_.in_force.published.size(); ++i) text += "$INCLUDE" + name_of(i) + ".key\n";
    const std::string zone = work.write("zone", text);
    for (const std::size_t index : last_.in_force.sign_zone) keys += name_of(index);
    for (const std::size_t index : last_.in_force.sign_keys) ksks += " -k" + name_of(index);
    const std::string form = policy_.single ? "-z" : "", signers = policy_.single ? "" : ksks;
    const auto run =
        tests::run({.arguments = {"sh", "-c",
                                  fmt::format("cd {} && dnssec-signzone -q {} -P -o example.org -f signed{} "
                                              "{}{} && dnssec-verify -q {} -o example.org signed",
                                              work.path(), form, signers, zone, keys, form)}});
    INFO((run ? *run : run.error().text()));
    REQUIRE(run.has_value());
  }
  [[nodiscard]] std::string name_of(std::size_t index) const {
    return " " + folder_.path() + "/" + file_name(last_.in_force.published[index]);
  }
  static std::string_view name_of(Stage stage) { return dnssec::name_of(stage); }

  tests::Folder folder_;
  Policy policy_;
  std::int64_t now_ = kStart;
  KeyFolder::Updated last_;
  std::set<std::uint16_t> ds_;
  std::map<std::uint16_t, std::string> stages_;
};

}  // namespace

TEST_CASE("key folder: a CSK rolls") {
  Life life({});
  CHECK(life.play() == "0h CSK13:published\n25h CSK13:ready\n49h CSK13:ds-published\n75h CSK13:active\n");
  CHECK(fs::exists(life.folder().file("example.org.policy")));
  CHECK(life.last().in_force.cds.size() == 1);
  CHECK(life.last().in_force.cdnskey.size() == 1);
  const std::string first = file_name(life.last().keys[0].stored.key);
  const std::string times = *tests::run({.arguments = {"dnssec-settime", "-p", "all", life.folder().file(first)}});
  CHECK_THAT(times, Catch::Contains("SYNC Publish: "));
  life.roll(true);
  CHECK(life.play() ==
        "75h CSK13:published\n75h CSK13:retiring\n77h CSK13:ready\n101h CSK13:ds-published\n127h CSK13:active\n"
        "127h CSK13:removed\n129h CSK13:dead\n");
  CHECK(fs::exists(life.folder().file(first + ".private")));
}

TEST_CASE("key folder: KSK, ZSK and algorithm roll") {
  Policy policy;
  policy.single = false;
  Life life(policy);
  life.play();
  REQUIRE(life.last().keys.size() == 2);
  life.roll(false);
  CHECK(life.play() ==
        "75h ZSK13:published\n75h ZSK13:retiring\n77h ZSK13:active\n102h ZSK13:removed\n104h ZSK13:dead\n");
  life.policy().algorithm = Algorithm::ed25519;
  CHECK(life.play() ==
        "104h KSK13:retiring\n104h KSK15:made\n104h ZSK13:retiring\n104h ZSK15:presigning\n129h KSK15:published\n"
        "129h ZSK15:active\n131h KSK15:ready\n155h KSK15:ds-published\n181h KSK13:removed\n181h KSK15:active\n"
        "181h ZSK13:removed\n183h KSK13:dead\n208h ZSK13:dead\n");
}

TEST_CASE("key folder: BIND's keys are taken on, with and without its states") {
  const tests::Folder folder;
  const auto make = [&](const std::string& arguments) {
    const auto run = tests::run(
        {.arguments = {"sh", "-c", fmt::format("dnssec-keygen -q -K {} {} example.org", folder.path(), arguments)}});
    REQUIRE(run.has_value());
    return run->substr(0, run->size() - 1);
  };
  const auto lives = [&] {
    std::vector<std::string> warnings;
    const auto open = KeyFolder::open(folder.path());
    const auto keys = open->read(kZone, ::time(nullptr), warnings);
    INFO((keys ? "" : keys.error().text()));
    REQUIRE(keys.has_value());
    std::string text;
    for (const ManagedKey& key : *keys) {
      text += fmt::format("{} {:d}{:d}{:d}{:d}{:d} ", role_of(key.life), key.life.publish != 0, key.life.sign != 0,
                          key.life.submit != 0, key.life.ds_seen != 0, key.life.retire != 0);
    }
    return text;
  };
  const std::string csk = make("-a 13 -f KSK");
  CHECK(lives() == "CSK 11100 ");
  const std::string zsk = make("-a 13 -P now -A +1d");
  CHECK(lives().find("KSK 10100 ") != std::string::npos);
  CHECK(lives().find("ZSK 10000 ") != std::string::npos);
  fs::remove(folder.file(zsk + ".key"));
  // As named writes it.
  const std::string written = folder.write(
      csk + ".state",
      "; This is the state of key 1, for example.org.\nAlgorithm: 13\nLength: 256\nLifetime: 0\nKSK: yes\nZSK: yes\n"
      "Generated: 20250101000000 (Wed Jan  1 00:00:00 2025)\nPublished: 20250101000000 (Wed Jan  1 00:00:00 2025)\n"
      "Active: 20250101000000 (Wed Jan  1 00:00:00 2025)\nDNSKEYChange: 20250101020500 (x)\n"
      "ZRRSIGChange: 20250102010500 (x)\nKRRSIGChange: 20250101020500 (x)\nDSChange: 20250103000000 (x)\n"
      "DNSKEYState: omnipresent\nZRRSIGState: omnipresent\nKRRSIGState: omnipresent\nDSState: omnipresent\n"
      "GoalState: omnipresent\n");
  CHECK(lives() == "CSK 11110 ");
}

TEST_CASE("key folder: what is wrong is said") {
  const auto error = [](const auto& result) { return result ? "no error" : result.error().text(); };
  const tests::Folder folder;
  std::vector<std::string> warnings;
  CHECK(error(KeyFolder::open(folder.file("none"))) == folder.file("none") + ": No such file or directory");
  CHECK(error(KeyFolder::open(folder.write("file", ""))) == folder.file("file") + ": is not a folder");
  {
    const auto open = KeyFolder::open(folder.path());
    REQUIRE(open->update(kZone, {}, kStart, {}, warnings).has_value());
    CHECK(open->zones()->size() == 1);
    CHECK(open->policy_of(kZone).algorithm == Algorithm::ecdsap256sha256);
    const std::string left = folder.write(".Kleft.private.123456", "");
  }
  const auto open = KeyFolder::open(folder.path());
  CHECK_FALSE(fs::exists(folder.file(".Kleft.private.123456")));
  const std::string name = folder.file(file_name(open->read(kZone, kStart, warnings)->at(0).stored.key));
  const std::string state = tests::read_file(name + ".state");
  std::ofstream(name + ".state") << "KSK: yes\nGoalState: nowhere\n";
  CHECK(error(open->read(kZone, kStart, warnings)) == name + ".state: GoalState: expected 'omnipresent' or 'hidden'");
  std::ofstream(name + ".state") << state;
  fs::remove(name + ".private");
  CHECK_THAT(error(open->update(kZone, {}, kStart + 1, {}, warnings)),
             Catch::StartsWith("the private half of example.org. KSK "));
}

TEST_CASE("key folder: a dead key's files go after 90 days") {
  Life life({});
  life.play();
  life.roll(true);
  life.play();
  REQUIRE(life.last().keys.size() == 2);
  const std::string first = life.folder().file(file_name(life.last().keys[0].stored.key));
  std::vector<std::string> warnings;
  const auto later = [&](std::int64_t days) {
    REQUIRE(
        KeyFolder::open(life.folder().path())->update(kZone, {}, life.now() + days * kDay, {}, warnings).has_value());
  };
  later(89);
  CHECK(fs::exists(first + ".private"));
  later(91);
  CHECK_FALSE(fs::exists(first + ".private"));
  CHECK_FALSE(fs::exists(first + ".key"));
  CHECK_FALSE(fs::exists(first + ".state"));
}

}  // namespace swage::dnssec
