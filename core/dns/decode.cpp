#include "core/dns/decode.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/dns/parse.h"
#include "core/dns/rdata_check.h"
#include "core/dns/rdata_rules.h"
#include "core/dns/record_types.h"
#include "core/dns/wire_name.h"

namespace swage::dns {
namespace {

constexpr std::uint8_t kQr = 0x80, kAa = 0x04, kTc = 0x02, kRa = 0x80, kAd = 0x20;
constexpr std::size_t kRecordFixed = 10;  // type, class, TTL, RDLENGTH
constexpr std::size_t kMostRdata = 0xFFFF;
constexpr std::uint32_t kMaxTtl = 0x7FFF'FFFF;  // RFC 2181 section 8

class Decoder {
 public:
  enum class Of : std::uint8_t { response, next_response, update };

  Decoder(Bytes message, Of of, Response& response) : message_(message), of_(of), response_(response) {}

  Result<> run() {
    if (message_.size() < kHeaderSize) return fail("shorter than a header");
    if (of_ != Of::update && (message_[2] & kQr) == 0) return fail("not a response");
    if (of_ == Of::update && message_[2] >> 3 != static_cast<int>(Opcode::update)) return fail("not an update");
    const std::uint16_t questions = load_u16(&message_[4]);
    if (questions > 1 || (questions < 1 && of_ != Of::next_response)) return fail("not one question");
    if (questions == 1) TRY(read_question());
    read_flags();
    TRY(read_section(6, response_.answer));
    TRY(read_section(8, response_.authority));
    TRY(read_section(10, response_.additional));
    if (at_ != message_.size()) return fail("bytes after its end");
    return {};
  }

 private:
  Result<> read_question() {
    if (!read_name(message_, at_, name_) || message_.size() - at_ < 4) return fail("the question is cut short");
    at_ += 4;
    if (name_.size + 4 != at_ - kHeaderSize) return fail("the question is compressed");
    question_ = {&message_[kHeaderSize], name_.size};
    return {};
  }

  void read_flags() {
    response_.authoritative = (message_[2] & kAa) != 0;
    response_.truncated = (message_[2] & kTc) != 0;
    response_.recursion_available = (message_[3] & kRa) != 0;
    response_.authentic = (message_[3] & kAd) != 0;
    response_.rcode = static_cast<Rcode>(message_[3] & 0x0F);
  }

  Result<> read_section(std::size_t count_at, std::vector<Record>& section) {
    for (int left = load_u16(&message_[count_at]); left > 0; --left) TRY(read_record(section));
    return {};
  }

  Result<> read_record(std::vector<Record>& section) {
    if (!read_name(message_, at_, name_)) return fail("a record's owner is not a domain name");
    if (message_.size() - at_ < kRecordFixed) return fail("a record is cut short");
    const std::uint8_t* const fixed = &message_[at_];
    const auto type = static_cast<Type>(load_u16(fixed));
    const auto rclass = static_cast<Class>(load_u16(fixed + 2));
    const std::uint32_t ttl = load_u32(fixed + 4);
    const std::size_t size = load_u16(fixed + 8);
    at_ += kRecordFixed;
    if (message_.size() - at_ < size) return fail("a record is cut short");
    const Bytes data = message_.subspan(at_, size);
    at_ += size;
    if (type == Type::opt) return read_opt(ttl, data, section);
    if (is_of_message(type, data)) return {};
    Record record{owner(), type, rclass, ttl > kMaxTtl ? 0 : ttl, {}};
    if (!names_rrset(rclass, size)) {
      TRY(record.rdata, read_data(type, at_ - size, size));
      TRY(check_rdata(type, record.rdata));
    }
    section.push_back(record);
    return {};
  }

  // RFC 2136 sections 2.4 and 2.5.
  [[nodiscard]] bool names_rrset(Class rclass, std::size_t size) const {
    return of_ == Of::update && size == 0 && (rclass == Class::any || rclass == Class::none);
  }

  // TSIG, and SIG(0): RFC 2931 section 3.1.
  static bool is_of_message(Type type, Bytes data) {
    return type == Type::tsig || (type == Type::sig && data.size() >= 2 && load_u16(data.data()) == 0);
  }

  NameView owner() {
    const NameView name = name_.view();
    return name.same_spelling(question_) ? question_ : response_.arena.copy(name);
  }

  Result<> read_opt(std::uint32_t flags, Bytes data, const std::vector<Record>& section) {
    if (&section != &response_.additional || has_opt_ || name_.size != 1) return fail("an OPT record out of place");
    has_opt_ = true;
    response_.rcode = static_cast<Rcode>(static_cast<unsigned>(response_.rcode) | flags >> 24 << 4);
    while (!data.empty()) {
      if (data.size() < 4 || data.size() - 4 < load_u16(&data[2])) return fail("an option is cut short");
      const std::size_t size = load_u16(&data[2]);
      response_.options.push_back({load_u16(data.data()), data.subspan(4, size)});
      data = data.subspan(4 + size);
    }
    return {};
  }

  // The data without compression. What has no names, or none before fields whose size is not known, is as it came.
  Result<Bytes> read_data(Type type, std::size_t at, std::size_t size) {
    const RecordType* const known = record_type(type);
    const Bytes whole = message_.subspan(at, size);
    if (known == nullptr || known->fields.find_first_of("nNoO") == std::string_view::npos) return whole;
    data_.clear();
    const std::size_t end = at + size;
    for (const char field : known->fields) {
      if (is_name_field(field)) {
        WireName name;
        if (!read_name(message_.first(end), at, name)) return fail("{}: not a domain name", to_string(type));
        data_.insert(data_.end(), name.bytes.begin(), name.bytes.begin() + static_cast<std::ptrdiff_t>(name.size));
        continue;
      }
      const std::optional<std::size_t> length = field_size(field, message_.subspan(at, end - at));
      if (!length) break;
      take(at, *length);
    }
    take(at, end - at);
    if (data_.size() > kMostRdata) return fail("{}: the data are too long", to_string(type));
    return response_.arena.copy(data_);
  }

  // Of fields that come before names.
  static std::optional<std::size_t> field_size(char field, Bytes rest) {
    std::size_t size = fixed_size(field);
    if (field == 'c' && !rest.empty()) size = 1U + rest[0];
    if (size == 0 || size > rest.size()) return std::nullopt;
    return size;
  }

  void take(std::size_t& at, std::size_t size) {
    data_.insert(data_.end(), message_.begin() + static_cast<std::ptrdiff_t>(at),
                 message_.begin() + static_cast<std::ptrdiff_t>(at + size));
    at += size;
  }

  Bytes message_;
  Of of_;
  Response& response_;
  std::size_t at_ = kHeaderSize;
  WireName name_;
  NameView question_;
  bool has_opt_ = false;
  std::vector<std::uint8_t> data_;
};

}  // namespace

Result<> decode(Bytes message, Response& response) { return Decoder(message, Decoder::Of::response, response).run(); }

Result<> decode_next(Bytes message, Response& response) {
  return Decoder(message, Decoder::Of::next_response, response).run();
}

Result<> decode_update(Bytes message, Response& response) {
  return Decoder(message, Decoder::Of::update, response).run();
}

}  // namespace swage::dns
