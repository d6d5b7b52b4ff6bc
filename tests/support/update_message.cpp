#include "tests/support/update_message.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/dns/types.h"
#include "core/text.h"
#include "core/zonefile/record_parser.h"
#include "tests/support/dns_message.h"

namespace swage::tests {
namespace {

void append(Packet& to, Bytes bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

void append_u16(Packet& to, std::uint16_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

struct Line {
  std::string_view name, type = "ANY", data;
  std::uint16_t rclass = 1;
  std::uint32_t ttl = 0;
};

Packet record(const Line& line) {
  Packet bytes = wire_name(line.name);
  append_u16(bytes, type_number(line.type));
  append_u16(bytes, line.rclass);
  append_u16(bytes, static_cast<std::uint16_t>(line.ttl >> 16));
  append_u16(bytes, static_cast<std::uint16_t>(line.ttl));
  if (line.data.empty()) {
    append_u16(bytes, 0);
    return bytes;
  }
  zonefile::RecordParser parser;
  const auto parsed = parser.parse(fmt::format("{} 0 IN {} {}", line.name, line.type, line.data));
  if (!parsed) std::fprintf(stderr, "%s\n", parsed.error().text().c_str());
  CHECK(parsed.has_value());
  append_u16(bytes, static_cast<std::uint16_t>(parser.rdata().size()));
  append(bytes, parser.rdata());
  return bytes;
}

std::string_view rest_of(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

void take_class_and_ttl(std::string_view word, Line& line) {
  line.rclass = class_number(word.substr(0, word.find('/')));
  CHECK(parse_number(word.substr(word.find('/') + 1), line.ttl));
}

Line name_type_data(std::string_view rest, Line line) {
  line.name = take_word(rest);
  if (const std::string_view type = take_word(rest); !type.empty()) line.type = type;
  line.data = rest_of(rest);
  return line;
}

Line prerequisite(std::string_view rest) {
  const std::string_view kind = take_word(rest);
  Line line;
  if (kind.find('/') != std::string_view::npos) {
    take_class_and_ttl(kind, line);
    return name_type_data(rest, line);
  }
  line = name_type_data(rest, line);
  const bool is_not = kind.starts_with("nx");
  line.rclass = is_not ? 254 : line.data.empty() ? 255 : 1;
  return line;
}

Line change(std::string_view kind, std::string_view rest) {
  Line line;
  if (kind.find('/') != std::string_view::npos) {
    take_class_and_ttl(kind, line);
    return name_type_data(rest, line);
  }
  if (kind == "add") {
    const std::string_view name = take_word(rest);
    CHECK(parse_number(take_word(rest), line.ttl));
    const std::string_view type = take_word(rest);
    return {name, type, rest_of(rest), 1, line.ttl};
  }
  CHECK(kind == "del");
  line = name_type_data(rest, line);
  line.rclass = line.data.empty() ? 255 : 254;
  return line;
}

}  // namespace

Packet update_message(std::string_view zone, std::string_view lines, std::uint16_t id) {
  Packet prerequisites, changes;
  std::uint16_t prerequisite_count = 0, change_count = 0;
  while (!lines.empty()) {
    std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::string_view word = take_word(line);
    if (word.empty()) continue;
    if (word == "prereq") {
      append(prerequisites, record(prerequisite(line)));
      ++prerequisite_count;
    } else {
      append(changes, record(change(word, line)));
      ++change_count;
    }
  }
  Packet message;
  append_u16(message, id);
  append_u16(message, 5 << 11);
  append_u16(message, 1);
  append_u16(message, prerequisite_count);
  append_u16(message, change_count);
  append_u16(message, 0);
  append(message, wire_name(zone));
  append_u16(message, 6);
  append_u16(message, 1);
  append(message, prerequisites);
  append(message, changes);
  return message;
}

}  // namespace swage::tests
