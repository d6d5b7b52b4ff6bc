#include "core/zonefile/writer.h"

#include <arpa/inet.h>

#include <array>
#include <ctime>
#include <optional>

#include <fmt/format.h>

#include "core/dns/base_encodings.h"
#include "core/dns/rdata_check.h"
#include "core/dns/record_types.h"
#include "core/new_file.h"

namespace swage::zonefile {
namespace {

constexpr std::size_t kBuffer = std::size_t{1} << 20;  // bytes that are written at a time
constexpr mode_t kMode = 0644;                         // what is in it is what all may ask for

// One record's data; its fields in order. False from any of them: they have no text here, or are not whole.
class DataText {
 public:
  DataText(Bytes rest, std::string& text) : rest_(rest), text_(text) {}

  [[nodiscard]] bool append(std::string_view fields) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (i > 0) text_ += ' ';
      if (!field(fields[i])) return false;
    }
    return rest_.empty();
  }

 private:
  [[nodiscard]] std::optional<Bytes> take(std::size_t size) {
    if (rest_.size() < size) return std::nullopt;
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  [[nodiscard]] Bytes take_all() { return std::exchange(rest_, {}); }

  bool field(char kind);
  bool number(char kind);
  bool address(int family, std::size_t size);
  bool name();
  bool string();
  bool strings();
  bool bitmap();
  bool salt();
  bool hash();

  Bytes rest_;
  std::string& text_;
};

bool DataText::field(char kind) {
  if (dns::is_name_field(kind)) return name();
  switch (kind) {
    case 'a':
      return address(AF_INET, 4);
    case 'q':
      return address(AF_INET6, 16);
    case 'c':
      return string();
    case 's':
      return strings();
    case 'm':
      return bitmap();
    case 'z':
      return salt();
    case 'h':
      return hash();
    case 'x':
      if (rest_.empty()) return false;
      dns::encode_hex(take_all(), text_);
      return true;
    case 'b':
      if (rest_.empty()) return false;
      dns::encode_base64(take_all(), text_);
      return true;
    default:
      return number(kind);
  }
}

bool DataText::number(char kind) {
  constexpr std::string_view kKnown = "124gytd";
  if (kKnown.find(kind) == std::string_view::npos) return false;
  const auto taken = take(dns::fixed_size(kind));
  if (!taken) return false;
  std::uint32_t value = 0;
  for (const std::uint8_t byte : *taken) value = value << 8 | byte;
  if (kind == 'y') {
    text_ += to_string(dns::Type{static_cast<std::uint16_t>(value)});
  } else if (kind == 'd') {  // RFC 4034 section 3.2
    const std::time_t time = value;
    std::tm parts{};
    gmtime_r(&time, &parts);
    fmt::format_to(std::back_inserter(text_), "{:04}{:02}{:02}{:02}{:02}{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                   parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  } else {
    fmt::format_to(std::back_inserter(text_), "{}", value);
  }
  return true;
}

bool DataText::address(int family, std::size_t size) {
  const auto taken = take(size);
  std::array<char, INET6_ADDRSTRLEN> address;
  if (!taken || inet_ntop(family, taken->data(), address.data(), address.size()) == nullptr) return false;
  text_ += address.data();
  return true;
}

bool DataText::name() {
  const std::size_t size = dns::name_size_on_wire(rest_);
  const auto taken = take(size);
  if (size == 0 || !taken) return false;
  dns::NameView(taken->data(), size).append_to(text_);
  return true;
}

bool DataText::string() {
  const auto size = take(1);
  const auto taken = size ? take(size->front()) : std::nullopt;
  if (!taken) return false;
  text_ += '"';
  for (const std::uint8_t byte : *taken) {
    if (byte < ' ' || byte > '~') {
      fmt::format_to(std::back_inserter(text_), "\\{:03}", byte);
      continue;
    }
    if (byte == '"' || byte == '\\') text_ += '\\';
    text_ += static_cast<char>(byte);
  }
  text_ += '"';
  return true;
}

bool DataText::strings() {
  if (!string()) return false;
  while (!rest_.empty()) {
    text_ += ' ';
    if (!string()) return false;
  }
  return true;
}

bool DataText::bitmap() {
  if (rest_.empty() && text_.ends_with(' ')) text_.pop_back();  // of an empty non-terminal
  bool first = true;
  while (!rest_.empty()) {
    const auto head = take(2);
    const auto bits = head ? take((*head)[1]) : std::nullopt;
    if (!bits) return false;
    for (std::size_t i = 0; i < 8 * bits->size(); ++i) {
      if (((*bits)[i / 8] & 0x80 >> i % 8) == 0) continue;
      if (!std::exchange(first, false)) text_ += ' ';
      text_ += to_string(dns::Type{static_cast<std::uint16_t>((*head)[0] << 8 | i)});
    }
  }
  return true;
}

bool DataText::salt() {
  const auto size = take(1);
  const auto taken = size ? take(size->front()) : std::nullopt;
  if (!taken) return false;
  if (taken->empty()) text_ += '-';
  dns::encode_hex(*taken, text_);
  return true;
}

bool DataText::hash() {
  const auto size = take(1);
  const auto taken = size ? take(size->front()) : std::nullopt;
  if (!taken || taken->empty()) return false;
  dns::encode_base32hex(*taken, text_);
  return true;
}

Result<> write_zone(NewFile& file, Bytes image, std::string_view comment) {
  std::string text = fmt::format("; {}\n", comment);
  zone::AllRecords records(image);
  while (const std::optional<zone::ZoneRecord> record = records.next()) {
    append_line(*record, text);
    if (text.size() < kBuffer) continue;
    TRY(file.write(as_bytes(text)));
    text.clear();
  }
  return file.write(as_bytes(text));
}

}  // namespace

void append_line(const zone::ZoneRecord& record, std::string& text) {
  record.owner.append_to(text);
  fmt::format_to(std::back_inserter(text), " {} {} ", record.ttl, to_string(record.type));
  const std::size_t size = text.size();
  const dns::RecordType* const type = dns::record_type(record.type);
  const bool in_fields = type != nullptr && !type->fields.empty() && type->text == dns::TextForm::fields;
  if (!in_fields || !DataText(record.rdata, text).append(type->fields)) {
    text.resize(size);
    fmt::format_to(std::back_inserter(text), "\\# {} ", record.rdata.size());
    dns::encode_hex(record.rdata, text);
  }
  text += '\n';
}

Result<> save(const std::string& path, Bytes image, std::string_view comment) {
  TRY(NewFile file, NewFile::create_alone(path, kMode));
  TRY(write_zone(file, image, comment));
  return file.replace();
}

}  // namespace swage::zonefile
