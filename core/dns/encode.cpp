#include "core/dns/encode.h"

#include <algorithm>
#include <span>

#include "core/dns/compressor.h"
#include "core/dns/parse.h"
#include "core/dns/record_types.h"

namespace swage::dns {
namespace {

constexpr std::size_t kOptFixed = 11;  // root, type, class, TTL, RDLENGTH
constexpr std::uint8_t kQr = 0x80, kAa = 0x04, kTc = 0x02, kRd = 0x01, kRa = 0x80, kAd = 0x20, kCd = 0x10;

NameView name_at(Bytes rdata) {
  std::size_t size = 0;
  while (rdata[size] != 0) size += 1U + rdata[size];
  return {rdata.data(), size + 1};
}

// Writes records one after another, as long as they fit.
class Writer {
 public:
  // `out`: the room for the message without its OPT.
  Writer(MutableBytes out, std::size_t at, const Query& query)
      : out_(out), at_(at), compressor_(out, query.qname, query.qtype == Type::axfr || query.qtype == Type::ixfr) {}

  [[nodiscard]] std::size_t at() const { return at_; }

  // False, and nothing written, where the record does not fit.
  [[nodiscard]] bool add(const Record& record) {
    std::size_t at = compressor_.write(record.owner, at_);
    if (at == 0 || out_.size() - at < 10) return false;
    std::uint8_t* const fixed = &out_[at];
    store_u16(fixed, static_cast<std::uint16_t>(record.type));
    store_u16(fixed + 2, static_cast<std::uint16_t>(record.rclass));
    store_u32(fixed + 4, record.ttl);
    const std::size_t rdata = at + 10;
    at = add_rdata(record, rdata);
    if (at == 0) return false;
    store_u16(fixed + 8, static_cast<std::uint16_t>(at - rdata));
    at_ = at;
    return true;
  }

  // Back to an earlier place. Nothing may be added afterwards: the compressor remembers names after it.
  void cut(std::size_t at) { at_ = at; }

 private:
  std::size_t add_rdata(const Record& record, std::size_t at) {
    Bytes rdata = record.rdata;
    const NamesInRdata names = compressed_names(record.type);
    if (names.count != 0) {
      at = copy(rdata.first(names.before), at);
      rdata = rdata.subspan(names.before);
      for (int i = 0; i < names.count && at != 0; ++i) {
        const NameView name = name_at(rdata);
        at = compressor_.write(name, at);
        rdata = rdata.subspan(name.size());
      }
      if (at == 0) return 0;
    }
    return copy(rdata, at);
  }

  std::size_t copy(Bytes bytes, std::size_t at) {
    if (out_.size() - at < bytes.size()) return 0;
    std::copy(bytes.begin(), bytes.end(), out_.begin() + static_cast<std::ptrdiff_t>(at));
    return at + bytes.size();
  }

  MutableBytes out_;
  std::size_t at_;
  Compressor compressor_;
};

bool same_rrset(const Record& a, const Record& b) { return a.type == b.type && a.owner == b.owner; }

struct Counts {
  std::uint16_t answer = 0, authority = 0, additional = 0;
  bool truncated = false;
};

[[gnu::always_inline]] inline Counts write_sections(Writer& writer, const Response& response) {
  Counts counts;
  for (const Record& record : response.answer) {
    if (!writer.add(record)) return counts.truncated = true, counts;
    ++counts.answer;
  }
  for (const Record& record : response.authority) {
    if (!writer.add(record)) return counts.truncated = true, counts;
    ++counts.authority;
  }
  std::size_t rrset_start = writer.at();
  std::uint16_t before_rrset = 0;
  const Record* previous = nullptr;
  for (const Record& record : response.additional) {
    if (previous == nullptr || !same_rrset(*previous, record)) {
      rrset_start = writer.at();
      before_rrset = counts.additional;
    }
    if (!writer.add(record)) {
      if (record.optional) {
        writer.cut(rrset_start);
        counts.additional = before_rrset;
      } else {
        counts.truncated = true;
      }
      return counts;
    }
    ++counts.additional;
    previous = &record;
  }
  return counts;
}

std::uint16_t edns_flags(const Query& query, bool compact) {
  return static_cast<std::uint16_t>((query.edns.dnssec_ok ? 0x8000U : 0U) | (compact ? 0x4000U : 0U));
}

std::size_t write_opt(std::uint16_t flags, Rcode rcode, std::span<const EdnsOption> options, std::uint8_t* at) {
  at[0] = 0;
  store_u16(at + 1, static_cast<std::uint16_t>(Type::opt));
  store_u16(at + 3, kUdpSize);
  at[5] = static_cast<std::uint8_t>(static_cast<std::uint16_t>(rcode) >> 4);
  at[6] = 0;
  store_u16(at + 7, flags);
  std::size_t size = kOptFixed;
  for (const EdnsOption& option : options) {
    store_u16(at + size, option.code);
    store_u16(at + size + 2, static_cast<std::uint16_t>(option.data.size()));
    std::copy(option.data.begin(), option.data.end(), at + size + 4);
    size += 4 + option.data.size();
  }
  store_u16(at + 9, static_cast<std::uint16_t>(size - kOptFixed));
  return size;
}

// Makes the message, whose OPT record begins at `opt`, a multiple of 468 octets with its signature, where the client
// has asked for padding (RFC 8467 section 4.1): who sees its length alone learns little. Gives its size.
[[gnu::noinline]] std::size_t pad(const Query& query, const Response& response, MutableBytes out, std::size_t opt,
                                  std::size_t size) {
  constexpr std::size_t kBlock = 468, kOptionHead = 4;
  const std::size_t room = out.size() - size;
  if (!query.edns.has_option(kOptionPadding) || room < kOptionHead) return size;
  const std::size_t signature = response.signer != nullptr ? response.signer->room() : 0;
  const std::size_t whole = (size + kOptionHead + signature + kBlock - 1) / kBlock * kBlock;
  const std::size_t padding = std::min(whole - size - signature, room) - kOptionHead;
  store_u16(&out[size], kOptionPadding);
  store_u16(&out[size + 2], static_cast<std::uint16_t>(padding));
  std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(size + kOptionHead), padding, std::uint8_t{0});
  store_u16(&out[opt + 9], static_cast<std::uint16_t>(load_u16(&out[opt + 9]) + kOptionHead + padding));
  return size + kOptionHead + padding;
}

[[gnu::always_inline]] inline void write_header(std::uint8_t* out, const Query& query, const Response& response,
                                                const Counts& counts) {
  auto rcode = static_cast<std::uint16_t>(response.rcode);
  if (rcode > 15 && !query.edns.present) rcode = static_cast<std::uint16_t>(Rcode::servfail);
  store_u16(out, query.id);
  out[2] = static_cast<std::uint8_t>(kQr | static_cast<unsigned>(query.opcode) << 3 |
                                     (response.authoritative ? kAa : 0U) | (counts.truncated ? kTc : 0U) |
                                     (response.recursion_desired.value_or(query.recursion_desired) ? kRd : 0U));
  const bool says_authentic = response.authentic && (query.authentic_data || query.edns.dnssec_ok);
  out[3] = static_cast<std::uint8_t>((response.recursion_available ? kRa : 0U) | (says_authentic ? kAd : 0U) |
                                     (query.checking_disabled ? kCd : 0U) | (rcode & 0x0F));
  store_u16(out + 4, 1);
  store_u16(out + 6, counts.answer);
  store_u16(out + 8, counts.authority);
  store_u16(out + 10, static_cast<std::uint16_t>(counts.additional + (query.edns.present ? 1 : 0)));
}

// Inlined, and so what it calls: 40 instructions for each query.
[[gnu::always_inline]] inline std::size_t encode_unsigned(const Query& query, Response& response, MutableBytes out) {
  std::size_t at = kHeaderSize;
  std::copy(query.qname.data(), query.qname.data() + query.qname.size(), out.begin() + kHeaderSize);
  at += query.qname.size();
  store_u16(&out[at], static_cast<std::uint16_t>(query.qtype));
  store_u16(&out[at + 2], static_cast<std::uint16_t>(query.qclass));
  at += 4;

  std::size_t opt_size = query.edns.present ? kOptFixed : 0;
  bool with_options = false;
  if (query.edns.present && !response.options.empty()) {
    std::size_t options = 0;
    for (const EdnsOption& option : response.options) options += 4 + option.data.size();
    with_options = at + kOptFixed + options <= out.size();
    if (with_options) opt_size += options;
  }
  Writer writer(out.first(out.size() - opt_size), at, query);
  Counts counts{.truncated = true};
  if (!response.ask_over_tcp || query.transport != Transport::udp) [[likely]]
    counts = write_sections(writer, response);
  if (counts.truncated && query.transport == Transport::udp) {
    writer.cut(at);
    counts = {.truncated = true};
  }
  response.truncated = counts.truncated;
  write_header(out.data(), query, response, counts);
  std::size_t size = writer.at();
  const auto options = with_options ? std::span<const EdnsOption>(response.options) : std::span<const EdnsOption>();
  if (query.edns.present) size += write_opt(edns_flags(query, response.compact), response.rcode, options, &out[size]);
  if (query.scheme != Scheme::dns && query.edns.present) [[unlikely]]
    size = pad(query, response, out, writer.at(), size);
  return size;
}

// Where there is no room for the signature either, clients are sent to TCP without one.
[[gnu::noinline]] std::size_t encode_signed(const Query& query, Response& response, MutableBytes out) {
  const std::size_t least = kHeaderSize + query.qname.size() + 4 + (query.edns.present ? kOptFixed : 0);
  const std::size_t room = response.signer->room();
  const bool has_room = out.size() >= least + room;
  const std::size_t size = encode_unsigned(query, response, out.first(has_room ? out.size() - room : least));
  if (has_room) return response.signer->sign(out, size);
  out[2] |= kTc;
  response.truncated = true;
  return size;
}

}  // namespace

std::size_t size_limit(const Query& query) {
  if (query.transport == Transport::tcp) return 0xFFFF;
  return query.edns.present ? std::clamp<std::size_t>(query.edns.udp_size, 512, kUdpSize) : 512;
}

std::size_t encode(const Query& query, Response& response, MutableBytes out) {
  CHECK(out.size() >= 512 && response.most_bytes >= 512);
  out = out.first(std::min<std::size_t>(out.size(), response.most_bytes));
  if (response.signer != nullptr) [[unlikely]]
    return encode_signed(query, response, out);
  return encode_unsigned(query, response, out);
}

std::size_t encode_error(const Query& query, Rcode rcode, MutableBytes out, std::span<const EdnsOption> options) {
  const Bytes request = query.message;
  CHECK(request.size() >= kHeaderSize && out.size() >= kHeaderSize + kOptFixed);
  std::copy_n(request.begin(), 2, out.begin());
  out[2] = static_cast<std::uint8_t>(kQr | (request[2] & (0x78 | kRd)));
  out[3] = static_cast<std::uint8_t>((request[3] & kCd) | (static_cast<std::uint16_t>(rcode) & 0x0F));
  std::fill_n(out.begin() + 4, 8, std::uint8_t{0});
  if (!query.edns.present) return kHeaderSize;
  store_u16(&out[10], 1);
  return kHeaderSize + write_opt(edns_flags(query, false), rcode, options, &out[kHeaderSize]);
}

}  // namespace swage::dns
