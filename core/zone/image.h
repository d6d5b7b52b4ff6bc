// The layout of a zone image: a zone compiled into one flat, read-only block of bytes that any process may map
// anywhere. Builder writes it, View reads it; nothing else looks inside. Numbers are in the byte order of the
// machine, for an image never leaves it; names and rdata are in wire format.
//
//     +--------------------+ 0
//     | Header             |  sizes, places, the SOA, parameters of denial
//     +--------------------+ header.slots (on a cache line)
//     | Slot x slot_count  |  hash table of names: linear probing, at most 60 % full
//     +--------------------+ header.first_node
//     | Node ...           |  one for each name, in canonical order (RFC 4034 section 6.1), empty non-terminals too
//     +--------------------+
//     | Node ...           |  the owners of NSEC3 records, which are no names of the zone (RFC 5155 section 7.2.8)
//     +--------------------+ header.order
//     | Ref x order_count  |  nodes with an NSEC, in canonical order: the predecessor of a name by binary search
//     +--------------------+ header.order_keys
//     | KeyPrefix x ...    |  of every kOrderStep-th of them: the search begins here, in little memory
//     +--------------------+ header.nsec3_buckets
//     | uint32 x buckets+1 |  by the first bits of a hash: where its entries start
//     +--------------------+ header.nsec3
//     | Nsec3 x nsec3_count|  sorted by hash
//     +--------------------+ header.size
//
// A Node and what follows it, so that name, RRset header and small rdata share a cache line or two:
//
//     | Node | name, padded to 4 | Rrset | Rrset | ...
//
//     | Rrset | Ref x count: only if has_targets(type) | { length:16, rdata } x count | { length:16, RRSIG } x sigs |
//     pad |
//
// A name is found with two or three cache misses: its slot, its node, and mostly the node's second line.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/nsec3_hash.h"
#include "core/dns/record_types.h"
#include "core/dns/types.h"

namespace swage::zone::image {

// A place in the image, in units of 4 bytes: images have up to 16 GiB. 0 is nowhere.
using Ref = std::uint32_t;
inline constexpr std::size_t kUnit = 4;

inline constexpr std::array<char, 8> kMagic = {'s', 'w', 'a', 'g', 'z', 'o', 'n', 'e'};
inline constexpr std::uint32_t kVersion = 2;

// A search among the keys of every eighth name touches 2 bytes for each name of the zone, which stay in the cache, and
// at last the names of eight neighbours. To search among the names themselves takes more than twice as long in a signed
// zone of a million.
inline constexpr std::size_t kOrderStep = 8;

enum class Denial : std::uint8_t { none, nsec, nsec3 };

struct Header {
  std::array<char, 8> magic;
  std::uint64_t size;  // bytes of the image
  std::uint32_t version;
  std::uint32_t nodes;  // without owners of NSEC3s
  std::uint32_t records;
  std::uint32_t serial;
  Ref apex;                    // its node
  Ref soa;                     // its RRset
  std::uint32_t negative_ttl;  // seconds: the lower of the SOA's TTL and its minimum (RFC 2308)
  std::uint8_t apex_labels;    // without the root
  std::uint8_t max_depth;      // labels below the apex of the deepest name
  Denial denial;
  std::uint8_t nsec3_salt_size;
  std::uint16_t nsec3_iterations;
  std::uint16_t nsec3_shift;  // a hash's bucket: its first 32 bits shifted right by this
  Ref slots;
  std::uint32_t slot_count;
  Ref first_node;
  Ref order;
  std::uint32_t order_count;
  Ref order_keys;
  Ref nsec3_buckets;
  Ref nsec3;
  std::uint32_t nsec3_count;
  std::uint32_t signatures;         // RRSIGs
  std::uint32_t signatures_expire;  // when the first of them does: seconds since 1970, modulo 2^32 (RFC 4034)
  std::array<std::uint8_t, 255> nsec3_salt;
};

struct Slot {
  std::uint32_t tag;  // the low half of the name's hash
  Ref node;           // 0: the slot is free
};

enum NodeFlag : std::uint8_t {
  kCut = 1,        // a delegation
  kDname = 2,      // has a DNAME that counts: not at or below a delegation
  kUpperCase = 4,  // the name is not all in lower case
};

struct Node {
  Ref cover;  // the delegation at or above the name, or the DNAME above it, whichever is higher: 0 where there is none
  Ref wildcard;          // the child whose label is "*"
  std::uint16_t rrsets;  // 0: an empty non-terminal
  std::uint8_t flags;
  std::uint8_t name_size;

  [[nodiscard]] const std::uint8_t* name_data() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
  [[nodiscard]] dns::NameView name() const { return {name_data(), name_size}; }
};

struct Rrset {
  std::uint16_t type;
  std::uint16_t count;  // 0: only RRSIGs, of an RRset that the zone does not have
  std::uint32_t ttl;
  std::uint32_t size : 24;  // in units, of this header and all that belongs to it
  std::uint32_t sigs : 8;

  [[nodiscard]] const Rrset* next() const {
    return reinterpret_cast<const Rrset*>(reinterpret_cast<const std::uint8_t*>(this) + std::size_t{size} * kUnit);
  }
};

struct Nsec3 {
  dns::Nsec3Hash hash;
  Ref node;
};

static_assert(sizeof(Slot) == 8 && sizeof(Node) == 12 && sizeof(Rrset) == 12 && sizeof(Nsec3) == 24);

[[nodiscard]] constexpr std::size_t padded(std::size_t size) { return (size + kUnit - 1) / kUnit * kUnit; }

// Whether an RRset of this type has, for each record, the node of the name in its rdata (0: not a name of this zone).
[[nodiscard]] inline bool has_targets(dns::Type type) { return dns::host_name(type).count != 0; }

// Names are hashed from the apex down (core/dns/label_hash.h). The hash of the apex:
inline constexpr std::uint64_t kApexHash = 0x9E3779B97F4A7C15;

[[nodiscard]] constexpr std::uint32_t slot_tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash); }
[[nodiscard]] constexpr std::uint32_t first_slot(std::uint64_t hash, std::uint32_t slot_count) {
  return static_cast<std::uint32_t>(((hash >> 32) * slot_count) >> 32);
}

}  // namespace swage::zone::image
