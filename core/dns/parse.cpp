#include "core/dns/parse.h"

namespace swage::dns {
namespace {

constexpr std::size_t kRecordFixed = 10;  // type, class, TTL, RDLENGTH (RFC 1035 section 4.1.3)

// Walks over a message; every step says whether it stayed inside.
class Cursor {
 public:
  explicit Cursor(Bytes message) : message_(message) {}

  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool at_end() const { return at_ == message_.size(); }
  [[nodiscard]] const std::uint8_t* here() const { return message_.data() + at_; }
  [[nodiscard]] bool has(std::size_t size) const { return message_.size() - at_ >= size; }
  void skip(std::size_t size) { at_ += size; }

  // The question's name: uncompressed (nothing precedes it that a pointer could mean).
  [[nodiscard]] bool question_name(Query& query) {
    const std::size_t start = at_;
    std::uint8_t count = 0;
    while (true) {
      if (!has(1)) return false;
      const std::uint8_t length = *here();
      query.labels[count] = static_cast<std::uint8_t>(at_ - start);
      if (length == 0) break;
      if (length > kMaxLabel || !has(1U + length)) return false;
      skip(1U + length);
      if (at_ - start >= kMaxName) return false;
      ++count;
    }
    skip(1);
    query.label_count = count;
    query.qname = NameView(message_.data() + start, at_ - start);
    query.key.assign_lowercased(query.qname);
    return true;
  }

  // The whole question (RFC 1035 section 4.1.2).
  [[nodiscard]] bool question(Query& query) {
    if (!question_name(query) || !has(4)) return false;
    query.qtype = static_cast<Type>(load_u16(here()));
    query.qclass = static_cast<Class>(load_u16(here() + 2));
    skip(4);
    return true;
  }

  // A record's owner, compressed or not; pointers are not followed.
  [[nodiscard]] bool skip_name() {
    while (has(1)) {
      const std::uint8_t length = *here();
      if (length >= 0xC0) {
        if (!has(2)) return false;
        skip(2);
        return true;
      }
      if (length > kMaxLabel || !has(1U + length)) return false;
      skip(1U + length);
      if (length == 0) return true;
    }
    return false;
  }

 private:
  Bytes message_;
  std::size_t at_ = kHeaderSize;
};

bool options_are_well_formed(Bytes options) {
  while (!options.empty()) {
    if (options.size() < 4) return false;
    const std::size_t size = 4U + load_u16(options.data() + 2);
    if (options.size() < size) return false;
    options = options.subspan(size);
  }
  return true;
}

bool parse_record(Cursor& cursor, bool may_be_opt, Edns& edns, Type& type) {
  const bool at_root = cursor.has(1) && *cursor.here() == 0;
  if (!cursor.skip_name() || !cursor.has(kRecordFixed)) return false;
  const std::uint8_t* const fixed = cursor.here();
  const std::size_t rdlength = load_u16(fixed + 8);
  cursor.skip(kRecordFixed);
  if (!cursor.has(rdlength)) return false;
  type = static_cast<Type>(load_u16(fixed));
  if (type == Type::opt) {
    if (!may_be_opt || !at_root || edns.present) return false;
    edns.present = true;
    edns.udp_size = load_u16(fixed + 2);
    edns.version = fixed[5];
    edns.dnssec_ok = (fixed[6] & 0x80) != 0;
    edns.compact_ok = (fixed[6] & 0x40) != 0;
    if (edns.version == 0) {  // what options of other versions look like is not known
      const Bytes options(cursor.here(), rdlength);
      if (!options_are_well_formed(options)) return false;
      edns.options = options;
    }
  }
  cursor.skip(rdlength);
  return true;
}

// The OPT record of a message that is refused for its header: the answer has one too, then. The counts are as the
// header says; where the message does not follow them, there is none, or the one that was reached.
void find_opt(Bytes message, Edns& edns) {
  Cursor cursor(message);
  const auto count = [message](std::size_t at) { return load_u16(message.data() + at); };
  Type type{};
  for (int i = 0; i < count(4); ++i) {
    if (!cursor.skip_name() || !cursor.has(4)) return;
    cursor.skip(4);
  }
  for (int i = 0; i < count(6) + count(8); ++i) {
    if (!parse_record(cursor, false, edns, type)) return;
  }
  for (int i = 0; i < count(10); ++i) {
    if (!parse_record(cursor, true, edns, type)) return;
  }
}

Parsed parse_update(Bytes message, Query& query) {
  find_opt(message, query.edns);
  Cursor cursor(message);
  if (load_u16(message.data() + 4) == 0 || !cursor.question(query)) return Parsed::notimp;
  query.authentic_data = false;
  return query.edns.version == 0 ? Parsed::query : Parsed::badvers;
}

}  // namespace

Parsed parse(Bytes message, Query& query) {
  if (message.size() < kHeaderSize) return Parsed::drop;
  const std::uint8_t* const header = message.data();
  if ((header[2] & 0x80) != 0) return Parsed::drop;  // QR
  query.message = message;
  query.id = load_u16(header);
  query.opcode = static_cast<Opcode>((header[2] >> 3) & 0x0F);
  query.recursion_desired = (header[2] & 0x01) != 0;
  query.checking_disabled = (header[3] & 0x10) != 0;
  query.edns = Edns{};
  query.tsig_at = 0;
  if (query.opcode != Opcode::query && query.opcode != Opcode::notify) {
    if (query.opcode == Opcode::update) return parse_update(message, query);
    find_opt(message, query.edns);
    return Parsed::notimp;
  }

  const std::uint16_t answers = load_u16(header + 6);
  const std::uint16_t authorities = load_u16(header + 8);
  const std::uint16_t additionals = load_u16(header + 10);
  if (load_u16(header + 4) != 1 || answers > 1 || authorities > 1 || additionals > 2) {
    find_opt(message, query.edns);
    return Parsed::formerr;
  }

  Cursor cursor(message);
  if (!cursor.question(query)) return Parsed::formerr;

  Type type{};
  for (int i = 0; i < answers + authorities; ++i) {
    if (!parse_record(cursor, false, query.edns, type) || type == Type::tsig) return Parsed::formerr;
  }
  for (int i = 0; i < additionals; ++i) {
    const std::size_t start = cursor.at();
    if (query.tsig_at != 0 || !parse_record(cursor, true, query.edns, type)) return Parsed::formerr;
    if (type == Type::tsig) query.tsig_at = static_cast<std::uint16_t>(start);  // the last one (RFC 8945 section 5.1)
  }
  if (!cursor.at_end()) return Parsed::formerr;
  query.authentic_data = (header[3] & 0x20) != 0;
  if (query.edns.version != 0) return Parsed::badvers;
  if (query.qtype == Type::nxname) return Parsed::formerr;  // stands in NSEC records alone (RFC 9824 section 3.4)
  return Parsed::query;
}

}  // namespace swage::dns
