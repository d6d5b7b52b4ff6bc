// A ring of records in memory that one process writes and others read: RingWriter, in a dns process, RingReader in the
// service process. The writer never waits: what is not read in time is overwritten, and the reader notices.
//
//     | instance | reserved | written | … 64 bytes | segment | segment | … 8 of them |
//
// Positions count the bytes ever written; a record is in one segment, so that each segment begins with a record. Before
// the writer touches bytes it says so in `reserved`: what a reader has copied is good if they were not among these.
//
// The reader believes nothing that it reads: it copies first, looks at the copy alone, and has bounds for all of it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/net.h"
#include "core/scheme.h"

namespace swage::dnstap {

struct Head;  // core/dnstap/record.h

// A query and its response, as observed. The pieces belong to somebody else.
struct Event {
  bool answered = false;  // false: nothing was sent; `sent` and `response` mean nothing
  Scheme scheme = Scheme::dns;
  bool is_tcp = false, is_update = false;
  std::int64_t received = 0, sent = 0;  // nanoseconds, steady clock
  Endpoint client, server;              // without a scope
  Bytes zone;                           // in wire format; at most 255 bytes
  Bytes extra;                          // at most 65,535 bytes, as the others
  Bytes query, response;                // whole messages; empty where they are not wanted
};

inline constexpr std::size_t kSegments = 8;
// Of the memory of a ring. A segment has room for any record.
inline constexpr std::size_t kLeastRing = kSegments * (std::size_t{1} << 19);

// REQUIRES: of memory with less than kLeastRing bytes neither is made. What is beyond a multiple of kSegments · 64 is
// not used.
class RingWriter {
 public:
  // `memory` is all 0, nobody else writes it, and it outlives this. `instance`: tells it from others that have had the
  // same place; not 0.
  RingWriter(MutableBytes memory, std::uint64_t instance);
  // Allocates nothing, waits for nothing.
  void write(const Event& event);

 private:
  std::uint8_t* memory_;
  std::size_t segment_;         // bytes
  std::uint64_t position_ = 0;  // of the next record
  std::uint64_t number_ = 0;    // its number
};

class RingReader {
 public:
  // What was copied: the events in it live until the next read().
  struct Batch {
    std::vector<Event> events;
    std::uint64_t lost = 0;  // records that were overwritten before, or make no sense
    bool more = false;       // there may be more at once
  };

  // What is there and was not read before: at most `most` bytes, and one record where it is larger. `memory`: of the
  // ring as it is now; another one than at the last call begins anew.
  void read(Bytes memory, std::size_t most, Batch& batch);

 private:
  void parse(std::size_t segment, std::uint64_t written, Batch& batch);
  void take(const Head& head, Bytes pieces, Batch& batch);

  std::uint64_t instance_ = 0;  // of the writer that `position_` is of; 0: none
  std::uint64_t position_ = 0;
  std::optional<std::uint64_t> number_;  // of the next record
  std::vector<std::uint8_t> copy_;
};

}  // namespace swage::dnstap
