#include "plugins/loadbalance/loadbalance.h"

#include <algorithm>

#include "plugins/loadbalance/weights.h"

namespace swage::plugins::loadbalance {
namespace {

using dns::Record;
using dns::Type;

bool is_address(const Record& record) { return record.type == Type::a || record.type == Type::aaaa; }

// CNAMEs come first: some stub resolvers want them before the addresses that they lead to.
std::uint32_t kind(const Record& record) {
  if (record.type == Type::cname) return 0;
  if (is_address(record)) return 2;
  return record.type == Type::mx ? 3 : 1;
}

// The records of this kind. REQUIRES: they are side by side.
std::span<Record> of_kind(std::span<Record> records, std::uint32_t which) {
  const auto range = std::ranges::equal_range(records, which, {}, kind);
  return {range.begin(), range.end()};
}

}  // namespace

LoadBalance::LoadBalance(Settings settings) : settings_(std::move(settings)) { ranked_.reserve(64); }

Result<Outcome> LoadBalance::serve(const Query& query, Response& response, Next next) const {
  TRY(const Outcome outcome, next(query, response));
  if (outcome != Outcome::send || response.rcode != dns::Rcode::noerror) return outcome;
  if (settings_.weights != nullptr && query.qtype != Type::a && query.qtype != Type::aaaa && query.qtype != Type::srv) {
    return outcome;
  }
  random_ += static_cast<std::uint64_t>(query.received) ^ query.id;
  order(response.answer);
  // Only within an RRset: what may be left out, and how, goes by RRsets here.
  const auto end = response.additional.end();
  for (auto first = response.additional.begin(); first != end;) {
    const auto last = std::find_if(first + 1, end, [&](const Record& record) {
      return record.type != first->type || record.optional != first->optional || record.owner != first->owner;
    });
    order({first, last});
    first = last;
  }
  return outcome;
}

void LoadBalance::order(Records records) const {
  if (records.size() < 2) return;
  if (settings_.weights == nullptr) {
    sort(records, kind);
    shuffle(of_kind(records, 2));
    shuffle(of_kind(records, 3));
  } else if (std::ranges::any_of(records, is_address)) {
    sort(records, kind);
    put_top(of_kind(records, 2));
  }
  if (settings_.prefer.empty()) return;
  const auto nets = static_cast<std::uint32_t>(settings_.prefer.size());
  sort(records, [&](const Record& record) -> std::uint32_t {
    if (record.type == Type::cname) return 0;
    if (!is_address(record)) return nets + (record.type == Type::mx ? 2 : 3);
    const Bytes data = record.rdata;
    if (data.size() != (record.type == Type::a ? 4 : 16)) return nets + 1;
    const IpAddress address = record.type == Type::a ? IpAddress::v4(data) : IpAddress::v6(data);
    const auto net = std::ranges::find_if(settings_.prefer, [&](const Prefix& each) { return each.contains(address); });
    return 1 + static_cast<std::uint32_t>(net - settings_.prefer.begin());
  });
}

// Stable, without allocating in the long run.
template <typename Rank>
void LoadBalance::sort(Records records, Rank rank) const {
  if (std::ranges::is_sorted(records, {}, rank)) return;
  ranked_.clear();
  for (const Record& record : records) {
    ranked_.push_back({rank(record), static_cast<std::uint32_t>(ranked_.size()), record});
  }
  std::ranges::sort(ranked_, {}, [](const Ranked& each) { return std::pair(each.rank, each.place); });
  std::ranges::transform(ranked_, records.begin(), &Ranked::record);
}

void LoadBalance::shuffle(Records records) const {
  for (; records.size() > 1; records = records.subspan(1)) {
    std::swap(records.front(), records[random_below(static_cast<std::uint32_t>(records.size()))]);
  }
}

// One address, as likely as its share of all weights, changes places with the first.
void LoadBalance::put_top(Records addresses) const {
  const shm::FlatMap weights(settings_.weights->bytes());
  std::uint32_t sum = 0;
  for (const Record& record : addresses) sum += find_weight(weights, record.owner, record.rdata);
  std::uint32_t left = random_below(sum);
  for (Record& record : addresses) {
    const std::uint32_t weight = find_weight(weights, record.owner, record.rdata);
    if (left < weight) return std::swap(addresses.front(), record);
    left -= weight;
  }
}

// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014), stirred by each query's id and
// time. REQUIRES: limit > 0.
std::uint32_t LoadBalance::random_below(std::uint32_t limit) const {
  random_ += 0x9E3779B97F4A7C15;
  std::uint64_t bits = random_;
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
  bits ^= bits >> 31;
  return static_cast<std::uint32_t>(((bits >> 32) * limit) >> 32);
}

}  // namespace swage::plugins::loadbalance
