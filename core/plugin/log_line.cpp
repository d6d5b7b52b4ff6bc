#include "core/plugin/log_line.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace swage::log_line {

using dns::Rcode;
using dns::Transport;
using dns::Type;

namespace {

bool holds(const std::vector<dns::Record>& section, Type type) {
  return std::any_of(section.begin(), section.end(), [type](const dns::Record& record) { return record.type == type; });
}

void append_number(std::string& line, std::uint64_t number) {
  char digits[20];
  line.append(digits, std::to_chars(digits, std::end(digits), number).ptr);
}

// `count` digits, with leading zeros.
void append_digits(std::string& line, std::uint64_t number, std::size_t count) {
  line.resize(line.size() + count);
  for (auto at = line.rbegin(); count != 0; --count, number /= 10) *at++ = static_cast<char>('0' + number % 10);
}

// In brackets where it is IPv6, so that a port can follow. IpAddress::to_string() would allocate.
void append_address(std::string& line, const IpAddress& address) {
  char text[INET6_ADDRSTRLEN];
  CHECK(inet_ntop(address.is_v6() ? AF_INET6 : AF_INET, address.bytes().data(), text, sizeof text) != nullptr);
  if (address.is_v6()) line += '[';
  line += text;
  if (address.is_v6()) line += ']';
}

// As few decimals as say it all: "0.0000123s".
void append_seconds(std::string& line, std::chrono::nanoseconds duration) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto nanoseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
  append_number(line, nanoseconds / kSecond);
  if (nanoseconds % kSecond != 0) {
    line += '.';
    append_digits(line, nanoseconds % kSecond, 9);
    line.erase(line.find_last_not_of('0') + 1);
  }
  line += 's';
}

std::string_view text(Kind kind) {
  switch (kind) {
    case Kind::noerror:
      return "NOERROR";
    case Kind::nodata:
      return "NODATA";
    case Kind::nxdomain:
      return "NXDOMAIN";
    case Kind::delegation:
      return "DELEGATION";
    case Kind::server_error:
      return "SERVERERROR";
    case Kind::meta:
      return "META";
    case Kind::update:
      return "UPDATE";
    case Kind::other_error:
      return "OTHERERROR";
  }
  return "-";
}

std::string_view text(Class value) {
  switch (value) {
    case Class::success:
      return "success";
    case Class::denial:
      return "denial";
    case Class::error:
      return "error";
  }
  return "-";
}

std::uint64_t buffer_size(const dns::Query& query) {
  if (query.transport == Transport::tcp) return 65535;
  return std::max<std::uint64_t>(query.edns.present ? query.edns.udp_size : 0, 512);
}

void append_flags(std::string& line, const Event& event) {
  line += "qr";
  if (event.response.authoritative) line += ",aa";
  if (event.response.truncated) line += ",tc";
  if (event.query.recursion_desired) line += ",rd";
  if (event.query.checking_disabled) line += ",cd";
}

// `text` with each `name` replaced by `value`.
std::string replaced(std::string text, std::string_view name, std::string_view value) {
  for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size()) {
    text.replace(at, name.size(), value);
  }
  return text;
}

// "{foo}", "{>id}"; not the braces of JSON around something else.
bool looks_like_placeholder(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./>";
  return text.size() > 2 && text.starts_with('{') && text.find_first_not_of(kLetters, 1) == text.size() - 1;
}

constexpr std::string_view kCommon =
    "{remote}:{port} - {>id} \"{type} {class} {name} {proto} {size} {>do} {>bufsize}\" {rcode} {>rflags} {rsize} "
    "{duration}";
constexpr std::string_view kCombined = "{common} \"{>opcode}\"";

}  // namespace

Kind kind_of(const dns::Query& query, const dns::Response& response) {
  if (query.opcode == dns::Opcode::update) return Kind::update;
  if (query.opcode == dns::Opcode::notify) return Kind::meta;
  if (query.qtype == Type::axfr || query.qtype == Type::ixfr) return Kind::meta;
  switch (response.rcode) {
    case Rcode::noerror:
      if (!response.answer.empty()) return Kind::noerror;
      if (holds(response.authority, Type::soa)) return Kind::nodata;
      return holds(response.authority, Type::ns) ? Kind::delegation : Kind::noerror;
    case Rcode::nxdomain:
      return response.answer.empty() ? Kind::nxdomain : Kind::other_error;
    case Rcode::servfail:
    case Rcode::notimp:
      return Kind::server_error;
    default:
      return Kind::other_error;
  }
}

Class class_of(Kind kind) {
  switch (kind) {
    case Kind::noerror:
    case Kind::delegation:
      return Class::success;
    case Kind::nodata:
    case Kind::nxdomain:
      return Class::denial;
    default:
      return Class::error;
  }
}

std::optional<Class> parse_class(std::string_view word) {
  for (const Class value : {Class::success, Class::denial, Class::error}) {
    if (text(value) == word) return value;
  }
  return std::nullopt;
}

const Format::Placeholder Format::kPlaceholders[] = {
    {"{type}", [](std::string& line, const Event& event) { line += dns::to_string(event.query.qtype); }},
    {"{name}", [](std::string& line, const Event& event) { event.query.key.view().append_to(line); }},
    {"{class}", [](std::string& line, const Event& event) { line += dns::to_string(event.query.qclass); }},
    {"{proto}",
     [](std::string& line, const Event& event) {
       if (event.query.scheme != Scheme::dns) {
         line += to_string(event.query.scheme);
       } else {
         line += event.query.transport == Transport::tcp ? "tcp" : "udp";
       }
     }},
    {"{remote}", [](std::string& line, const Event& event) { append_address(line, event.query.client.address); }},
    {"{port}", [](std::string& line, const Event& event) { append_number(line, event.query.client.port); }},
    {"{local}", [](std::string& line, const Event& event) { append_address(line, event.query.server.address); }},
    {"{size}", [](std::string& line, const Event& event) { append_number(line, event.query.message.size()); }},
    {"{rsize}", [](std::string& line, const Event& event) { append_number(line, event.size); }},
    {"{rcode}", [](std::string& line, const Event& event) { line += dns::to_string(event.response.rcode); }},
    {"{duration}", [](std::string& line, const Event& event) { append_seconds(line, event.duration); }},
    {"{>id}", [](std::string& line, const Event& event) { append_number(line, event.query.id); }},
    {"{>opcode}",
     [](std::string& line, const Event& event) { append_number(line, static_cast<unsigned>(event.query.opcode)); }},
    {"{>do}", [](std::string& line, const Event& event) { line += event.query.edns.dnssec_ok ? "true" : "false"; }},
    {"{>bufsize}", [](std::string& line, const Event& event) { append_number(line, buffer_size(event.query)); }},
    {"{>rflags}", append_flags},
    {"{/log/class}", [](std::string& line, const Event& event) { line += text(class_of(event.kind)); }},
    {"{/log/type}", [](std::string& line, const Event& event) { line += text(event.kind); }},
};

Format::Append Format::find(std::string_view placeholder) {
  for (const Placeholder& known : kPlaceholders) {
    if (known.name == placeholder) return known.append;
  }
  return nullptr;
}

Format::Format(std::string_view text) {
  const std::string whole = replaced(replaced(std::string(text), "{combined}", kCombined), "{common}", kCommon);
  std::string_view rest = whole;
  std::string before;
  // From each right brace back to its left one, so that "{ {name} }" holds a placeholder.
  for (std::size_t end; (end = rest.find('}')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
    const std::size_t start = std::min(rest.substr(0, end).rfind('{'), end);
    const std::string_view placeholder = rest.substr(start, end + 1 - start);
    const Append append = find(placeholder);
    const bool is_label = append == nullptr && placeholder.starts_with("{/");
    if (append == nullptr && !is_label && looks_like_placeholder(placeholder)) unknown_.emplace_back(placeholder);
    before += rest.substr(0, append != nullptr || is_label ? start : end + 1);
    if (append != nullptr) pieces_.push_back({std::exchange(before, {}), append});
    if (is_label) {
      pieces_.push_back(
          {std::exchange(before, {}), nullptr, true, std::string(placeholder.substr(2, placeholder.size() - 3))});
    }
  }
  pieces_.push_back({before.append(rest), nullptr});
}

std::vector<std::string> Format::labels() const {
  std::vector<std::string> labels;
  for (const Piece& piece : pieces_) {
    if (piece.is_label) labels.push_back(piece.label);
  }
  return labels;
}

void Format::append_to(std::string& line, const Event& event) const {
  for (const Piece& piece : pieces_) {
    line += piece.text;
    if (piece.is_label) {
      if (event.metadata == nullptr || !event.metadata->append(piece.label, event.query, line)) line += '-';
    } else if (piece.append != nullptr) {
      piece.append(line, event);
    }
  }
}

}  // namespace swage::log_line
