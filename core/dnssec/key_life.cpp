#include "core/dnssec/key_life.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/text.h"

namespace swage::dnssec {
namespace {

// What named says of a record: nowhere, coming, everywhere, going.
constexpr std::string_view kHidden = "hidden", kRumoured = "rumoured", kOmnipresent = "omnipresent",
                           kUnretentive = "unretentive";

constexpr std::int64_t kLongest = std::int64_t{100} * 366 * 86400;  // of a policy's times, seconds

// A record of a key, which came at one moment and went at another.
struct Presence {
  std::int64_t from = 0, until = 0;
};

class LifeWriter {
 public:
  LifeWriter(std::int64_t now, std::string text) : now_(now), text_(std::move(text)) {}

  void time(std::string_view name, std::int64_t value) {
    if (value != 0) text_ += formatted("{}: {} ({})\n", name, time_text(value), readable_time(value));
  }
  void line(std::string_view name, std::string_view value) { text_ += formatted("{}: {}\n", name, value); }
  void change(std::string_view record, Presence span) {
    time(formatted("{}Change", record), std::max(span.from, span.until));
  }
  void state(std::string_view record, Presence span, std::int64_t wait) {
    line(formatted("{}State", record), state_of(span, wait));
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  [[nodiscard]] std::string_view state_of(Presence span, std::int64_t wait) const {
    if (span.from == 0) return kHidden;
    if (span.until != 0) return span.until + wait > now_ ? kUnretentive : kHidden;
    return span.from + wait > now_ ? kRumoured : kOmnipresent;
  }

  std::int64_t now_;
  std::string text_;
};

std::string_view yes_or_no(bool value) { return value ? "yes" : "no"; }

unsigned bits_of(const Key& key) {
  switch (key.algorithm()) {
    case Algorithm::rsasha256:
    case Algorithm::rsasha512:
      return static_cast<unsigned>(key.signature_size() * 8);
    case Algorithm::ecdsap384sha384:
      return 384;
    default:
      return 256;
  }
}

class LifeReader {
 public:
  explicit LifeReader(std::string_view text) : text_(text) {}

  // The first word of the line "NAME: …"; empty where there is none.
  [[nodiscard]] std::string_view word(std::string_view name) const {
    for (std::string_view rest = text_; !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (!line.starts_with(name) || !line.substr(name.size()).starts_with(':')) continue;
      line.remove_prefix(name.size() + 1);
      return take_word(line);
    }
    return {};
  }
  [[nodiscard]] Result<std::int64_t> time(std::string_view name) const {
    const std::string_view text = word(name);
    if (text.empty()) return 0;
    const auto value = parse_time(text);
    if (!value) return fail("{}: '{}' is not a time of 14 digits", name, printable(text.substr(0, 40)));
    return *value;
  }
  // `since` is the name of when it came.
  [[nodiscard]] Result<Presence> span(std::string_view record, std::string_view since, bool is_leaving) const {
    const std::string_view state = word(formatted("{}State", record));
    TRY(const std::int64_t change, time(formatted("{}Change", record)));
    TRY(const std::int64_t came, time(since));
    const std::int64_t from = came != 0 && (change == 0 || came < change) ? came : change;
    if (state == kRumoured) return Presence{change, 0};
    if (state == kOmnipresent) return Presence{std::max<std::int64_t>(from, 1), 0};
    if (state == kUnretentive) return Presence{std::max<std::int64_t>(from, 1), change};
    if (state == kHidden || state.empty()) return is_leaving && change != 0 ? Presence{from, change} : Presence{};
    return fail("{}State: '{}' is not a state", record, printable(state.substr(0, 40)));
  }

 private:
  std::string_view text_;
};

constexpr std::pair<std::string_view, std::int64_t Policy::*> kPolicy[] = {
    {"ksk-lifetime", &Policy::ksk_lifetime},
    {"zsk-lifetime", &Policy::zsk_lifetime},
    {"dnskey-ttl", &Policy::dnskey_ttl},
    {"zone-ttl", &Policy::zone_ttl},
    {"propagation", &Policy::propagation},
    {"parent-ttl", &Policy::parent_ttl},
    {"parent-propagation", &Policy::parent_propagation},
    {"safety", &Policy::safety},
};

}  // namespace

std::string life_text(const Key& key, const KeyLife& life, const Policy& policy, std::int64_t now) {
  const Presence dnskey{life.publish, life.remove}, zone{life.sign, life.stop}, ds{life.submit, life.ds_gone};
  LifeWriter writer(now, formatted("; This is the state of key {}, for {}\n", key.tag(), key.zone().to_string()));
  writer.line("Algorithm", std::to_string(static_cast<unsigned>(key.algorithm())));
  writer.line("Length", std::to_string(bits_of(key)));
  writer.line("Lifetime", std::to_string(life.ksk ? policy.ksk_lifetime : policy.zsk_lifetime));
  writer.line("KSK", yes_or_no(life.ksk));
  writer.line("ZSK", yes_or_no(life.zsk));
  writer.time("Generated", life.created);
  writer.time("Published", life.publish);
  writer.time("Active", life.zsk ? life.sign : life.publish);
  writer.time("DSPublish", life.ds_seen);
  writer.time("DSRemoved", life.ds_gone);
  writer.time("Retired", life.retire);
  writer.time("Removed", life.remove);
  writer.time("PublishCDS", life.submit);
  writer.change("DNSKEY", dnskey);
  if (life.zsk) writer.change("ZRRSIG", zone);
  if (life.ksk) writer.change("KRRSIG", dnskey);
  if (life.ksk) writer.time("DSChange", std::max({life.submit, life.ds_seen, life.ds_gone}));
  writer.state("DNSKEY", dnskey, policy.key_wait());
  if (life.zsk) writer.state("ZRRSIG", zone, policy.zone_wait());
  if (life.ksk) writer.state("KRRSIG", dnskey, policy.key_wait());
  if (life.ksk) {
    const bool is_known = life.ds_seen != 0 && life.ds_gone == 0;
    // Until it is seen it is coming, whatever the time.
    writer.state("DS", is_known ? Presence{life.ds_seen, 0} : ds,
                 is_known || ds.until != 0 ? policy.parent_wait() : now);
  }
  writer.line("GoalState", life.retire != 0 ? kHidden : kOmnipresent);
  return writer.take();
}

Result<KeyLife> parse_life(std::string_view text, const Key& key) {
  const LifeReader reader(text);
  KeyLife life;
  life.algorithm = key.algorithm();
  const std::string_view ksk = reader.word("KSK"), zsk = reader.word("ZSK"), goal = reader.word("GoalState");
  life.ksk = ksk == "yes";
  life.zsk = zsk == "yes";
  if (!life.ksk && !life.zsk) return fail("neither 'KSK: yes' nor 'ZSK: yes'");
  const bool is_leaving = goal == kHidden;
  if (!is_leaving && goal != kOmnipresent) return fail("GoalState: expected 'omnipresent' or 'hidden'");
  TRY(life.created, reader.time("Generated"));
  TRY(const Presence dnskey, reader.span("DNSKEY", "Published", is_leaving));
  life.publish = dnskey.from;
  life.remove = dnskey.until;
  if (life.zsk) {
    TRY(const Presence zone, reader.span("ZRRSIG", "Active", is_leaving));
    life.sign = zone.from;
    life.stop = zone.until;
  }
  if (life.ksk) {
    TRY(const Presence ds, reader.span("DS", "PublishCDS", is_leaving));
    TRY(const std::int64_t seen, reader.time("DSPublish"));
    TRY(const std::int64_t gone, reader.time("DSRemoved"));
    const bool is_known = reader.word("DSState") == kOmnipresent;
    TRY(const std::int64_t submit, reader.time("PublishCDS"));
    life.submit = ds.from != 0 && submit != 0 ? submit : ds.from;
    life.ds_seen = seen != 0 && (life.submit != 0 || gone != 0) ? seen : is_known ? ds.from : 0;
    if (is_leaving && life.submit != 0)
      life.ds_gone = gone != 0 ? gone : reader.word("DSState") == kHidden ? ds.until : 0;
  }
  if (is_leaving) {
    TRY(life.retire, reader.time("Retired"));
    if (life.retire == 0) life.retire = std::max<std::int64_t>(life.created, 1);
  }
  return life;
}

KeyLife life_of_times(const StoredKey& stored, bool is_alone, std::int64_t now) {
  const KeyTimes& times = stored.times;
  const auto past = [now](const KeyTimes::Time& time) { return time && *time <= now ? *time : 0; };
  KeyLife life;
  life.ksk = stored.key.is_entry_point();
  life.zsk = !life.ksk || is_alone;
  life.algorithm = stored.key.algorithm();
  life.created = times.created.value_or(now);
  const bool is_timed = times.publish || times.activate;
  life.publish = is_timed ? past(times.publish) : now;
  life.remove = past(times.remove);
  if (life.zsk) {
    life.sign = is_timed ? past(times.activate) : now;
    life.stop = past(times.inactive);
  }
  // Whether the parent has its DS nobody knows: it is asked for.
  if (life.ksk) life.submit = life.publish;
  if (life.stop != 0 || life.remove != 0 || past(times.inactive) != 0)
    life.retire = std::max(life.stop, past(times.inactive));
  if (life.remove != 0 && life.retire == 0) life.retire = life.remove;
  return life;
}

KeyTimes times_of_life(const KeyLife& life) {
  const auto time = [](std::int64_t value) { return value != 0 ? KeyTimes::Time(value) : std::nullopt; };
  KeyTimes times;
  times.created = time(life.created);
  times.publish = time(life.publish);
  times.activate = time(life.zsk ? life.sign : life.publish);
  times.inactive = time(life.zsk ? life.stop : life.remove);
  times.remove = time(life.remove);
  if (life.ksk) times.sync_publish = time(life.submit);
  return times;
}

std::string policy_text(const Policy& policy) {
  std::string text = formatted("algorithm {}\nsingle {}\nsecure {}\n", name_of(policy.algorithm),
                               yes_or_no(policy.single), yes_or_no(policy.secure));
  for (const auto& [name, member] : kPolicy) text += formatted("{} {}\n", name, policy.*member);
  return text;
}

Policy parse_policy(std::string_view text) {
  Policy policy;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view word = take_word(line), value = take_word(line);
    if (word == "algorithm") policy.algorithm = parse_algorithm(value).value_or(policy.algorithm);
    if (word == "single") policy.single = value == "yes";
    if (word == "secure") policy.secure = value == "yes";
    for (const auto& [name, member] : kPolicy) {
      std::int64_t number = 0;
      if (word == name && parse_number(value, number) && number >= 0 && number <= kLongest) policy.*member = number;
    }
  }
  return policy;
}

}  // namespace swage::dnssec
