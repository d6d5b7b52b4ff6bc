// What is said of a query and its response in a line: text with placeholders such as {name}, compiled once at setup.
// The plugins `log` and `dnstap`; the README of `log` has the list. No clock and no output of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/dns/query.h"
#include "core/dns/response.h"
#include "core/plugin/metadata.h"

namespace swage::log_line {

// What became of a query, in the words and by the rules of CoreDNS.
enum class Kind : std::uint8_t { noerror, nodata, nxdomain, delegation, server_error, meta, update, other_error };
enum class Class : std::uint8_t { success, denial, error };

[[nodiscard]] Kind kind_of(const dns::Query& query, const dns::Response& response);
[[nodiscard]] Class class_of(Kind kind);
[[nodiscard]] std::optional<Class> parse_class(std::string_view word);  // nullopt where it is none

// All that a line can tell.
struct Event {
  const dns::Query& query;
  const dns::Response& response;
  Kind kind;
  std::size_t size;  // bytes of the encoded response
  std::chrono::nanoseconds duration;
  const Metadata* metadata = nullptr;  // of the server block
};

class Format {
 public:
  // Never fails: what is not a placeholder is text, braces too.
  explicit Format(std::string_view text);

  // The labels of metadata in it.
  [[nodiscard]] std::vector<std::string> labels() const;
  // What looks like a placeholder and is text: "{foo}".
  [[nodiscard]] const std::vector<std::string>& unknown() const { return unknown_; }

  // Appends the line for `event`. Allocates nothing where `line` has the room.
  void append_to(std::string& line, const Event& event) const;

 private:
  using Append = void (*)(std::string& line, const Event& event);
  struct Placeholder {
    std::string_view name;  // with its braces
    Append append;
  };
  struct Piece {
    std::string text;       // before the value
    Append append;          // none: text alone
    bool is_label = false;  // of metadata, instead
    std::string label{};
  };
  static const Placeholder kPlaceholders[];

  [[nodiscard]] static Append find(std::string_view placeholder);  // nullptr where it is none

  std::vector<Piece> pieces_;
  std::vector<std::string> unknown_;
};

}  // namespace swage::log_line
