#include "core/signing/key_service.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "core/async/work.h"
#include "core/crypto/random.h"
#include "core/dns/decode.h"
#include "core/log.h"
#include "core/plugin/report.h"
#include "core/upstream/nameserver.h"

namespace swage::signing {
namespace {

using dnssec::DsSight;
using dnssec::KeyFolder;
using dnssec::ManagedKey;
using dnssec::Stage;
using DsRecords = std::vector<std::vector<std::uint8_t>>;

constexpr Stage kStages[] = {Stage::made,   Stage::presigning, Stage::published, Stage::ready, Stage::ds_published,
                             Stage::active, Stage::retiring,   Stage::removed,   Stage::dead};

struct KeyFigures {
  std::map<Stage, metrics::Gauge> keys;
  metrics::Gauge next_change, waits_since;
  metrics::Counter failures;
};

KeyFigures figures_of(metrics::Registry& registry, const dns::Name& zone) {
  const std::string name = zone.to_string();
  KeyFigures figures;
  for (const Stage stage : kStages) {
    figures.keys[stage] = registry.gauge("swage_keys", "Keys of a zone in the folder of 'keys', by their stage.",
                                         {{"zone", name}, {"stage", std::string(dnssec::name_of(stage))}});
  }
  figures.next_change =
      registry.gauge("swage_keys_next_change_timestamp_seconds",
                     "When something happens to a zone's keys by itself; 0: nothing does.", {{"zone", name}});
  figures.waits_since = registry.gauge(
      "swage_keys_parent_wait_timestamp_seconds",
      "Since when the parent zone is to publish a DS record, or to remove one; 0: it has what it should.",
      {{"zone", name}});
  figures.failures =
      registry.counter("swage_keys_parent_failures_total",
                       "Questions for DS records that a parent's nameserver did not answer.", {{"zone", name}});
  return figures;
}

// Since when the parent is to do something; 0: it has done it all.
std::int64_t waits_since(const std::vector<ManagedKey>& keys) {
  std::int64_t since = 0;
  const auto add = [&since](std::int64_t time) { since = since == 0 ? time : std::min(since, time); };
  for (const ManagedKey& key : keys) {
    if (!key.life.ksk || key.life.submit == 0) continue;
    if (key.life.retire == 0 && key.life.ds_seen == 0) add(key.life.submit);
    const bool is_replaced = std::ranges::any_of(keys, [](const ManagedKey& other) {
      return other.life.retire == 0 && other.life.ksk && other.life.ds_seen != 0;
    });
    if (key.life.retire != 0 && key.life.ds_gone == 0 && is_replaced) add(key.life.retire);
  }
  return since;
}

// Whether what the parent has decides something.
bool is_parent_of_interest(const std::vector<ManagedKey>& keys) {
  return std::ranges::any_of(keys, [](const ManagedKey& key) {
    return key.life.ksk && key.life.submit != 0 &&
           (key.life.retire == 0 ? key.life.ds_seen == 0 : key.life.ds_gone == 0);
  });
}

class ZoneKeyService final : public Service, public Reporter {
 public:
  ZoneKeyService(KeySettings::Managed settings, dns::Name zone, std::string plugin, KeyFigures figures)
      : settings_(std::move(settings)),
        zone_(std::move(zone)),
        plugin_(std::move(plugin)),
        figures_(std::move(figures)) {}

  async::Task<Result<>> run(Host& host) override {
    std::chrono::milliseconds pause{0};
    while (true) {
      const bool stopped = co_await host.stopping(pause);
      if (stopped) co_return Result<>();
      pause = std::min<std::chrono::milliseconds>(kLook, settings_.parent_interval);
      std::vector<DsRecords> answers;
      if (!settings_.parents.empty() && asks_parent_) answers = co_await ask_parents(host);
      const auto update = [this, &answers] { return update_folder(answers); };
      const Result<KeyFolder::Updated> updated = co_await async::work(host.loop(), update);
      const bool asked = asks_parent_;
      take(updated);
      if (asks_parent_ && !asked) pause = std::chrono::milliseconds(0);
    }
  }

  void report(Report& report, Report::Topic topic) override {
    if (topic != Report::Topic::keys) return;
    for (const Report::Key& key : keys_) report.add(report.keys, key);
  }

 private:
  static constexpr std::chrono::seconds kLook{60};

  // One answer for each nameserver, or none at all.
  async::Task<std::vector<DsRecords>> ask_parents(Host& host) {
    std::vector<DsRecords> answers;
    for (const Endpoint& parent : settings_.parents) {
      upstream::Way way;
      way.to = parent;
      upstream::Nameserver nameserver(host.loop(), std::move(way), random_);
      upstream::Question question;
      question.name = zone_;
      question.type = dns::Type::ds;
      question.recursion_desired = false;
      const Result<std::vector<std::uint8_t>> message = co_await nameserver.ask(question);
      Result<DsRecords> records = message ? read_ds_answer(*message, zone_) : std::unexpected(message.error());
      if (!records) {
        figures_.failures.add();
        report(formatted("the parent's nameserver {} does not say which DS records there are: {}", parent.to_string(),
                         records.error().text()));
        co_return std::vector<DsRecords>();
      }
      answers.push_back(*std::move(records));
    }
    co_return answers;
  }

  Result<KeyFolder::Updated> update_folder(const std::vector<DsRecords>& answers) const {
    TRY(const KeyFolder folder, KeyFolder::open(settings_.folder));
    std::vector<std::string> warnings;  // told by those who sign with the keys
    KeyFolder::Sight sight;
    if (!answers.empty()) sight = [&answers](const dnssec::Key& key) { return sight_of(key, answers); };
    return folder.update(zone_, settings_.policy, std::time(nullptr), sight, warnings);
  }

  void take(const Result<KeyFolder::Updated>& updated) {
    if (!updated) return report(updated.error().text());
    const std::int64_t now = std::time(nullptr);
    problem_.clear();
    asks_parent_ = is_parent_of_interest(updated->keys);
    std::map<Stage, std::size_t> counts;
    keys_.clear();
    for (const ManagedKey& key : updated->keys) {
      const Stage stage = dnssec::stage_of(key.life, settings_.policy, now);
      ++counts[stage];
      tell(key, stage);
      Report::Key known;
      known.zone = zone_.to_string();
      known.role = role_of(key.life);
      known.algorithm = name_of(key.life.algorithm);
      known.stage = dnssec::name_of(stage);
      known.folder = settings_.folder;
      known.tag = key.stored.key.tag();
      if (stage == Stage::ready) known.next = "waits for its DS record";
      keys_.push_back(std::move(known));
    }
    for (const Stage stage : kStages) figures_.keys[stage].set(static_cast<double>(counts[stage]));
    figures_.next_change.set(static_cast<double>(updated->next_change));
    figures_.waits_since.set(static_cast<double>(waits_since(updated->keys)));
  }

  void tell(const ManagedKey& key, Stage stage) {
    const auto [known, is_new] = stages_.try_emplace(key.stored.key.tag(), stage);
    if (!is_new && known->second == stage) return;
    known->second = stage;
    if (is_new && stage == Stage::dead) return;
    log::info("plugin/{}: {}: {} {} ({}) is {}{}", plugin_, zone_.to_string(), role_of(key.life), key.stored.key.tag(),
              name_of(key.life.algorithm), dnssec::name_of(stage),
              stage == Stage::ready ? ": its DS record has to be published by the parent zone" : "");
  }

  // Once, until it is another one or over.
  void report(const std::string& problem) {
    if (problem == problem_) return;
    problem_ = problem;
    log::error("plugin/{}: {}: {}", plugin_, zone_.to_string(), problem);
  }

  KeySettings::Managed settings_;
  dns::Name zone_;
  std::string plugin_;
  KeyFigures figures_;
  crypto::SystemRandom random_;
  std::map<std::uint16_t, Stage> stages_;  // by tag
  std::vector<Report::Key> keys_;          // as they were when the folder was looked at
  std::string problem_;
  bool asks_parent_ = false;
};

}  // namespace

void add_key_service(Controller& controller, const KeySettings& settings, const std::vector<dns::Name>& zones) {
  if (!settings.managed) return;
  for (const dns::Name& zone : zones) {
    const std::string name = formatted("keys {} {}", settings.managed->folder, zone.to_string());
    if (!controller.snapshot(name).claim()) continue;
    controller.add(std::make_unique<ZoneKeyService>(*settings.managed, zone, controller.directive(),
                                                    figures_of(controller.metrics(), zone)));
  }
}

Result<DsRecords> read_ds_answer(Bytes message, const dns::Name& zone) {
  dns::Response response;
  TRY(dns::decode(message, response));
  if (response.rcode != dns::Rcode::noerror) return fail("{}", dns::to_string(response.rcode));
  if (!response.authoritative) return fail("the answer is not authoritative");
  DsRecords records;
  for (const dns::Record& record : response.answer) {
    if (record.type != dns::Type::ds || !(record.owner == zone)) continue;
    records.emplace_back(record.rdata.begin(), record.rdata.end());
  }
  return records;
}

DsSight sight_of(const dnssec::Key& key, const std::vector<DsRecords>& answers) {
  const auto ours = {dnssec::ds_of(key, dnssec::DsDigest::sha256), dnssec::ds_of(key, dnssec::DsDigest::sha384)};
  const auto is_of_key = [&](const std::vector<std::uint8_t>& record) {
    return std::ranges::any_of(ours, [&](const auto& own) {
      const bool same_key = record.size() > 4 && std::equal(own.begin(), own.begin() + 3, record.begin());
      const bool is_known = record.size() > 4 && (record[3] == 2 || record[3] == 4);
      return same_key && (is_known ? record == own : true);
    });
  };
  std::size_t count = 0;
  for (const DsRecords& records : answers) count += std::ranges::any_of(records, is_of_key) ? 1U : 0U;
  if (count == 0) return DsSight::absent;
  return count == answers.size() ? DsSight::present : DsSight::unknown;
}

}  // namespace swage::signing
