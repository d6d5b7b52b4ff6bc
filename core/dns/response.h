// A response in the making: sections of records whose data lie in a zone, in the query or in the response's own arena.
// It is filled by plugins and encoded once, at the end (core/dns/encode.h). Used again for the next query: a response
// that has grown to its working size allocates nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/types.h"

namespace swage::dns {

// One resource record. The owner and the rdata (uncompressed wire format, at most 65,535 bytes) are owned
// by a zone, the query or the response's arena, and must outlive the response.
struct Record {
  NameView owner;
  Type type = Type::a;
  Class rclass = Class::in;
  std::uint32_t ttl = 0;  // seconds
  Bytes rdata;
  bool optional = false;  // in the additional section: left out without TC where it does not fit (RFC 2181 section 9)
};

struct EdnsOption {
  std::uint16_t code;
  Bytes data;
};

// Memory that lives as long as the response is not cleared. Kept between queries.
class Arena {
 public:
  // `size` bytes (at most 65,535), aligned to 8.
  [[nodiscard]] MutableBytes allocate(std::size_t size);
  [[nodiscard]] Bytes copy(Bytes bytes);
  [[nodiscard]] NameView copy(NameView name);
  void clear();

 private:
  static constexpr std::size_t kChunk = 1 << 16;
  std::vector<std::unique_ptr<std::uint8_t[]>> chunks_;
  std::size_t chunk_ = 0;  // index of the chunk in use
  std::size_t used_ = 0;   // bytes of it
};

// Starts REFUSED and empty, so that a query that no plugin answers is refused.
class Response {
 public:
  Rcode rcode = Rcode::refused;
  bool authoritative = false;             // AA
  bool recursion_available = false;       // RA
  std::optional<bool> recursion_desired;  // RD; none: the query's
  bool truncated = false;                 // TC; encode() finds out
  std::uint8_t plugin = 0;                // the plugin that answered: ChainEntry::number of the last one asked
  std::uint16_t most_bytes = 0xFFFF;      // encode() makes no larger message; 512 or more
  std::vector<Record> answer, authority, additional;
  std::vector<EdnsOption> options;  // sent only where the query has an OPT
  Arena arena;

  Response();
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;

  // Back to REFUSED and empty; the memory is kept.
  void clear();
  // REFUSED and without records again; options and limits stay, and the arena: records elsewhere may lie in it.
  void clear_answer();
};

}  // namespace swage::dns
