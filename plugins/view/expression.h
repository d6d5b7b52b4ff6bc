// Expressions over queries: type() in ['A', 'AAAA'] && incidr(client_ip(), '192.0.2.0/24'). Compiled at setup, with all
// kinds checked; evaluated in dns processes, once a node at most, without allocation. The language is a part of that of
// expr-lang (Go), which CoreDNS's view uses; README.md says which.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/dns/query.h"
#include "core/net.h"
#include "core/plugin/metadata.h"
#include "core/regex/regex.h"
#include "core/result.h"

namespace swage::plugins::view {

inline constexpr std::size_t kMaxBytes = 10'000;  // of an expression
inline constexpr std::size_t kMaxNodes = 1'000;   // literals, operators and calls
inline constexpr unsigned kMaxNesting = 100;      // parentheses and the like

enum class Kind : std::uint8_t { boolean, integer, real, text, list };

struct Value {
  Kind kind = Kind::boolean;
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view text{};  // lives until its node is evaluated again
};

enum class Operator : std::uint8_t {
  literal,
  list,
  conditional,
  // of two booleans, or one
  either,
  both,
  negation,
  // of two values
  equal,
  unequal,
  less,
  less_or_equal,
  greater,
  greater_or_equal,
  in,
  // of texts
  contains,
  starts_with,
  ends_with,
  matches,
  // of numbers
  add,
  subtract,
  multiply,
  divide,
  remainder,
  minus,
  // functions of the query
  bufsize,
  class_of,
  client_ip,
  dnssec_ok,
  id,
  name,
  opcode,
  port,
  proto,
  server_ip,
  server_port,
  size,
  type,
  // functions with arguments
  incidr,
  metadata,
};

struct Node {
  Operator what = Operator::literal;
  Kind kind = Kind::boolean;            // of its value
  std::vector<std::uint16_t> operands;  // indices of nodes
  Value literal;                        // without its text
  std::string text;                     // of a literal
  std::optional<regex::Regex> regex;    // matches
  Prefix prefix;                        // incidr
  mutable std::string scratch;          // what a function's text is made in
};

class Expression {
 public:
  // `metadata` must outlive the expression. Errors say where: "at 7: …".
  [[nodiscard]] static Result<Expression> compile(std::string_view text, const Metadata& metadata);

  // The labels that it asks metadata() for, as far as they are written out.
  [[nodiscard]] std::vector<std::string> labels() const;

  // False also where the value cannot be computed: a remainder of 0, incidr() of what is no address. On one thread.
  [[nodiscard]] bool holds(const dns::Query& query) const;

 private:
  struct Evaluation;
  Expression(std::vector<Node> nodes, const Metadata& metadata) : nodes_(std::move(nodes)), metadata_(&metadata) {}

  std::vector<Node> nodes_;  // the last one is the whole
  const Metadata* metadata_;
};

}  // namespace swage::plugins::view
