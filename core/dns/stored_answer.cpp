#include "core/dns/stored_answer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/dns/rdata_rules.h"
#include "core/dns/record_types.h"

namespace swage::dns {
namespace {

using Kind = StoredAnswer::Kind;

constexpr std::size_t kHead = 8;          // bytes: flags and counts
constexpr std::size_t kRecordHead = 11;   // bytes before the owner's name, if there is one, and the data
constexpr std::uint8_t kWholeName = 255;  // a name follows
constexpr std::size_t kMostBytes = 0xFFFF;
constexpr std::uint16_t kAa = 0x1000, kRa = 0x2000, kAd = 0x4000, kRcode = 0x0FFF;
constexpr std::uint32_t kNoAnswerTtl = 5;  // seconds, as in CoreDNS: nothing at all, and referrals
constexpr std::uint32_t kMostTtl = 86400;

const Record* find_soa(const Response& response) {
  const auto soa = std::ranges::find(response.authority, Type::soa, &Record::type);
  return soa == response.authority.end() || soa->rdata.size() < 4 ? nullptr : &*soa;
}

// Not where the answer is empty, or leads to a name that does not have what was asked for.
bool is_answered(const Response& response) {
  const auto last = std::find_if(response.answer.rbegin(), response.answer.rend(),
                                 [](const Record& record) { return record.type != Type::rrsig; });
  return last != response.answer.rend() && last->type != Type::cname;
}

// A denial has a SOA record (RFC 2308 section 2); an NXDOMAIN without is not to be told to anybody else.
std::optional<Kind> kind_of(const Response& response) {
  const bool has_soa = find_soa(response) != nullptr;
  if (response.rcode == Rcode::nxdomain) return has_soa ? std::optional(Kind::denial) : std::nullopt;
  if (response.rcode != Rcode::noerror) return std::nullopt;
  return has_soa && !is_answered(response) ? Kind::denial : Kind::success;
}

std::uint32_t ttl_of(const Response& response, Kind kind) {
  if (kind == Kind::success && response.answer.empty()) return kNoAnswerTtl;
  std::uint32_t ttl = kMostTtl;
  for (const auto* section : {&response.answer, &response.authority, &response.additional}) {
    for (const Record& record : *section) ttl = std::min(ttl, record.ttl);
  }
  const Record* const soa = kind == Kind::denial ? find_soa(response) : nullptr;
  return soa == nullptr ? ttl : std::min(ttl, load_u32(&soa->rdata[soa->rdata.size() - 4]));
}

constexpr std::size_t kPort = 2;  // bytes
constexpr std::size_t kMostError = 66, kMostErrors = 4;

void add_origin(const Endpoint& origin, std::vector<std::uint8_t>& bytes) {
  if (origin.port == 0) return bytes.push_back(0);
  const Bytes address = origin.address.bytes();
  bytes.push_back(static_cast<std::uint8_t>(address.size() + kPort));
  bytes.insert(bytes.end(), address.begin(), address.end());
  bytes.push_back(static_cast<std::uint8_t>(origin.port >> 8));
  bytes.push_back(static_cast<std::uint8_t>(origin.port & 0xFF));
}

bool read_origin(Bytes& rest, Endpoint& origin) {
  origin.port = 0;
  if (rest.empty() || rest.size() - 1 < rest[0]) return false;
  const Bytes said = rest.subspan(1, rest[0]);
  rest = rest.subspan(1U + said.size());
  if (said.empty()) return true;
  if (said.size() != 4 + kPort && said.size() != 16 + kPort) return false;
  const Bytes address = said.first(said.size() - kPort);
  origin = {.address = address.size() == 4 ? IpAddress::v4(address) : IpAddress::v6(address),
            .port = load_u16(&said[address.size()])};
  return true;
}

// A few of them, if they are short: what a client gets for asking must stay small.
void add_extended_errors(const Response& response, std::vector<std::uint8_t>& bytes) {
  const std::size_t count_at = bytes.size();
  bytes.push_back(0);
  for (const EdnsOption& option : response.options) {
    if (option.code != kOptionExtendedError || option.data.size() < 2 || option.data.size() > kMostError) continue;
    if (bytes[count_at] == kMostErrors) return;
    ++bytes[count_at];
    bytes.push_back(static_cast<std::uint8_t>(option.data.size()));
    bytes.insert(bytes.end(), option.data.begin(), option.data.end());
  }
}

bool read_extended_errors(Bytes& rest, Response& response) {
  if (rest.empty() || rest[0] > kMostErrors) return false;
  int left = rest[0];
  for (rest = rest.subspan(1); left > 0; --left) {
    if (rest.empty() || rest[0] < 2 || rest[0] > kMostError || rest.size() - 1 < rest[0]) return false;
    response.options.push_back({kOptionExtendedError, rest.subspan(1, rest[0])});
    rest = rest.subspan(1U + rest[0]);
  }
  return true;
}

// How many labels of `qname` are left out; nullopt where `name` is not at its end.
std::optional<std::uint8_t> labels_before(NameView name, NameView qname) {
  if (name.is_root()) return std::nullopt;
  std::uint8_t labels = 0;
  while (qname.size() > name.size()) qname = qname.parent(), ++labels;
  return name == qname ? std::optional(labels) : std::nullopt;
}

void add_record(const Record& record, NameView qname, std::vector<std::uint8_t>& bytes) {
  const auto labels = labels_before(record.owner, qname);
  std::array<std::uint8_t, kRecordHead> head;
  store_u16(head.data(), static_cast<std::uint16_t>(record.type));
  store_u16(&head[2], static_cast<std::uint16_t>(record.rclass));
  store_u32(&head[4], record.ttl);
  store_u16(&head[8], static_cast<std::uint16_t>(record.rdata.size()));
  head[10] = labels.value_or(kWholeName);
  bytes.insert(bytes.end(), head.begin(), head.end());
  if (!labels) bytes.insert(bytes.end(), record.owner.data(), record.owner.data() + record.owner.size());
  bytes.insert(bytes.end(), record.rdata.begin(), record.rdata.end());
}

// encode() goes through these names without a look at the end of the data.
bool has_its_names(const Record& record) {
  const NamesInRdata names = compressed_names(record.type);
  if (names.count == 0) return true;
  if (record.rdata.size() < names.before) return false;
  Bytes rest = record.rdata.subspan(names.before);
  for (int i = 0; i < names.count; ++i) {
    const std::size_t size = name_size_on_wire(rest);
    if (size == 0) return false;
    rest = rest.subspan(size);
  }
  return true;
}

bool read_record(Bytes& rest, const Query& query, Record& record) {
  if (rest.size() < kRecordHead) return false;
  const std::uint8_t labels = rest[10];
  const std::size_t size = load_u16(&rest[8]);
  record.type = static_cast<Type>(load_u16(rest.data()));
  record.rclass = static_cast<Class>(load_u16(&rest[2]));
  record.ttl = load_u32(&rest[4]);
  rest = rest.subspan(kRecordHead);
  if (labels == kWholeName) {
    const std::size_t name = name_size_on_wire(rest);
    if (name == 0) return false;
    record.owner = {rest.data(), name};
    rest = rest.subspan(name);
  } else {
    if (labels >= query.label_count) return false;
    record.owner = query.suffix(labels);
  }
  if (rest.size() < size) return false;
  record.rdata = rest.first(size);
  rest = rest.subspan(size);
  return has_its_names(record);
}

bool read_section(Bytes& rest, std::size_t count, const Query& query, std::vector<Record>& section) {
  if (count > rest.size() / kRecordHead) return false;
  section.resize(count);
  return std::ranges::all_of(section, [&](Record& record) { return read_record(rest, query, record); });
}

}  // namespace

Result<StoredAnswer> store(const Response& response, NameView qname) {
  StoredAnswer stored;
  if (const auto kind = kind_of(response)) {
    stored.kind = *kind;
    stored.ttl = ttl_of(response, *kind);
  } else {
    stored.kind = Kind::failure;
    const bool may_be_told = response.rcode == Rcode::servfail || response.rcode == Rcode::notimp;
    stored.ttl = may_be_told ? StoredAnswer::kAnyTime : 0;
  }
  stored.bytes.resize(kHead);
  store_u16(stored.bytes.data(),
            static_cast<std::uint16_t>((static_cast<unsigned>(response.rcode) & kRcode) |
                                       (response.authoritative ? kAa : 0U) | (response.recursion_available ? kRa : 0U) |
                                       (response.authentic ? kAd : 0U)));
  add_origin(response.origin, stored.bytes);
  add_extended_errors(response, stored.bytes);
  std::size_t at = 2;
  for (const auto* section : {&response.answer, &response.authority, &response.additional}) {
    store_u16(&stored.bytes[at], static_cast<std::uint16_t>(section->size()));
    at += 2;
    for (const Record& record : *section) {
      add_record(record, qname, stored.bytes);
      if (stored.bytes.size() > kMostBytes) return fail("the answer has more than {} bytes", kMostBytes);
    }
  }
  return stored;
}

bool load(Bytes stored, const Query& query, Response& response) {
  if (stored.size() < kHead) return false;
  const std::uint16_t flags = load_u16(stored.data());
  response.rcode = static_cast<Rcode>(flags & kRcode);
  response.authoritative = (flags & kAa) != 0;
  response.recursion_available = (flags & kRa) != 0;
  response.authentic = (flags & kAd) != 0;
  Bytes rest = stored.subspan(kHead);
  if (!read_origin(rest, response.origin) || !read_extended_errors(rest, response) ||
      !read_section(rest, load_u16(&stored[2]), query, response.answer) ||
      !read_section(rest, load_u16(&stored[4]), query, response.authority) ||
      !read_section(rest, load_u16(&stored[6]), query, response.additional)) {
    return false;
  }
  // Beside an answer they may be left out; beside a delegation they are glue (RFC 9471).
  for (Record& record : response.additional) record.optional = !response.answer.empty();
  return rest.empty();
}

}  // namespace swage::dns
