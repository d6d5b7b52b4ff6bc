// A record as the template plugin writes it: text with {{ … }}, a part of Go's text/template, that becomes one record
// for each query. Read in setup(), written in the dns processes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dns/query.h"
#include "core/dns/types.h"
#include "core/result.h"

namespace swage::plugins::template_ {

// The expression that matched, as far as a template asks for it.
struct GroupName {
  std::string name;
  std::size_t number;
};

// What a template may speak of. The views live as long as the query.
struct QueryParts {
  const dns::Query& query;
  std::string_view zone, name;  // in presentation format, lower case
  std::string_view rclass, type;
  std::span<const std::string_view> match;  // the whole match, then its groups: parts of `name`
  std::span<const GroupName> groups;
};

// Text that grows to a bound.
class Output {
 public:
  static constexpr std::size_t kMax = 4096;  // bytes of a record
  void append(std::string_view text);
  void clear() { size_ = 0, overflow_ = false; }
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }
  [[nodiscard]] bool overflow() const { return overflow_; }

 private:
  std::array<char, kMax> bytes_;  // NOLINT(cppcoreguidelines-pro-type-member-init): one for each record
  std::size_t size_ = 0;
  bool overflow_ = false;
};

// {{ .Name }}, {{ index .Match 1 }}, {{ parseInt .Group.b 16 8 }}: a value, or a function and its arguments.
struct Expression {
  enum class Kind : std::uint8_t {
    text,    // a constant
    number,  // a constant
    zone,
    name,
    rclass,
    type,
    remote,
    question_name,  // as the client spelled it
    question_type,  // as a number
    question_class,
    message_id,
    group,      // text: its name, or its number in decimal
    match,      // number
    parse_int,  // arguments: text, base, bits
  };
  Kind kind = Kind::text;
  std::string text{};
  std::uint64_t number = 0;
  std::vector<Expression> arguments{};
};

class RecordTemplate {
 public:
  // Fails for what is not supported, and says what; without file and line.
  [[nodiscard]] static Result<RecordTemplate> parse(std::string_view text);

  [[nodiscard]] bool is_constant() const { return expressions_.empty(); }
  [[nodiscard]] const std::string& text() const { return text_; }  // as it was written
  // Fails where a number cannot be parsed, or there is no such group.
  [[nodiscard]] Result<> write(const QueryParts& parts, Output& into) const;
  // The first group by number or name that is asked for and for which `has(group text)` is false; empty: none.
  template <typename Has>
  [[nodiscard]] std::string missing_group(Has has) const {
    for (const Expression& each : expressions_) {
      if (std::string missing = missing_group(each, has); !missing.empty()) return missing;
    }
    return {};
  }

 private:
  template <typename Has>
  static std::string missing_group(const Expression& expression, Has has) {
    if (expression.kind == Expression::Kind::group && !has(expression.text)) return expression.text;
    if (expression.kind == Expression::Kind::match && !has(std::to_string(expression.number))) {
      return std::to_string(expression.number);
    }
    for (const Expression& each : expression.arguments) {
      if (std::string missing = missing_group(each, has); !missing.empty()) return missing;
    }
    return {};
  }

  std::string text_;
  std::vector<std::string> literals_;  // one more than expressions: what is before, between and after them
  std::vector<Expression> expressions_;
};

}  // namespace swage::plugins::template_
