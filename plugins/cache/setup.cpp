// The directive, and what is counted.
#include <algorithm>

#include "core/config/server_key.h"
#include "core/config/values.h"
#include "core/text.h"
#include "plugins/cache/cache.h"

namespace swage::plugins::cache {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kLeastCapacity = 1024, kUsualCapacity = 9984, kMostCapacity = 1 << 21;
constexpr std::size_t kBytesAnAnswer = 1024;
constexpr std::uint32_t kMostTtl = 0x7FFF'FFFF;

class Reader {
 public:
  explicit Reader(Controller& controller) : controller_(controller) {}

  Result<Settings> read() {
    controller_.once();
    TRY(read_head());
    TRY(controller_.read_block({{"success", [this] { return read_times(settings_.rules.success, success_); }},
                                {"denial", [this] { return read_times(settings_.rules.denial, denial_); }},
                                {"prefetch", [this] { return read_prefetch(); }},
                                {"serve_stale", [this] { return read_stale(); }},
                                {"serve_stale_policy", [this] { return read_policy(); }},
                                {"servfail", [this] { return read_failure(); }},
                                {"disable", [this] { return read_disable(); }},
                                {"keepttl", [this] { return settings_.rules.keep_ttl = true, Result<>(); }}}));
    const CacheRules& rules = settings_.rules;
    if (rules.prefer_positive && rules.stale == 0) return controller_.fail("serve_stale_policy needs serve_stale");
    AnswerRoom& room = controller_.block().answer_room;
    room.keeps_positive = rules.prefer_positive;
    room.keeps_attempts = rules.recheck != 0;
    room.success = std::max(room.success, success_ * kBytesAnAnswer);
    room.others = std::max(room.others, denial_ * kBytesAnAnswer);
    return std::move(settings_);
  }

 private:
  // [TTL] [ZONES…]
  Result<> read_head() {
    settings_.zones = controller_.zones();
    if (!controller_.next_arg()) return {};
    std::vector<dns::Name> zones;
    if (is_decimal(controller_.val())) {
      TRY(const std::uint32_t ttl, number(1, kMostTtl));
      settings_.rules.success.most = settings_.rules.denial.most = ttl;
    } else {
      TRY(const std::vector<std::string> texts, config::zones_of(controller_.val()));
      for (const std::string& text : texts) {
        TRY(const dns::Name zone, dns::Name::parse(text));
        zones.push_back(zone.lowercased());
      }
    }
    if (!zones.empty() && !controller_.has_arg()) return settings_.zones = zones, Result<>();
    TRY(const std::vector<dns::Name> more, controller_.remaining_zones());
    zones.insert(zones.end(), more.begin(), more.end());
    settings_.zones = std::move(zones);
    return {};
  }

  // The current word.
  Result<std::uint32_t> number(std::uint32_t least, std::uint32_t most) {
    const auto value = config::parse_integer(controller_.val(), least, most);
    if (!value) return controller_.fail("{}", value.error().text());
    return *value;
  }

  // CAPACITY [TTL] [MINTTL]
  Result<> read_times(CacheRules::Times& times, std::size_t& capacity) {
    TRY(const std::uint32_t entries, controller_.expect_number<std::uint32_t>(0, kMostTtl));
    capacity = std::clamp(entries, kLeastCapacity, kMostCapacity);
    if (controller_.has_arg()) {
      TRY(times.most, controller_.expect_number<std::uint32_t>(1, kMostTtl));
    }
    if (controller_.has_arg()) {
      TRY(times.least, controller_.expect_number<std::uint32_t>(0, kMostTtl));
    }
    return {};
  }

  // AMOUNT [[DURATION] [PERCENTAGE%]]
  Result<> read_prefetch() {
    CacheRules& rules = settings_.rules;
    TRY(rules.prefetch_amount, controller_.expect_number<std::uint32_t>(0, 1'000'000'000));
    if (controller_.has_arg()) {
      TRY(const std::chrono::nanoseconds gap, controller_.expect_duration(1ms, 24h));
      rules.prefetch_gap = gap.count();
    }
    if (!controller_.has_arg()) return {};
    TRY(std::string_view text, controller_.expect_arg("a percentage"));
    if (!text.ends_with('%')) return controller_.fail("expected a percentage, such as 10%, not '{}'", text);
    text.remove_suffix(1);
    const auto percentage = config::parse_integer<unsigned>(text, 10, 90);
    if (!percentage) return controller_.fail("'{}%' is not between 10% and 90%", text);
    rules.prefetch_percentage = *percentage;
    return {};
  }

  // [DURATION] [immediate [RESPONSE_TTL [FAILURE_RECHECK]] | verify [VERIFY_TIMEOUT [RESPONSE_TTL [FAILURE_RECHECK]]]]
  Result<> read_stale() {
    std::chrono::milliseconds time = 1h;
    if (controller_.has_arg()) {
      TRY(time, controller_.expect_duration({}, 24h * 365));
    }
    settings_.rules.stale = static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(time).count());
    if (!controller_.has_arg()) return {};
    TRY(const std::string_view mode, controller_.one_of({"immediate", "verify"}));
    CacheRules& rules = settings_.rules;
    rules.verify = mode == "verify";
    if (rules.verify && controller_.has_arg()) {
      TRY(rules.verify_time, controller_.expect_duration());
    }
    if (controller_.has_arg()) {
      TRY(rules.stale_ttl, read_seconds(24h * 7));
    }
    if (controller_.has_arg()) {
      TRY(rules.recheck, read_seconds(5min));
    }
    return {};
  }

  // RFC 8767 section 5 has 5 minutes for the longest time until another attempt.
  Result<std::uint32_t> read_seconds(std::chrono::seconds most) {
    TRY(const std::chrono::nanoseconds time, controller_.expect_duration({}, most));
    if (time % 1s != 0ns) return controller_.fail("'{}' is not a whole number of seconds", controller_.val());
    return static_cast<std::uint32_t>(time / 1s);
  }

  Result<> read_policy() {
    TRY(const std::string_view policy, controller_.one_of({"prefer_positive"}));
    settings_.rules.prefer_positive = policy == "prefer_positive";
    return {};
  }

  Result<> read_failure() {
    TRY(const std::chrono::milliseconds time, controller_.expect_duration({}, 5min));
    settings_.rules.failure = static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(time).count());
    return {};
  }

  // success|denial [ZONES…]
  Result<> read_disable() {
    TRY(const std::string_view kind, controller_.one_of({"success", "denial"}));
    std::vector<dns::Name>& of_kind = kind == "success" ? settings_.no_success : settings_.no_denial;
    TRY(const std::vector<dns::Name> zones,
        controller_.has_arg() ? controller_.remaining_zones() : Result<std::vector<dns::Name>>(settings_.zones));
    of_kind.insert(of_kind.end(), zones.begin(), zones.end());
    return {};
  }

  Controller& controller_;
  Settings settings_;
  std::size_t success_ = kUsualCapacity, denial_ = kUsualCapacity;
};

metrics::Labels labels_of(Controller& controller, const std::vector<dns::Name>& zones) {
  std::string text;
  for (const dns::Name& zone : zones) text += (text.empty() ? "" : ",") + zone.to_string();
  return {{"zones", text}, {"view", controller.block().view}};
}

CacheRules::Counts make_counts(Controller& controller, const std::vector<dns::Name>& zones) {
  const metrics::Labels labels = labels_of(controller, zones);
  CacheRules::Counts counts;
  counts.server.emplace(controller.block().listeners());
  const metrics::Choice server = {"server", counts.server->names()};
  metrics::Registry& registry = controller.metrics();
  const auto counters = [&](std::string_view name, std::string_view help) {
    return registry.counters(name, help, labels, {server});
  };
  counts.requests = counters("coredns_cache_requests_total", "Queries that asked for what is cached.");
  counts.misses = counters("coredns_cache_misses_total", "Queries that had to wait, since there was no answer.");
  counts.prefetches = counters("coredns_cache_prefetch_total", "Answers that were fetched before their time was over.");
  counts.stale = counters("coredns_cache_served_stale_total", "Answers that were told after their time was over.");
  counts.hits = registry.counters("coredns_cache_hits_total", "Queries that were answered from the cache.", labels,
                                  {server, {"type", {"success", "denial"}}});
  return counts;
}

// What the process that fetches counts. It is one memory for all listeners: it counts as the first one's.
AnswerRoom::Counts make_room_counts(Controller& controller, const std::vector<dns::Name>& zones) {
  metrics::Labels labels = labels_of(controller, zones);
  labels.emplace_back("server", ServerLabel(controller.block().listeners()).names().front());
  metrics::Registry& registry = controller.metrics();
  AnswerRoom::Counts counts;
  counts.drops =
      registry.counter("coredns_cache_drops_total", "Answers that were not kept because they were malformed.", labels);
  labels.emplace_back("type", "");
  for (const std::size_t i : {0, 1}) {
    labels.back().second = i == 0 ? "success" : "denial";
    counts.entries.at(i) = registry.gauge("coredns_cache_entries", "Answers that are kept.", labels);
    counts.evictions.at(i) =
        registry.counter("coredns_cache_evictions_total", "Answers that had to give way to others.", labels);
  }
  return counts;
}

}  // namespace

// cache [TTL] [ZONES…] { … }
Result<> setup(Controller& controller) {
  TRY(Settings settings, Reader(controller).read());
  settings.rules.counts = make_counts(controller, settings.zones);
  controller.block().answer_room.counts = make_room_counts(controller, settings.zones);
  controller.add(std::make_unique<const Cache>(std::move(settings)));
  return {};
}

}  // namespace swage::plugins::cache
