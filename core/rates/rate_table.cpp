#include "core/rates/rate_table.h"

#include <algorithm>
#include <cstring>

namespace swage::rates {
namespace {

// The owner alone writes; others read words of 8 bytes, each whole.
std::uint64_t load(const std::uint64_t& word) { return __atomic_load_n(&word, __ATOMIC_RELAXED); }
void store(std::uint64_t& word, std::uint64_t value) { __atomic_store_n(&word, value, __ATOMIC_RELAXED); }

std::uint64_t join(std::uint32_t high, std::uint32_t low) { return std::uint64_t{high} << 32 | low; }
std::uint32_t high(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }
std::uint32_t low(std::uint64_t word) { return static_cast<std::uint32_t>(word); }

}  // namespace

KeyedHash::KeyedHash(Bytes key) {
  if (key.size() < 16) return;
  std::memcpy(&first_, key.data(), 8);
  std::memcpy(&second_, key.data() + 8, 8);
}

std::uint64_t network_bits(const IpAddress& address, unsigned v4_bits, unsigned v6_bits) {
  const std::uint8_t* const bytes = address.bytes().data();
  if (address.is_v6())
    return join(load_u32(bytes), load_u32(bytes + 4)) & ~std::uint64_t{0} << (64 - std::min(v6_bits, 64U));
  // No IPv6 network of clients begins with 0.
  return (std::uint64_t{load_u32(bytes)} & ~std::uint64_t{0} << (32 - v4_bits)) | std::uint64_t{1} << 40;
}

std::size_t RateTable::bytes_for(std::size_t accounts) {
  return std::max<std::size_t>((accounts + kSet - 1) / kSet, 1) * kSet * sizeof(Account);
}

std::size_t RateTable::place_of(std::uint64_t key) const {
  const std::size_t sets = memory_.size() / sizeof(Account) / kSet;
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::size_t>(static_cast<Wide>(key) * sets >> 64) * kSet;
}

// What the other processes have counted in that second, or in the one before theirs.
std::int64_t RateTable::others(std::uint64_t key, std::uint32_t second) const {
  const std::uint8_t* const own = memory_.own_piece().data();
  const std::size_t place = place_of(key);
  std::int64_t sum = 0;
  for (const Bytes piece : memory_.all()) {
    if (piece.data() == own || piece.size() < (place + kSet) * sizeof(Account)) continue;
    const auto* const set = reinterpret_cast<const Account*>(piece.data()) + place;
    for (std::size_t i = 0; i < kSet; ++i) {
      if (load(set[i].key) != key) continue;
      const std::uint32_t theirs = high(load(set[i].time));
      const std::uint64_t counts = load(set[i].counts);
      if (theirs == second) sum += high(counts);
      if (theirs == second + 1) sum += low(counts);
    }
  }
  return sum;
}

std::int64_t RateTable::debit(std::uint64_t key, Rate rate, std::uint32_t second) {
  const MutableBytes own = memory_.own();
  if (own.empty()) return 0;  // nobody counts
  auto* const set = reinterpret_cast<Account*>(own.data()) + place_of(key);
  Account* account = set;
  for (std::size_t i = 0; i < kSet; ++i) {
    if (set[i].key == key) {
      account = &set[i];
      break;
    }
    const auto use = [](const Account& each) { return join(high(each.time), high(each.counts)); };
    if (use(set[i]) < use(*account)) account = &set[i];
  }
  const auto workers = static_cast<std::int64_t>(memory_.all().size());
  const std::int64_t allowance = rate.rate;
  std::int64_t balance = static_cast<std::int32_t>(low(account->time));
  std::uint32_t count = high(account->counts), before = low(account->counts);
  if (account->key != key) {
    store(account->key, 0);  // it is nobody's while it changes
    balance = allowance;
    count = before = 0;
  } else if (const std::uint32_t last = high(account->time); static_cast<std::int32_t>(second - last) < 0) {
    second = last;  // a query that has waited
  } else if (last != second) {
    std::int64_t spent = count;
    if (workers > 1 && spent * workers > balance) spent += others(key, last);
    const auto seconds = static_cast<std::int64_t>(second - last);
    const std::int64_t most_owed = std::min<std::int64_t>(allowance * rate.window, INT32_MAX);
    balance = std::max(balance - spent, -most_owed) + allowance * std::min<std::int64_t>(seconds, 1 << 20);
    balance = std::min(balance, allowance);
    before = seconds == 1 ? count : 0;
    count = 0;
  }
  if (count != UINT32_MAX) ++count;
  store(account->time, join(second, static_cast<std::uint32_t>(static_cast<std::int32_t>(balance))));
  store(account->counts, join(count, before));
  store(account->key, key);
  std::int64_t left = balance - count;
  if (left >= 0 && workers > 1 && std::int64_t{count} * workers > balance) left -= others(key, second);
  return left;
}

}  // namespace swage::rates
