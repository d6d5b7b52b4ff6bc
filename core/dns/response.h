// A response in the making: sections of records whose data lie in a zone, in the query or in the response's own arena.
// It is filled by plugins and encoded once, at the end (core/dns/encode.h). Used again for the next query: a response
// that has grown to its working size allocates nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/types.h"
#include "core/net.h"

namespace swage {
struct CacheRules;  // core/plugin/cache_rules.h
}

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

// An answer that has to be fetched first: what core/plugin/fetch.h and the server say to each other.
struct Later {
  // Why nothing can be waited for.
  enum class Refusal : std::uint8_t {
    none,       // it can
    no_room,    // too many queries wait already
    failed,     // what was waited for could not be fetched
    late,       // it was not there in time
    too_often,  // this query has waited too many times
  };
  std::uint16_t fetch = 0;     // from whom: Fetch::number(); 0: nothing is wanted
  std::uint32_t patience = 0;  // milliseconds that the query waits at most, in all; 0: as long as the fetch says
  Bytes key;                   // of what; in the response's arena
  Bytes answer{};              // the whole message that another process has made for the query that waited; or nothing
  bool ahead = false;          // the query does not wait for it: it is answered
  Refusal refusal = Refusal::none;
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

class Response;

// The messages that follow a response over TCP, made one by one as the client takes them: a zone transfer (RFC 5936
// section 2.2). It holds what it tells of; it is destroyed when it has ended or the client is gone.
class Stream {
 public:
  virtual ~Stream() = default;
  // Fills in the next message: `response` is empty, NOERROR with AA. False, and nothing filled in: there is none.
  [[nodiscard]] virtual bool next(Response& response) = 0;
  // A message of `size` bytes was made of it, the first one too.
  virtual void sent(std::size_t size) = 0;
};

// Signs messages, one after another (TSIG, RFC 8945): encode() asks it.
class MessageSigner {
 public:
  virtual ~MessageSigner() = default;
  // Bytes that sign() adds at most.
  [[nodiscard]] virtual std::size_t room() const = 0;
  // Signs the message that has `size` bytes of `memory`, which has room() more; gives the size of the whole.
  [[nodiscard]] virtual std::size_t sign(MutableBytes memory, std::size_t size) = 0;
};

// Starts REFUSED and empty, so that a query that no plugin answers is refused.
class Response {
 public:
  Rcode rcode = Rcode::refused;
  bool authoritative = false;             // AA
  bool recursion_available = false;       // RA
  bool authentic = false;                 // AD, for clients that want it: who was asked has verified it all
  std::optional<bool> recursion_desired;  // RD; none: the query's
  bool truncated = false;                 // TC; encode() finds out
  bool ask_over_tcp = false;              // over UDP the client gets TC and no records
  bool compact = false;                   // the CO bit: denials are compact (RFC 9824 section 5.1)
  std::uint8_t plugin = 0;                // the plugin that answered: ChainEntry::number of the last one asked
  std::uint16_t most_bytes = 0xFFFF;      // encode() makes no larger message; 512 or more
  std::vector<Record> answer, authority, additional;
  // Of a name that does not have the QTYPE (the last one of a chain of CNAMEs): the types that it has, in any order,
  // for the proof of that (NSEC); nullopt: not known. They must live as long as the response.
  std::optional<std::span<const Type>> types;
  NameView wildcard;                  // the owner of the wildcard that the answer was made from; empty: none
  std::vector<EdnsOption> options;    // sent only where the query has an OPT
  const CacheRules* cache = nullptr;  // for how long what was fetched may be answered; none: to those who waited for it
  Endpoint origin;                    // the nameserver that has said it; port 0: this one
  std::unique_ptr<Stream> stream;     // what follows it; over TCP alone, and without Outcome::later
  std::unique_ptr<MessageSigner> signer;  // signs it, and what follows it; nullptr: it is not signed
  Later later;                            // clear() leaves it as it is
  Arena arena;

  Response();
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;

  // Back to REFUSED and empty; the memory is kept.
  void clear();
  // REFUSED and without records again; options, limits and the signer stay, and the arena: records elsewhere may lie in
  // it.
  void clear_answer();
};

}  // namespace swage::dns
