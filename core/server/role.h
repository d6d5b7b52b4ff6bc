// Role: what a child process of the supervisor is there for.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace swage::server {

struct Role {
  enum class Kind : std::uint8_t {
    dns,     // a dns process that answers over UDP
    stream,  // one that answers over TCP, TLS and HTTPS
    service,
    fetch,
  };

  Kind kind = Kind::dns;
  std::size_t number = 0;  // which of the dns processes, of both kinds

  [[nodiscard]] static Role dns(std::size_t number) { return {Kind::dns, number}; }
  [[nodiscard]] static Role stream(std::size_t number) { return {Kind::stream, number}; }
  [[nodiscard]] static Role service() { return {Kind::service}; }
  [[nodiscard]] static Role fetch() { return {Kind::fetch}; }

  // A dns process, of either kind.
  [[nodiscard]] bool is_dns() const { return kind == Kind::dns || kind == Kind::stream; }
  [[nodiscard]] bool is_service() const { return kind == Kind::service; }
  [[nodiscard]] bool is_fetch() const { return kind == Kind::fetch; }
  // As `swage @dns` and in metrics.
  [[nodiscard]] const char* kind_name() const {
    switch (kind) {
      case Kind::dns:
        return "dns";
      case Kind::stream:
        return "stream";
      case Kind::service:
        return "service";
      case Kind::fetch:
        return "fetch";
    }
    return "";
  }
  // For the log: "dns 0", "stream 1", "service".
  [[nodiscard]] std::string name() const { return is_dns() ? fmt::format("{} {}", kind_name(), number) : kind_name(); }
  auto operator<=>(const Role&) const = default;
};

}  // namespace swage::server
