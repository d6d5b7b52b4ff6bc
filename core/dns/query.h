// A query as plugins see it: the parsed request and where it came from. Made by parse() (core/dns/parse.h).
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/types.h"
#include "core/net.h"
#include "core/scheme.h"

namespace swage {
class Lookup;  // core/plugin/lookup.h
}

namespace swage::dns {

enum class Transport : std::uint8_t { udp, tcp };

// What an OPT record in the query says (RFC 6891).
struct Edns {
  bool present = false;
  std::uint8_t version = 0;
  bool dnssec_ok = false;        // the DO bit (RFC 3225)
  bool compact_ok = false;       // the CO bit: NXDOMAIN may come with a compact denial (RFC 9824 section 5.1)
  std::uint16_t udp_size = 512;  // bytes the client can take over UDP, as it says
  Bytes options;                 // in wire format: code, length, data, code, …; well formed, none if not version 0

  // The data of the first option with this code; nullptr data where there is none.
  [[nodiscard]] Bytes option(std::uint16_t code) const;
  [[nodiscard]] bool has_option(std::uint16_t code) const { return option(code).data() != nullptr; }
};

// Whether a client has proven that it has its address (RFC 7873), as the server found before any plugin sees the query.
enum class Cookie : std::uint8_t {
  none,    // it has sent no cookie, or cookies are off
  client,  // its own alone: it is to get the server's
  bad,     // with a server's that is not, or not any more, good
  good,    // with a server's that is: the address is the client's
};

// What a client asks for, as plugins tell it apart (Plugin::sees).
enum class MessageKind : std::uint8_t {
  query,     // for records: opcode QUERY, of any QTYPE but those of transfers
  transfer,  // for a zone: QTYPE AXFR (RFC 5936) or IXFR (RFC 1995)
  notify,    // a zone has changed: opcode NOTIFY (RFC 1996)
  update,    // change a zone: opcode UPDATE (RFC 2136)
};
inline constexpr std::size_t kMessageKinds = 4;

inline constexpr std::uint16_t kOptionNsid = 3;            // RFC 5001
inline constexpr std::uint16_t kOptionCookie = 10;         // RFC 7873
inline constexpr std::uint16_t kOptionTcpKeepalive = 11;   // RFC 7828
inline constexpr std::uint16_t kOptionPadding = 12;        // RFC 7830
inline constexpr std::uint16_t kOptionExtendedError = 15;  // RFC 8914
inline constexpr std::uint16_t kOptionZoneVersion = 19;    // RFC 9660

struct Query {
  Bytes message;  // the whole request
  std::uint16_t id = 0;
  Opcode opcode = Opcode::query;
  bool recursion_desired = false;
  bool checking_disabled = false;
  bool authentic_data = false;  // the AD bit: the client wants to hear of Response::authentic (RFC 6840 section 5.7)
  Cookie cookie = Cookie::none;
  NameView qname;                                     // spelled as the client spelled it; points into `message`
  Name key;                                           // qname in lower case: what to look up
  std::array<std::uint8_t, kMaxLabels + 1> labels{};  // where each label of qname starts; the root's comes last
  std::uint8_t label_count = 0;                       // without the root
  std::uint16_t tsig_at = 0;  // where the TSIG record of `message` starts; 0: there is none, or it was verified
  Type qtype = Type::a;
  Class qclass = Class::in;
  Edns edns;

  Transport transport = Transport::udp;
  Scheme scheme = Scheme::dns;  // of the listener: over TLS and HTTPS the transport is TCP
  Endpoint client;
  Endpoint server;            // the address that was asked
  NameView zone;              // of the server block that answers: qname is in it
  std::int64_t received = 0;  // nanoseconds, steady clock; once a batch
  Lookup* lookup = nullptr;   // what else the server can be asked; nullptr: nothing
  NameView tsig_key;          // who has signed it, verified by *tsig*: the key's name in lower case; the root: nobody

  // REQUIRES: the opcode is QUERY, NOTIFY or UPDATE.
  [[nodiscard]] MessageKind kind() const {
    if (opcode == Opcode::query) [[likely]]
      return qtype == Type::axfr || qtype == Type::ixfr ? MessageKind::transfer : MessageKind::query;
    return opcode == Opcode::notify ? MessageKind::notify : MessageKind::update;
  }
  // The part of qname (or of key) that starts at label `index`: suffix(0) is the whole, suffix(label_count) the root.
  [[nodiscard]] NameView suffix(std::size_t index) const {
    return {qname.data() + labels[index], qname.size() - labels[index]};
  }
  [[nodiscard]] NameView key_suffix(std::size_t index) const {
    return {key.data() + labels[index], key.size() - labels[index]};
  }
  // Sets qname, key and labels. `name` must outlive the query.
  void ask(NameView name);
};

}  // namespace swage::dns
