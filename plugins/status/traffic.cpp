#include "plugins/status/traffic.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

#include "core/dns/types.h"

namespace swage::plugins::status {
namespace {

constexpr std::int64_t kBetween = 2'000'000;        // nanoseconds from one query of the sample to the next
constexpr std::int64_t kHalfLife = 60'000'000'000;  // nanoseconds
constexpr std::size_t kShown = 10;
constexpr std::uint64_t kMostRate = 100'000'000;  // queries a second that are believed
constexpr auto kRelaxed = std::memory_order_relaxed;

// Only this process writes it.
void add_one(piece::Word& word) { word.store(word.load(kRelaxed) + 1, kRelaxed); }

void put(std::span<piece::Word> words, Bytes bytes) {
  for (std::size_t i = 0; i * 8 < bytes.size(); ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + 8 * i, std::min<std::size_t>(8, bytes.size() - 8 * i));
    words[i].store(word, kRelaxed);
  }
}

void get(std::span<const piece::Word> words, MutableBytes bytes) {
  for (std::size_t i = 0; i * 8 < bytes.size(); ++i) {
    const std::uint64_t word = words[i].load(kRelaxed);
    std::memcpy(bytes.data() + 8 * i, &word, std::min<std::size_t>(8, bytes.size() - 8 * i));
  }
}

}  // namespace

void Sampler::sent(const Query& query, const Response& response, Bytes) const {
  const MutableBytes own = memory_.own();
  if (own.size() < sizeof(piece::Piece)) return;
  auto& piece = *reinterpret_cast<piece::Piece*>(own.data());
  add_one(piece.seen);
  const auto last = static_cast<std::int64_t>(piece.last.load(kRelaxed));
  if (query.received - last < kBetween) [[likely]]
    return;
  piece.last.store(static_cast<std::uint64_t>(query.received), kRelaxed);
  const std::uint64_t number = piece.taken.load(kRelaxed);
  piece::Slot& slot = piece.slots[number % piece::kSlots];
  slot.stamp.store(0, kRelaxed);
  std::atomic_thread_fence(std::memory_order_release);
  const Bytes name = query.key.view().bytes();
  const Bytes client = query.client.address.bytes();
  slot.facts.store(std::uint64_t{static_cast<std::uint16_t>(query.qtype)} << 32 |
                       std::uint64_t{static_cast<std::uint16_t>(response.rcode)} << 16 |
                       std::uint64_t{query.client.address.is_v6()} << 8 | name.size(),
                   kRelaxed);
  put(slot.client, client);
  put(slot.name, name);
  slot.stamp.store(number + 1, std::memory_order_release);
  piece.taken.store(number + 1, std::memory_order_release);
}

void Heavy::add(const std::string& what) {
  const auto found = counts_.find(what);
  if (found != counts_.end()) {
    ++found->second;
  } else if (counts_.size() < kMost) {
    counts_.emplace(what, 1);
  } else {
    const auto least = std::ranges::min_element(counts_, {}, [](const auto& each) { return each.second; });
    const std::uint64_t count = least->second + 1;
    counts_.erase(least);
    counts_.emplace(what, count);
  }
}

void Heavy::halve() {
  for (auto& [what, count] : counts_) count /= 2;
  std::erase_if(counts_, [](const auto& each) { return each.second == 0; });
}

std::vector<Report::Count> Heavy::first(std::size_t count) const {
  std::vector<Report::Count> list;
  for (const auto& [what, seen] : counts_) list.push_back({what, seen});
  std::ranges::stable_sort(list, std::greater(), &Report::Count::count);
  list.resize(std::min(list.size(), count));
  return list;
}

void Traffic::read(std::int64_t now) {
  std::uint64_t seen = 0;
  const std::vector<Bytes>& pieces = memory_.all();
  readers_.resize(std::max(readers_.size(), pieces.size()));
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].size() < sizeof(piece::Piece)) continue;
    const auto& piece = *reinterpret_cast<const piece::Piece*>(pieces[i].data());
    Reader& reader = readers_[i];
    if (reader.piece != pieces[i].data()) reader = {pieces[i].data()};
    const std::uint64_t seen_now = piece.seen.load(kRelaxed), taken = piece.taken.load(std::memory_order_acquire);
    seen += seen_now >= reader.seen ? std::min(seen_now - reader.seen, kMostRate) : 0;
    reader.seen = seen_now;
    if (taken < reader.taken) reader.taken = taken;
    const std::uint64_t from = taken - reader.taken > piece::kSlots ? taken - piece::kSlots : reader.taken;
    for (std::uint64_t number = from; number < taken; ++number) {
      read_slot(piece.slots[number % piece::kSlots], number + 1);
    }
    reader.taken = taken;
  }
  const double seconds = static_cast<double>(now - read_at_) * 1e-9;
  if (read_at_ != 0 && seconds > 0)
    rate_ += (static_cast<double>(seen) / seconds - rate_) * (1 - std::exp(-seconds / 5));
  if (read_at_ == 0) halved_at_ = now;
  read_at_ = now;
  if (now - halved_at_ < kHalfLife) return;
  halved_at_ = now;
  for (Heavy* const each : {&names_, &types_, &rcodes_, &clients_}) each->halve();
}

// What is in it is not to be believed.
void Traffic::read_slot(const piece::Slot& slot, std::uint64_t stamp) {
  if (slot.stamp.load(std::memory_order_acquire) != stamp) return;
  const std::uint64_t facts = slot.facts.load(kRelaxed);
  std::array<std::uint8_t, 8 * piece::kNameWords> name{};
  std::array<std::uint8_t, 16> client{};
  get(slot.client, client);
  get(slot.name, name);
  std::atomic_thread_fence(std::memory_order_acquire);
  if (slot.stamp.load(kRelaxed) != stamp) return;
  const std::size_t size = facts & 0xFF;
  const Result<dns::Name> qname = dns::Name::from_wire(Bytes(name).first(size));
  if (!qname) return;
  const bool is_v6 = (facts >> 8 & 1) != 0;
  const IpAddress address = is_v6 ? IpAddress::v6(client) : IpAddress::v4(Bytes(client).first(4));
  names_.add(qname->to_string());
  types_.add(dns::to_string(static_cast<dns::Type>(facts >> 32 & 0xFFFF)));
  rcodes_.add(std::string(dns::to_string(static_cast<dns::Rcode>(facts >> 16 & 0xFFFF))));
  clients_.add(address.to_string());
}

Report::Traffic Traffic::report() const {
  return {rate_, names_.first(kShown), types_.first(kShown), rcodes_.first(kShown), clients_.first(kShown)};
}

}  // namespace swage::plugins::status
