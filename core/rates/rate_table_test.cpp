#include "core/rates/rate_table.h"

#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <random>

#include "core/rates/rate_log.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using rates::Rate;
using rates::RateTable;

namespace {

// The dns processes of a server: each with the others' pieces.
class Workers {
 public:
  explicit Workers(std::size_t count, std::size_t accounts = 64) {
    for (std::size_t i = 0; i < count; ++i) {
      memories_.push_back(std::make_unique<shm::WorkerMemory>("rates"));
      memories_.back()->ask_for(RateTable::bytes_for(accounts));
      shm::Segment own = *shm::Segment::create("rates", RateTable::bytes_for(accounts));
      descriptors_.push_back(*own.descriptor().duplicate());
      memories_.back()->begin(static_cast<std::uint32_t>(i), std::move(own));
      tables_.emplace_back(*memories_.back());
      pieces_.push_back(memories_.back()->own());
    }
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t other = 0; other < count; ++other) {
        if (other == i) continue;
        memories_[i]->replace(static_cast<std::uint32_t>(other),
                              *shm::Mapping::attach(descriptors_[other].duplicate().value()));
      }
    }
  }
  RateTable& operator[](std::size_t worker) { return tables_[worker]; }
  MutableBytes piece(std::size_t worker) { return pieces_[worker]; }

 private:
  std::vector<std::unique_ptr<shm::WorkerMemory>> memories_;
  std::deque<RateTable> tables_;
  std::vector<MutableBytes> pieces_;
  std::vector<Descriptor> descriptors_;
};

// How many of `events` are allowed.
int allowed(RateTable& table, std::uint64_t key, Rate rate, std::uint32_t second, int events) {
  int count = 0;
  for (int i = 0; i < events; ++i) count += table.debit(key, rate, second) >= 0 ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("rates: what is allowed in a second, and how long who asks for more stays limited") {
  Workers workers(1);
  RateTable& table = workers[0];
  CHECK(allowed(table, 7, {10, 15}, 100, 10) == 10);
  CHECK(allowed(table, 7, {10, 15}, 101, 25) == 10);
  CHECK(allowed(table, 9, {10, 15}, 101, 25) == 10);  // another account
  CHECK(allowed(table, 7, {10, 15}, 102, 5) == 0);    // 15 over, and 10 credited
  CHECK(allowed(table, 7, {10, 15}, 103, 5) == 0);
  CHECK(allowed(table, 7, {10, 15}, 104, 10) == 5);  // what was not allowed counts, too
  // At most a window's worth is owed.
  CHECK(allowed(table, 7, {10, 15}, 200, 1'000'000) == 10);
  CHECK(allowed(table, 7, {10, 15}, 215, 1) == 0);
  CHECK(allowed(table, 7, {10, 15}, 216, 1) == 1);
  // Nothing is saved up.
  CHECK(allowed(table, 7, {10, 15}, 10'000, 100) == 10);
  // Without a window each second begins anew.
  CHECK(allowed(table, 8, {10, 0}, 100, 1000) == 10);
  CHECK(allowed(table, 8, {10, 0}, 101, 1000) == 10);
}

TEST_CASE("rates: all processes together allow what one would") {
  for (const std::size_t count : {2U, 3U, 8U}) {
    Workers workers(count);
    for (std::uint32_t second = 100; second < 105; ++second) {
      int sum = 0;
      for (int round = 0; round < 100; ++round) {
        for (std::size_t i = 0; i < count; ++i) sum += allowed(workers[i], 7, {40, 0}, second, 1);
      }
      INFO(count << " processes, second " << second);
      CHECK(sum <= 40);
      CHECK(sum >= 40 - static_cast<int>(count));
    }
    // One that gets all of it itself has all of it.
    CHECK(allowed(workers[1], 8, {40, 0}, 100, 1000) == 40);
    // What others have spent before counts for those who owe.
    for (std::size_t i = 0; i < count; ++i) static_cast<void>(allowed(workers[i], 9, {40, 15}, 100, 400));
    for (std::size_t i = 0; i < count; ++i) CHECK(allowed(workers[i], 9, {40, 15}, 101, 10) == 0);
  }
}

TEST_CASE("rates: memory is bounded, and who is limited is not forgotten for others") {
  Workers workers(1, 64);
  RateTable& table = workers[0];
  CHECK(allowed(table, 0x7777'7777'7777'7777, {10, 15}, 100, 100) == 10);
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) static_cast<void>(table.debit(random() | 1, {10, 15}, 100));
  CHECK(allowed(table, 0x7777'7777'7777'7777, {10, 15}, 100, 100) == 0);
}

TEST_CASE("rates: whatever other processes write, a client is limited by it, and no more") {
  Workers workers(2);
  std::mt19937_64 random(2);
  for (int round = 0; round < 200; ++round) {
    for (std::uint8_t& byte : workers.piece(1)) byte = static_cast<std::uint8_t>(random());
    for (int i = 0; i < 50; ++i) {
      const auto second = static_cast<std::uint32_t>(100 + round);
      static_cast<void>(workers[0].debit(random() | 1, {10, 15}, second));
    }
  }
  // The whole account of one key, forged in each place.
  for (std::size_t at = 0; at + 24 <= workers.piece(1).size(); at += 24) {
    const std::array<std::uint64_t, 3> account{7, std::uint64_t{5000} << 32, 0xFFFF'FFFF'0000'0000};
    std::memcpy(&workers.piece(1)[at], account.data(), 24);
  }
  CHECK(allowed(workers[0], 7, {10, 15}, 5000, 100) < 10);
  CHECK(allowed(workers[0], 7, {10, 15}, 5100, 10) == 10);
  CHECK(allowed(workers[0], 9, {10, 15}, 5000, 10) == 10);
}

TEST_CASE("rates: without memory nobody is limited") {
  shm::WorkerMemory none("rates");
  RateTable table(none);
  CHECK(allowed(table, 7, {1, 15}, 100, 1000) == 1000);
}

TEST_CASE("rates: networks as numbers") {
  const auto bits = [](const char* text) { return rates::network_bits(*IpAddress::parse(text), 24, 56); };
  CHECK(bits("192.0.2.1") == bits("192.0.2.255"));
  CHECK(bits("192.0.2.1") != bits("192.0.3.1"));
  CHECK(bits("2001:db8:0:12ff::1") == bits("2001:db8:0:1200:ffff::"));
  CHECK(bits("2001:db8:0:12ff::1") != bits("2001:db8:0:1300::"));
  CHECK(bits("::") != bits("0.0.0.0"));
  CHECK(rates::network_bits(*IpAddress::parse("192.0.2.1"), 1, 1) ==
        rates::network_bits(*IpAddress::parse("128.0.0.0"), 1, 1));
  CHECK(rates::network_bits(*IpAddress::parse("192.0.2.1"), 32, 64) !=
        rates::network_bits(*IpAddress::parse("192.0.2.2"), 32, 64));
  // 128 bits are 64: nobody has less.
  CHECK(rates::network_bits(*IpAddress::parse("2001:db8::1"), 24, 128) ==
        rates::network_bits(*IpAddress::parse("2001:db8::2"), 24, 128));
}

TEST_CASE("rates: a network is named in the log once a minute, and one a second") {
  rates::RateLog log;
  CHECK(log.wants(7, 100));
  CHECK_FALSE(log.wants(8, 100));
  CHECK(log.wants(8, 101));
  CHECK_FALSE(log.wants(7, 150));
  CHECK(log.wants(7, 160));
}
