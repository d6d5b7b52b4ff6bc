// Who asks what: each dns process leaves a sample of its queries in memory of its own, which the service process reads
// every second, and of which it keeps what is seen most.
//
//     piece: seen | taken | last | slots; a slot: stamp | type, rcode, client, size of the name | name
//
// A query costs two loads, two stores and a comparison where it is not in the sample.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/plugin/plugin.h"
#include "core/plugin/report.h"

namespace swage::plugins::status {

namespace piece {

using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free);
inline constexpr std::size_t kSlots = 512;
inline constexpr std::size_t kNameWords = 32;

struct Slot {
  Word stamp;  // 1 more than its number since the process began; 0 while it is written
  Word facts;  // type << 32 | rcode << 16 | is IPv6 << 8 | size of the name
  std::array<Word, 2> client;
  std::array<Word, kNameWords> name;  // in wire format
};

struct Piece {
  Word seen, taken, last;  // queries; of them in the sample; when the last of those came
  std::array<Slot, kSlots> slots;
};

}  // namespace piece

// In dns processes.
class Sampler : public Observer {
 public:
  explicit Sampler(shm::WorkerMemory& memory) : memory_(memory) {}
  void sent(const Query& query, const Response& response, Bytes message) const override;

 private:
  shm::WorkerMemory& memory_;
};

// What is seen most, of whatever there is: "space saving" (Metwally, Agrawal, El Abbadi, 2005). No more than kMost are
// kept, so a count may be too high by what the least of them has.
class Heavy {
 public:
  static constexpr std::size_t kMost = 128;

  void add(const std::string& what);
  void halve();
  [[nodiscard]] std::vector<Report::Count> first(std::size_t count) const;

 private:
  std::map<std::string, std::uint64_t> counts_;
};

// In the service process.
class Traffic {
 public:
  explicit Traffic(const shm::WorkerMemory& memory) : memory_(memory) {}

  // Reads what is new. `now`: nanoseconds, steady clock. To be called every second.
  void read(std::int64_t now);
  [[nodiscard]] Report::Traffic report() const;

 private:
  struct Reader {
    const std::uint8_t* piece = nullptr;  // to notice a new one
    std::uint64_t seen = 0, taken = 0;
  };
  void read_slot(const piece::Slot& slot, std::uint64_t stamp);

  const shm::WorkerMemory& memory_;
  std::vector<Reader> readers_;
  Heavy names_, types_, rcodes_, clients_;
  double rate_ = 0;
  std::int64_t read_at_ = 0, halved_at_ = 0;
};

}  // namespace swage::plugins::status
