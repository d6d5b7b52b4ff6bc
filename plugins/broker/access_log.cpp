#include "plugins/broker/access_log.h"

#include <fmt/format.h>

#include "core/log.h"

namespace swage::plugins::broker {
namespace {

constexpr std::size_t kMaxText = 256;  // bytes of each thing that the client says; what is longer is cut

// As Go's %q, but for bytes that are not ASCII or not printable: those are always \xNN.
std::string quoted(std::string_view text) {
  std::string line = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c >= ' ' && c <= '~') {
      line += c;
    } else {
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return line + '"';
}

std::string plain_word(std::string_view text) {
  std::string line;
  for (const char c : text) line += c > ' ' && c <= '~' ? c : '?';
  return line;
}

// `count` of units of 10^`digits`, without zeros at the end of the fraction.
std::string decimal(std::uint64_t count, unsigned digits) {
  std::uint64_t unit = 1;
  for (unsigned i = 0; i < digits; ++i) unit *= 10;
  std::string text = std::to_string(count / unit);
  if (count % unit == 0) return text;
  text += fmt::format(".{:0{}}", count % unit, digits);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

}  // namespace

std::string go_duration(std::chrono::nanoseconds duration) {
  constexpr std::uint64_t kSecond = 1'000'000'000, kMinute = 60 * kSecond;
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count == 0) return "0s";
  if (count < 1'000) return decimal(count, 0) + "ns";
  if (count < 1'000'000) return decimal(count, 3) + "µs";
  if (count < kSecond) return decimal(count, 6) + "ms";
  std::string text;
  if (count >= 60 * kMinute) text += fmt::format("{}h", count / (60 * kMinute));
  if (count >= kMinute) text += fmt::format("{}m", count / kMinute % 60);
  return text + decimal(count % kMinute, 9) + "s";
}

std::string access_line(std::string_view method, std::string_view target, unsigned status,
                        std::chrono::nanoseconds duration, std::string_view agent) {
  return fmt::format("{} {} (status={} dt={} ua={})", plain_word(method), plain_word(target), status,
                     go_duration(duration), quoted(agent));
}

AccessLog::Request::Request(AccessLog& log, const http::Request& request) : log_(log) {
  if (log.name_.empty()) return;
  method_ = request.method.substr(0, kMaxText);
  target_ = request.target.substr(0, kMaxText);
  agent_ = request.fields.find("User-Agent").value_or("").substr(0, kMaxText);
}

void AccessLog::Request::answered(unsigned status) const {
  if (log_.name_.empty()) return;
  const auto now = std::chrono::steady_clock::now();
  const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  if (!log_.lines_.may_log(time.count())) return;
  log::info("plugin/{}: {}", log_.name_, access_line(method_, target_, status, now - began_, agent_));
}

}  // namespace swage::plugins::broker
