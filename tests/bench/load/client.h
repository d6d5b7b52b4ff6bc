// One thread of the load: a few connected UDP sockets that are kept full of queries, and a look at each answer.
#pragma once

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/result.h"
#include "tests/bench/load/asker.h"
#include "tests/bench/load/queries.h"

namespace swage::bench {

struct ClientOptions {
  std::uint16_t port = 53;  // on 127.0.0.1
  unsigned sockets = 4;
  unsigned window = 32;  // queries under way, for each socket
  double rate = 0;       // queries a second; 0: as many as the window lets through
  bool echo = false;     // the answer is the query come back: check nothing but its id
  std::chrono::nanoseconds timeout = std::chrono::milliseconds(500);
};

// One socket and what was asked through it.
class Flow {
 public:
  static constexpr std::size_t kBatch = 64;    // packets a system call, at most
  static constexpr std::size_t kSlots = 4096;  // a power of two; bounds the window

  // Takes the socket over. `queries`, `counters` and `latency` outlive it.
  Flow(int descriptor, const ClientOptions& options, Queries& queries, Counters& counters, Histogram& latency);
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;
  ~Flow();

  [[nodiscard]] std::size_t room() const;
  [[nodiscard]] bool idle() const { return under_way_ == 0; }

  // Sends queries first, first + 1, … (round the list); returns how many the kernel took. The latency of query k counts
  // from `due` + k * `step`. REQUIRES: count <= kBatch, count <= room().
  std::size_t send(std::size_t first, std::size_t count, std::uint64_t due, std::uint64_t step);
  // Takes what has come, at most kBatch packets; returns how many.
  std::size_t receive(bool measuring);
  // Gives up what was sent too long ago.
  void expire(std::uint64_t now);

 private:
  struct Slot {
    std::uint64_t due = 0;  // ns
    std::uint32_t query = 0;
    std::uint16_t id = 0;
    bool under_way = false;
  };

  [[nodiscard]] Slot& slot(std::uint64_t serial) { return slots_[serial % kSlots]; }
  void take(Bytes answer, std::uint64_t now, bool measuring);
  [[nodiscard]] bool check(Bytes answer, const Slot& slot) const;

  int descriptor_;
  const ClientOptions& options_;
  Queries& queries_;
  Counters& counters_;
  Histogram& latency_;
  std::vector<Slot> slots_;  // a ring: serial numbers oldest_ … next_ - 1; the id is the serial's lowest 16 bits
  std::uint64_t oldest_ = 0;
  std::uint64_t next_ = 0;
  std::size_t under_way_ = 0;
  std::uint64_t given_up_ = 0;  // queries whose answer may still come
  std::array<std::array<std::uint8_t, 2048>, kBatch> buffers_;
  std::array<iovec, kBatch> parts_;
  std::array<mmsghdr, kBatch> messages_;
};

class Client : public Asker {
 public:
  // `queries` outlives it and is not used by another client that runs at the same time. REQUIRES: it is not empty.
  Client(const ClientOptions& options, Queries& queries) : options_(options), queries_(queries) {}

  [[nodiscard]] Result<> open();
  // Asks one query until it is answered rightly; fails when `patience` is over.
  [[nodiscard]] Result<> probe(std::chrono::nanoseconds patience);
  void run(const std::atomic<Phase>& phase) override;

 private:
  void fill(Flow& flow, std::uint64_t now);

  ClientOptions options_;
  Queries& queries_;
  std::vector<std::unique_ptr<Flow>> flows_;
  std::size_t asked_ = 0;
  std::size_t start_asked_ = 0;  // when this run began
  std::uint64_t start_ = 0;      // ns
};

}  // namespace swage::bench
