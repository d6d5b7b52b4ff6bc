#include "core/signing/keys_command.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/dnssec/key_folder.h"
#include "core/dnssec/key_life.h"
#include "core/text.h"
#include "core/whole_file.h"

namespace swage::signing {
namespace {

using dnssec::KeyFolder;
using dnssec::KeyLife;
using dnssec::ManagedKey;
using dnssec::Policy;
using dnssec::Stage;

using Words = std::span<const std::string_view>;

constexpr std::string_view kHelp =
    "swage keys: the keys of DNSSEC in a folder that a server manages ('keys DIR' in its Corefile)\n"
    "\n"
    "  swage keys list DIR [ZONE...]                 each key: role, algorithm, tag, stage, and what comes next\n"
    "  swage keys make DIR ZONE [ALGORITHM] [split]  the first keys of a zone; the server makes them itself, too\n"
    "  swage keys roll DIR ZONE ksk|zsk|csk          makes the successor; the server does the rest in its time\n"
    "  swage keys ds DIR ZONE                        the DS records that the parent zone should have\n"
    "  swage keys ds-seen DIR ZONE TAG...|none       says that the parent has the DS records of just these keys\n"
    "  swage keys import DIR KEY...                  copies keys of BIND's tools into the folder\n"
    "\n"
    "The manual is swage-keys(1).\n";

class Command {
 public:
  Command(std::int64_t now, CommandOutput& output) : now_(now), output_(output) {}

  Result<> list(Words words) {
    TRY(const KeyFolder folder, open(words, 1, "DIR [ZONE...]"));
    std::vector<dns::Name> zones;
    for (const std::string_view word : words.subspan(1)) {
      TRY(const dns::Name zone, zone_of(word));
      zones.push_back(zone);
    }
    if (zones.empty()) {
      TRY(zones, folder.zones());
    }
    for (const dns::Name& zone : zones) {
      TRY(const std::vector<ManagedKey> keys, read(folder, zone));
      const Policy policy = folder.policy_of(zone);
      for (const ManagedKey& key : keys) print(key, policy);
    }
    return {};
  }

  Result<> make(Words words) {
    TRY(const KeyFolder folder, open(words, 2, "DIR ZONE [ALGORITHM] [split]"));
    TRY(const dns::Name zone, zone_of(words[1]));
    TRY(const std::vector<ManagedKey> before, read(folder, zone));
    if (std::ranges::any_of(before, [](const ManagedKey& key) { return key.life.retire == 0; })) {
      return fail("{} has keys; 'swage keys roll' makes others", zone.to_string());
    }
    Policy policy = folder.policy_of(zone);
    for (const std::string_view word : words.subspan(2)) {
      const auto algorithm = dnssec::parse_algorithm(word);
      if (word == "split") {
        policy.single = false;
      } else if (algorithm) {
        policy.algorithm = *algorithm;
      } else {
        return fail("'{}' is neither an algorithm nor 'split'", word);
      }
    }
    TRY(const KeyFolder::Updated updated, folder.update(zone, policy, now_, {}, warnings_));
    for (const ManagedKey& key : updated.keys) print(key, policy);
    return {};
  }

  Result<> roll(Words words) {
    TRY(const KeyFolder folder, open(words, 3, "DIR ZONE ksk|zsk|csk"));
    TRY(const dns::Name zone, zone_of(words[1]));
    const std::string role = lower_case(words[2]);
    if (role != "ksk" && role != "zsk" && role != "csk") return fail("'{}' is not 'ksk', 'zsk' or 'csk'", words[2]);
    TRY(const std::vector<ManagedKey> keys, read(folder, zone));
    const auto found = std::ranges::find_if(
        keys, [&](const ManagedKey& key) { return key.life.retire == 0 && lower_case(role_of(key.life)) == role; });
    if (found == keys.end()) return fail("{} has no {}", zone.to_string(), words[2]);
    const bool waits = std::ranges::count_if(keys, [&](const ManagedKey& key) {
                         return key.life.retire == 0 && role_of(key.life) == role_of(found->life);
                       }) > 1;
    std::vector<KeyLife> lives;
    for (const ManagedKey& key : keys) lives.push_back(key.life);
    if (waits || dnssec::is_rolling(lives, found->life.ksk, found->life.zsk)) {
      return fail("{}: a roll is not over yet; see 'swage keys list'", zone.to_string());
    }
    const Policy policy = folder.policy_of(zone);
    const dnssec::WantedKey wanted{found->life.ksk, found->life.zsk, found->life.algorithm};
    TRY(ManagedKey made, dnssec::make_key(zone, wanted, policy, std::max(now_, found->life.created + 1), keys));
    TRY(folder.write(made, policy, now_));
    print(made, policy);
    return {};
  }

  Result<> ds(Words words) {
    TRY(const KeyFolder folder, open(words, 2, "DIR ZONE"));
    TRY(const dns::Name zone, zone_of(words[1]));
    TRY(const std::vector<ManagedKey> keys, read(folder, zone));
    std::vector<KeyLife> lives;
    for (const ManagedKey& key : keys) lives.push_back(key.life);
    const dnssec::Submission asked = dnssec::submission(lives, folder.policy_of(zone));
    if (asked.keys.empty()) {
      if (asked.deletes) return fail("{}: the parent is to remove all DS records", zone.to_string());
      return fail("{}: no key is ready: its DS record would break the zone; see 'swage keys list'", zone.to_string());
    }
    for (const std::size_t index : asked.keys) {
      for (const auto digest : {dnssec::DsDigest::sha256, dnssec::DsDigest::sha384}) {
        const std::vector<std::uint8_t> rdata = dnssec::ds_of(keys[index].stored.key, digest);
        output_.text += formatted("{} IN DS {} {} {} ", zone.to_string(), load_u16(rdata.data()), rdata[2], rdata[3]);
        for (std::size_t i = 4; i < rdata.size(); ++i) output_.text += formatted("{:02X}", rdata[i]);
        output_.text += '\n';
      }
    }
    return {};
  }

  Result<> ds_seen(Words words) {
    TRY(const KeyFolder folder, open(words, 3, "DIR ZONE TAG...|none"));
    TRY(const dns::Name zone, zone_of(words[1]));
    TRY(const std::vector<ManagedKey> keys, read(folder, zone));
    std::vector<std::uint16_t> tags;
    for (const std::string_view word : words.subspan(2)) {
      std::uint16_t tag = 0;
      if (word == "none" && words.size() == 3) break;
      if (!parse_number(word, tag)) return fail("'{}' is not the tag of a key", word);
      const bool is_there = std::ranges::any_of(keys, [&](const ManagedKey& key) {
        return key.life.ksk && key.stored.key.tag() == tag && key.life.submit != 0;
      });
      if (!is_there) return fail("{} has no key {} whose DS record the parent should have", zone.to_string(), tag);
      tags.push_back(tag);
    }
    const auto sight = [&](const dnssec::Key& key) {
      return std::ranges::find(tags, key.tag()) != tags.end() ? dnssec::DsSight::present : dnssec::DsSight::absent;
    };
    const Policy policy = folder.policy_of(zone);
    TRY(const KeyFolder::Updated updated, folder.update(zone, policy, now_, sight, warnings_));
    for (const ManagedKey& key : updated.keys) print(key, policy);
    return {};
  }

  Result<> import(Words words) {
    TRY(const KeyFolder folder, open(words, 2, "DIR KEY..."));
    std::vector<dnssec::StoredKey> found;
    for (const std::string_view word : words.subspan(1)) {
      TRY(dnssec::StoredKey stored, dnssec::read_key_files(std::string(word), dnssec::Half::refused, warnings_));
      found.push_back(std::move(stored));
    }
    for (std::size_t i = 0; i < found.size(); ++i) {
      const dnssec::StoredKey& stored = found[i];
      TRY(const std::vector<ManagedKey> keys, read(folder, stored.key.zone()));
      const auto is_signer_beside = [&](const dnssec::Key& key) {
        return key.zone() == stored.key.zone() && key.algorithm() == stored.key.algorithm() && !key.is_entry_point();
      };
      bool is_alone = true;
      for (const ManagedKey& key : keys) {
        if (key.stored.key == stored.key) return fail("{} is in the folder already", describe(stored.key));
        is_alone = is_alone && !is_signer_beside(key.stored.key);
      }
      for (const dnssec::StoredKey& other : found) is_alone = is_alone && !is_signer_beside(other.key);
      ManagedKey made{stored, dnssec::life_of_times(stored, is_alone, now_)};
      TRY(const auto life, life_beside(std::string(words[1 + i]), stored.key));
      if (life) made.life = *life;
      const Policy policy = folder.policy_of(stored.key.zone());
      TRY(folder.write(made, policy, now_));
      print(made, policy);
    }
    return {};
  }

  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
  [[nodiscard]] bool is_misused() const { return is_misused_; }

 private:
  Result<KeyFolder> open(Words words, std::size_t least, std::string_view usage) {
    is_misused_ = words.size() < least;
    if (is_misused_) return fail("expected {}", usage);
    return KeyFolder::open(std::string(words[0]));
  }
  static Result<dns::Name> zone_of(std::string_view word) {
    TRY(const dns::Name zone, dns::Name::parse(word));
    return zone.lowercased();
  }
  Result<std::vector<ManagedKey>> read(const KeyFolder& folder, const dns::Name& zone) {
    return folder.read(zone, now_, warnings_);
  }
  // What named's .state file beside a key says.
  static Result<std::optional<KeyLife>> life_beside(std::string path, const dnssec::Key& key) {
    constexpr std::size_t kLargest = 16 << 10;
    for (const std::string_view ending : {".key", ".private"}) {
      if (path.ends_with(ending)) path.erase(path.size() - ending.size());
    }
    path += ".state";
    const Result<std::string> text = read_whole_file(path, kLargest);
    if (!text) return std::nullopt;
    const Result<KeyLife> life = dnssec::parse_life(*text, key);
    if (!life) return fail("{}: {}", path, life.error().text());
    return *life;
  }

  void print(const ManagedKey& key, const Policy& policy) {
    const Stage stage = dnssec::stage_of(key.life, policy, now_);
    output_.text += formatted("{} {} {} {} {}{}\n", key.stored.key.zone().to_string(), role_of(key.life),
                              name_of(key.life.algorithm), key.stored.key.tag(), dnssec::name_of(stage),
                              next_event(key.life, stage, policy));
  }

  // ", signs from 2026-11-30 16:26:13 UTC"
  [[nodiscard]] static std::string next_event(const KeyLife& life, Stage stage, const Policy& policy) {
    const auto at = [](std::string_view what, std::int64_t time) {
      return formatted(", {} {}", what, dnssec::readable_time(time));
    };
    switch (stage) {
      case Stage::made:
        return ", the server takes it on within a minute";
      case Stage::presigning:
        return at("published from", life.sign + policy.zone_wait());
      case Stage::published:
        return life.ksk ? at("in all caches from", life.publish + policy.key_wait())
                        : at("signs from", life.publish + policy.key_wait());
      case Stage::ready:
        return at("waits for its DS record since", life.submit);
      case Stage::ds_published:
        return at("active from", life.ds_seen + policy.parent_wait());
      case Stage::active: {
        const std::int64_t lifetime = life.ksk ? policy.ksk_lifetime : policy.zsk_lifetime;
        return lifetime != 0 ? at("successor at", life.created + lifetime - policy.key_wait()) : "";
      }
      case Stage::retiring:
        if (life.ksk && life.submit != 0 && life.ds_gone == 0) return ", until the parent has no DS record of it";
        if (life.ksk && life.ds_gone != 0) return at("needed until", life.ds_gone + policy.parent_wait());
        return life.stop != 0 ? at("needed until", life.stop + policy.zone_wait())
                              : ", until its successor has taken over";
      case Stage::removed:
        return at("in caches until",
                  std::max(life.remove + policy.key_wait(), life.stop == 0 ? 0 : life.stop + policy.zone_wait()));
      case Stage::dead:
        return "";
    }
    return "";
  }

  std::int64_t now_;
  CommandOutput& output_;
  std::vector<std::string> warnings_;
  bool is_misused_ = false;
};

struct Verb {
  std::string_view name;
  Result<> (Command::*run)(Words);
};
constexpr Verb kVerbs[] = {{"list", &Command::list}, {"make", &Command::make},       {"roll", &Command::roll},
                           {"ds", &Command::ds},     {"ds-seen", &Command::ds_seen}, {"import", &Command::import}};

}  // namespace

CommandOutput run_keys_command(std::span<const char* const> arguments, std::int64_t now) {
  CommandOutput output;
  const std::vector<std::string_view> words(arguments.begin(), arguments.end());
  const bool wants_help = words.empty() || words[0] == "--help" || words[0] == "-help" || words[0] == "-h";
  if (wants_help) {
    (words.empty() ? output.errors : output.text) = kHelp;
    output.status = words.empty() ? 2 : 0;
    return output;
  }
  const auto* const verb = std::ranges::find(kVerbs, words[0], &Verb::name);
  if (verb == std::end(kVerbs)) {
    output.errors = formatted("swage keys: '{}' is not a command; see 'swage keys --help'\n", printable(words[0]));
    output.status = 2;
    return output;
  }
  Command command(now, output);
  const Result<> done = (command.*verb->run)(Words(words).subspan(1));
  for (const std::string& warning : command.warnings())
    output.errors += formatted("swage keys: warning: {}\n", warning);
  if (!done) {
    output.errors += formatted("swage keys {}: {}\n", words[0], done.error().text());
    output.status = command.is_misused() ? 2 : 1;
  }
  return output;
}

}  // namespace swage::signing
