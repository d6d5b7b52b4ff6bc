// The life of keys: hand cases, and walks through time with caches that hold whatever they may.
#include "core/dnssec/rollover.h"

#include <random>
#include <set>
#include <string>

#include <fmt/format.h>

#include "core/dnssec/key_life.h"

#include <catch2/catch.hpp>

namespace swage::dnssec {
namespace {

using Ids = std::set<std::size_t>;

// A version of an RRset, or of all of them, that was served from one moment to another.
struct Version {
  std::int64_t until;  // the last moment at which it was served, so far
  Ids records, signers;
};

// A zone, its parent, and what caches may have of both.
class World {
 public:
  explicit World(const Policy& policy) : policy_(policy) {}

  Policy& policy() { return policy_; }
  [[nodiscard]] std::int64_t now() const { return now_; }
  [[nodiscard]] std::vector<KeyLife>& keys() { return keys_; }
  [[nodiscard]] std::int64_t next_change() const { return next_; }

  void pass(std::int64_t seconds) { now_ += seconds; }

  void look(bool at_parent) {
    std::vector<DsSight> sights;
    for (std::size_t i = 0; at_parent && i < keys_.size(); ++i) {
      sights.push_back(ds_.contains(i) ? DsSight::present : DsSight::absent);
    }
    Advance result = advance(keys_, policy_, now_, sights);
    for (int rounds = 0; !result.wanted.empty(); ++rounds) {
      REQUIRE(rounds < 3);
      for (const WantedKey& wanted : result.wanted) {
        keys_.push_back({.ksk = wanted.ksk, .zsk = wanted.zsk, .algorithm = wanted.algorithm, .created = now_});
      }
      result = advance(keys_, policy_, now_);
    }
    next_ = result.next_change;
    record();
  }

  // The operator has a successor made for each key of this kind.
  void roll(bool ksk) {
    for (KeyLife& key : keys_) {
      if (key.retire == 0 && (ksk ? key.ksk : key.zsk)) {
        keys_.push_back({.ksk = key.ksk, .zsk = key.zsk, .algorithm = key.algorithm, .created = now_});
        break;
      }
    }
  }

  // The parent reads the CDS records.
  void parent_looks() {
    const Submission asked = submission(keys_, policy_);
    if (asked.deletes) ds_.clear();
    if (!asked.keys.empty()) ds_ = Ids(asked.keys.begin(), asked.keys.end());
    record();
  }

  [[nodiscard]] bool is_settled() {
    for (const KeyLife& key : keys_) {
      const Stage stage = stage_of(key, policy_, now_);
      if (stage != Stage::dead && stage != Stage::active) return false;
    }
    return true;
  }

  // Empty, or what does not validate.
  [[nodiscard]] std::string fault() {
    forget();
    for (const Version& ds : parents_) {
      if (ds.records.empty()) continue;
      for (const Version& keys : dnskeys_) {
        for (const Version& zone : zones_) {
          if (const std::string why = fault(ds, keys, zone); !why.empty()) return why + "\n" + to_string();
        }
      }
    }
    return "";
  }

  [[nodiscard]] std::string to_string() const {
    std::string text = fmt::format("now {}\n", now_);
    for (const KeyLife& key : keys_) {
      text +=
          fmt::format("{}{} {} created {} publish {} sign {} submit {} seen {} retire {} gone {} stop {} remove {}\n",
                      key.ksk ? "K" : "", key.zsk ? "Z" : "", static_cast<int>(key.algorithm), key.created, key.publish,
                      key.sign, key.submit, key.ds_seen, key.retire, key.ds_gone, key.stop, key.remove);
    }
    return text;
  }

 private:
  static void add(std::vector<Version>& versions, std::int64_t now, Ids records, Ids signers) {
    if (!versions.empty()) versions.back().until = now;
    if (versions.empty() || versions.back().records != records || versions.back().signers != signers) {
      versions.push_back({now, std::move(records), std::move(signers)});
    }
  }
  void record() {
    Ids published, key_signers, zone_signers;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (keys_[i].is_published()) published.insert(i);
      if (keys_[i].is_published() && keys_[i].ksk) key_signers.insert(i);
      if (keys_[i].signs_zone()) zone_signers.insert(i);
    }
    add(dnskeys_, now_, published, key_signers);
    add(zones_, now_, {}, zone_signers);
    add(parents_, now_, ds_, {});
  }
  void forget() {
    const auto old = [this](std::vector<Version>& versions, std::int64_t wait) {
      std::erase_if(versions, [&](const Version& version) {
        return &version != &versions.back() && version.until + wait <= now_;
      });
    };
    old(dnskeys_, policy_.dnskey_ttl + policy_.propagation);
    old(zones_, policy_.zone_ttl + policy_.propagation);
    old(parents_, policy_.parent_ttl + policy_.parent_propagation);
  }

  // As the strictest of validators: a signature of each algorithm of the DS records and of the keys.
  std::string fault(const Version& ds, const Version& keys, const Version& zone) const {
    std::set<Algorithm> algorithms;
    for (const std::size_t id : ds.records) algorithms.insert(keys_[id].algorithm);
    for (const Algorithm algorithm : algorithms) {
      bool anchored = false;
      for (const std::size_t id : ds.records) {
        anchored = anchored || (keys_[id].algorithm == algorithm && keys.signers.contains(id));
      }
      if (!anchored) return fmt::format("no DNSKEY for a DS of algorithm {}", static_cast<int>(algorithm));
    }
    for (const std::size_t id : keys.records) algorithms.insert(keys_[id].algorithm);
    for (const Algorithm algorithm : algorithms) {
      bool is_signed = false;
      for (const std::size_t id : zone.signers) {
        is_signed = is_signed || (keys_[id].algorithm == algorithm && keys.records.contains(id));
      }
      if (!is_signed) return fmt::format("no signature of algorithm {}", static_cast<int>(algorithm));
    }
    return "";
  }

  Policy policy_;
  std::vector<KeyLife> keys_;
  Ids ds_;
  std::int64_t now_ = 1'000'000, next_ = 0;
  std::vector<Version> parents_, dnskeys_, zones_;
};

// Without safety margins: a step that is a second too early is one too many.
Policy tight(bool single) {
  Policy policy;
  policy.single = single;
  policy.dnskey_ttl = 50;
  policy.zone_ttl = 70;
  policy.propagation = 20;
  policy.parent_ttl = 90;
  policy.parent_propagation = 30;
  policy.safety = 0;
  return policy;
}

// Second by second where something is due, with a parent that looks often, until nothing changes any more.
void settle(World& world) {
  for (int rounds = 0; rounds < 200; ++rounds) {
    world.look(true);
    world.parent_looks();
    REQUIRE(world.fault() == "");
    if (world.is_settled()) return;
    world.pass(7);
  }
  FAIL("does not settle\n" << world.to_string());
}

// What is written of a life is read again as it was.
void check_files(World& world) {
  static const Key kKeys[] = {*Key::generate(dns::Name(), Algorithm::ecdsap256sha256, kKsk),
                              *Key::generate(dns::Name(), Algorithm::ed25519, kKsk)};
  for (const KeyLife& life : world.keys()) {
    const Key& key = kKeys[life.algorithm == Algorithm::ed25519 ? 1 : 0];
    KeyLife expected = life;
    expected.algorithm = key.algorithm();
    const std::string text = life_text(key, life, world.policy(), world.now());
    const auto read = parse_life(text, key);
    INFO(text << world.to_string());
    REQUIRE(read.has_value());
    REQUIRE(*read == expected);
  }
}

// What happens to the keys, each event once, with seconds since the start.
class Diary {
 public:
  explicit Diary(World& world) : world_(world), start_(world.now()) {
    write();
    text_.clear();
  }

  // Until nothing is due any more; the parent takes what it is asked for `delay` after that.
  std::string run(std::int64_t delay) {
    for (int rounds = 0; rounds < 100; ++rounds) {
      world_.look(true);
      write();
      REQUIRE(world_.fault() == "");
      if (world_.is_settled()) return text_;
      const bool asks = submits();
      world_.pass(asks ? delay : world_.next_change() - world_.now());
      if (asks) world_.parent_looks();
    }
    return text_ + "…";
  }

 private:
  bool submits() {
    for (const std::size_t i : submission(world_.keys(), world_.policy()).keys) {
      if (world_.keys()[i].ds_seen == 0) return true;
    }
    return false;
  }
  void write() {
    for (std::size_t i = 0; i < world_.keys().size(); ++i) {
      const Stage stage = stage_of(world_.keys()[i], world_.policy(), world_.now());
      if (stages_.size() <= i) stages_.resize(i + 1, Stage::made);
      if (stages_[i] == stage) continue;
      stages_[i] = stage;
      text_ += fmt::format("{} {}:{} ", world_.now() - start_, i, name_of(stage));
    }
  }

  World& world_;
  std::int64_t start_;
  std::vector<Stage> stages_;
  std::string text_;
};

}  // namespace

TEST_CASE("rollover: a first CSK, and the next one") {
  World world(tight(true));
  // Key wait 70, zone wait 90, parent wait 120.
  CHECK(Diary(world).run(10) == "0 0:published 90 0:ready 100 0:ds-published 220 0:active ");
  world.roll(true);
  CHECK(Diary(world).run(10) ==
        "0 0:retiring 0 1:published 70 1:ready 80 1:ds-published 200 0:removed 200 1:active 270 0:dead ");
}

TEST_CASE("rollover: KSK and ZSK") {
  World world(tight(false));
  CHECK(Diary(world).run(10) == "0 0:published 0 1:active 90 0:ready 100 0:ds-published 220 0:active ");
  SECTION("a ZSK is published before it signs") {
    world.roll(false);
    CHECK(Diary(world).run(10) == "0 1:retiring 0 2:published 70 2:active 160 1:removed 230 1:dead ");
  }
  SECTION("a KSK signs beside its predecessor until its DS is everywhere") {
    world.roll(true);
    CHECK(Diary(world).run(10) ==
          "0 0:retiring 0 2:published 70 2:ready 80 2:ds-published 200 0:removed 200 2:active 270 0:dead ");
  }
  SECTION("a new algorithm signs before it is published, and the old one after") {
    world.policy().algorithm = Algorithm::ed25519;
    CHECK(Diary(world).run(10) ==
          "0 0:retiring 0 1:retiring 0 3:presigning 90 2:published 90 3:active 160 2:ready 170 2:ds-published "
          "290 0:removed 290 1:removed 290 2:active 360 0:dead 450 1:dead ");
  }
  SECTION("to one key that is both, and to none") {
    world.policy().single = true;
    CHECK(
        Diary(world).run(10) ==
        "0 0:retiring 0 1:retiring 0 2:published 70 2:ready 80 2:ds-published 160 1:removed 200 0:removed 200 2:active "
        "230 1:dead 270 0:dead ");
    world.policy().secure = false;
    world.look(true);
    CHECK(submission(world.keys(), world.policy()).deletes);
    CHECK(submission(world.keys(), world.policy()).keys.empty());
    world.pass(500);
    world.look(true);
    CHECK(world.keys()[2].is_published());  // the DS is still there
    world.parent_looks();
    world.look(true);
    world.pass(119);
    world.look(true);
    CHECK(world.keys()[2].signs_zone());
    world.pass(1);
    world.look(true);
    CHECK_FALSE(world.keys()[2].is_published());
    CHECK_FALSE(world.keys()[2].signs_zone());
    CHECK_FALSE(submission(world.keys(), world.policy()).deletes);
  }
}

TEST_CASE("rollover: a successor is made in time") {
  Policy policy = tight(false);
  policy.zsk_lifetime = 1000;
  World world(policy);
  settle(world);
  const std::int64_t created = world.keys()[1].created;
  while (world.keys().size() == 2) {
    REQUIRE(world.next_change() > world.now());
    world.pass(world.next_change() - world.now());
    world.look(true);
  }
  CHECK(world.now() - created == 1000 - policy.key_wait());
  settle(world);
  CHECK(world.keys()[2].sign - created <= 1000 + 7);
}

TEST_CASE("rollover: without a word of the parent nothing is given up") {
  World world(tight(true));
  settle(world);
  world.roll(true);
  for (int i = 0; i < 100; ++i) {
    world.look(false);
    world.pass(1000);
  }
  CHECK(stage_of(world.keys()[1], world.policy(), world.now()) == Stage::ready);
  CHECK(world.keys()[0].is_published());
  CHECK(submission(world.keys(), world.policy()).keys == std::vector<std::size_t>{1});
  world.look(true);  // still without the new DS
  world.pass(1000);
  world.look(true);
  CHECK(world.keys()[0].is_published());
  settle(world);
  CHECK(stage_of(world.keys()[0], world.policy(), world.now()) == Stage::dead);
}

TEST_CASE("rollover: whatever is asked for, every cache validates at every moment") {
  constexpr Algorithm kAlgorithms[] = {Algorithm::ecdsap256sha256, Algorithm::ed25519, Algorithm::rsasha256};
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    const auto chance = [&](unsigned of) { return random() % of == 0; };
    World world(tight(chance(2)));
    INFO("seed " << seed);
    for (int steps = 0; steps < 400; ++steps) {
      if (chance(20)) world.roll(chance(2));
      if (chance(60)) world.policy().algorithm = kAlgorithms[random() % 3];
      if (chance(60)) world.policy().single = !world.policy().single;
      if (chance(80)) world.policy().secure = !world.policy().secure;
      if (chance(4)) world.parent_looks();
      if (chance(3)) world.look(chance(2));
      world.pass(chance(5) ? 1 + static_cast<std::int64_t>(random() % 100)
                           : 1 + static_cast<std::int64_t>(random() % 10));
      if (world.next_change() != 0 && world.next_change() <= world.now() && chance(2)) world.look(false);
      const std::string fault = world.fault();
      REQUIRE(fault == "");
      if (steps % 50 == 0) check_files(world);
    }
    world.policy().secure = true;
    settle(world);
  }
}

}  // namespace swage::dnssec
