#include "tests/support/dns_message.h"

#include <fmt/format.h>
#include <ldns/ldns.h>

#include <fmt/format.h>
#include <algorithm>
#include <memory>

namespace swage::tests {
namespace {

constexpr std::size_t kHeader = 12;  // bytes

template <auto free_function>
struct Free {
  template <typename T>
  void operator()(T* pointer) const {
    free_function(pointer);
  }
};
using OwnedPacket = std::unique_ptr<ldns_pkt, Free<ldns_pkt_free>>;
using OwnedRecord = std::unique_ptr<ldns_rr, Free<ldns_rr_free>>;
using OwnedName = std::unique_ptr<ldns_rdf, Free<ldns_rdf_deep_free>>;
using OwnedText = std::unique_ptr<char, Free<std::free>>;

void append_u16(Packet& packet, std::uint16_t value) {
  packet.push_back(static_cast<std::uint8_t>(value >> 8));
  packet.push_back(static_cast<std::uint8_t>(value));
}

void append_opt(Packet& packet, const Opt& opt) {
  packet.push_back(0);  // owner: the root
  append_u16(packet, LDNS_RR_TYPE_OPT);
  append_u16(packet, opt.udp_size);
  packet.push_back(opt.extended_rcode);
  packet.push_back(opt.version);
  append_u16(packet, opt.flags);
  Packet data;
  for (const Option& option : opt.options) {
    append_u16(data, option.code);
    append_u16(data, static_cast<std::uint16_t>(option.data.size()));
    data.insert(data.end(), option.data.begin(), option.data.end());
  }
  append_u16(packet, static_cast<std::uint16_t>(data.size()));
  packet.insert(packet.end(), data.begin(), data.end());
}

Result<Opt> parse_opt(Bytes record) {
  if (record.size() < 11 || record[0] != 0) return fail("an OPT record whose owner is not the root");
  Opt opt{.udp_size = load_u16(&record[3]),
          .version = record[6],
          .extended_rcode = record[5],
          .flags = load_u16(&record[7])};
  for (Bytes rest = record.subspan(11); !rest.empty();) {
    const std::size_t length = rest.size() < 4 ? rest.size() : load_u16(&rest[2]);
    if (rest.size() < 4 + length) return fail("an EDNS option that ends after its record");
    opt.options.push_back({load_u16(rest.data()), std::string(as_text(rest.subspan(4, length)))});
    rest = rest.subspan(4 + length);
  }
  return opt;
}

// ldns ends a record with a newline and separates its fields by tabs.
std::string clean(const char* text) {
  std::string result(text);
  std::replace(result.begin(), result.end(), '\t', ' ');
  while (!result.empty() && (result.back() == '\n' || result.back() == ' ')) result.pop_back();
  return result;
}

// Reads the records of a message one after the other.
class Reader {
 public:
  explicit Reader(Bytes packet) : packet_(packet) {}

  Result<> question(Decoded& decoded) {
    TRY(const OwnedRecord record, next(LDNS_SECTION_QUESTION));
    const OwnedText name(ldns_rdf2str(ldns_rr_owner(record.get())));
    const OwnedText type(ldns_rr_type2str(ldns_rr_get_type(record.get())));
    const OwnedText rclass(ldns_rr_class2str(ldns_rr_get_class(record.get())));
    decoded.question.push_back(fmt::format("{} {} {}", name.get(), rclass.get(), type.get()));
    return {};
  }

  Result<> record(std::vector<std::string>& section, Decoded& decoded) {
    const std::size_t start = position_;
    TRY(const OwnedRecord record, next(LDNS_SECTION_ANSWER));
    if (ldns_rr_get_type(record.get()) != LDNS_RR_TYPE_OPT) {
      const OwnedText text(ldns_rr2str(record.get()));
      section.push_back(clean(text.get()));
      return {};
    }
    if (decoded.opt || &section != &decoded.additional) return fail("an OPT record too many or in a wrong section");
    TRY(decoded.opt, parse_opt(packet_.subspan(start, position_ - start)));
    decoded.rcode |= static_cast<unsigned>(decoded.opt->extended_rcode) << 4;
    return {};
  }

  Result<> end() const {
    if (position_ == packet_.size()) return {};
    return fail("{} bytes after the end of the message", packet_.size() - position_);
  }

 private:
  Result<OwnedRecord> next(ldns_pkt_section section) {
    ldns_rr* record = nullptr;
    const ldns_status status = ldns_wire2rr(&record, packet_.data(), packet_.size(), &position_, section);
    if (status != LDNS_STATUS_OK) return fail("at byte {}: {}", position_, ldns_get_errorstr_by_id(status));
    return OwnedRecord(record);
  }

  Bytes packet_;
  std::size_t position_ = kHeader;
};

std::string sorted_lines(std::string_view title, std::vector<std::string> records) {
  std::sort(records.begin(), records.end());
  std::string text;
  for (const std::string& record : records) text += fmt::format("  {:<10} {}\n", title, record);
  return text;
}

}  // namespace

const Option* Opt::option(std::uint16_t code) const {
  const auto found =
      std::find_if(options.begin(), options.end(), [&](const Option& each) { return each.code == code; });
  return found == options.end() ? nullptr : &*found;
}

Packet wire_name(std::string_view name) {
  const OwnedName parsed(ldns_dname_new_frm_str(std::string(name).c_str()));
  CHECK(parsed != nullptr);
  const std::uint8_t* data = ldns_rdf_data(parsed.get());
  return {data, data + ldns_rdf_size(parsed.get())};
}

std::uint16_t type_number(std::string_view mnemonic) {
  const auto type = ldns_get_rr_type_by_name(std::string(mnemonic).c_str());
  CHECK(type != 0 || mnemonic == "TYPE0");
  return static_cast<std::uint16_t>(type);
}

std::uint16_t class_number(std::string_view mnemonic) {
  const auto rclass = ldns_get_rr_class_by_name(std::string(mnemonic).c_str());
  CHECK(rclass != 0);
  return static_cast<std::uint16_t>(rclass);
}

Packet encode(const Question& question) {
  Packet packet;
  append_u16(packet, question.id);
  append_u16(packet, question.flags);
  for (const int count : {1, 0, 0, question.opt ? 1 : 0}) append_u16(packet, static_cast<std::uint16_t>(count));
  const Packet name = wire_name(question.name);
  packet.insert(packet.end(), name.begin(), name.end());
  append_u16(packet, type_number(question.type));
  append_u16(packet, class_number(question.rclass));
  if (question.opt) append_opt(packet, *question.opt);
  return packet;
}

Packet from_hex(std::string_view hex) {
  Packet packet;
  std::string digits;
  for (const char digit : hex) {
    if (std::isspace(static_cast<unsigned char>(digit)) == 0) digits += digit;
    if (digits.size() < 2) continue;
    packet.push_back(static_cast<std::uint8_t>(std::stoul(digits, nullptr, 16)));
    digits.clear();
  }
  CHECK(digits.empty());
  return packet;
}

std::string to_hex(Bytes bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    text += fmt::format("{}{:02x}", at != 0 && at % 2 == 0 ? " " : "", bytes[at]);
  }
  return text;
}

std::string Decoded::rcode_text() const {
  if (rcode == 4) return "NOTIMP";  // ldns: NOTIMPL
  if (rcode == 16) return "BADVERS";
  const ldns_lookup_table* entry = ldns_lookup_by_id(ldns_rcodes, static_cast<int>(rcode));
  return entry == nullptr ? fmt::format("RCODE{}", rcode) : entry->name;
}

std::string Decoded::to_string() const {
  std::string text = fmt::format("{} id {:04x} opcode {}", rcode_text(), id, opcode);
  for (const auto& [flag, name] : {std::pair(kQr, "qr"),
                                   {kAa, "aa"},
                                   {kTc, "tc"},
                                   {kRd, "rd"},
                                   {kRa, "ra"},
                                   {kZ, "z"},
                                   {kAd, "ad"},
                                   {kCd, "cd"}}) {
    if (has(flag)) text += fmt::format(" {}", name);
  }
  text += fmt::format(" counts {} {} {} {}, {} bytes\n", counts[0], counts[1], counts[2], counts[3], size);
  if (opt) {
    text += fmt::format("  opt        version {} size {} flags {:04x}", opt->version, opt->udp_size, opt->flags);
    for (const Option& option : opt->options) text += fmt::format(" {}={}", option.code, to_hex(as_bytes(option.data)));
    text += "\n";
  }
  return text + sorted_lines("question", question) + sorted_lines("answer", answer) +
         sorted_lines("authority", authority) + sorted_lines("additional", additional);
}

Result<Decoded> decode(Bytes packet) {
  if (packet.size() < kHeader) return fail("{} bytes are no message", packet.size());
  // ldns's own decoder of whole messages must accept it too.
  ldns_pkt* whole = nullptr;
  const ldns_status status = ldns_wire2pkt(&whole, packet.data(), packet.size());
  const OwnedPacket owner(whole);
  if (status != LDNS_STATUS_OK) return fail("{}: {}", ldns_get_errorstr_by_id(status), to_hex(packet));

  Decoded decoded;
  decoded.size = packet.size();
  decoded.id = load_u16(&packet[0]);
  decoded.flags = load_u16(&packet[2]);
  decoded.opcode = (decoded.flags >> 11) & 15U;
  decoded.rcode = decoded.flags & 15U;
  for (std::size_t at = 0; at < 4; ++at) decoded.counts[at] = load_u16(&packet[4 + 2 * at]);
  Reader reader(packet);
  for (unsigned at = 0; at < decoded.counts[0]; ++at) TRY(reader.question(decoded));
  std::vector<std::string>* const sections[] = {&decoded.answer, &decoded.authority, &decoded.additional};
  for (std::size_t section = 0; section < 3; ++section) {
    for (unsigned at = 0; at < decoded.counts[section + 1]; ++at) TRY(reader.record(*sections[section], decoded));
  }
  TRY(reader.end());
  return decoded;
}

}  // namespace swage::tests
