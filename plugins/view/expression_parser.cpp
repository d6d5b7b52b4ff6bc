#include "plugins/view/expression_parser.h"

#include <algorithm>

#include <fmt/format.h>

#include "plugins/view/token.h"

namespace swage::plugins::view {
namespace {

using Index = std::uint16_t;
using What = Operator;

// What an operator takes.
enum class Takes : std::uint8_t { booleans, comparable, ordered, member, texts, numbers, integers };

struct Binary {
  std::string_view name;
  unsigned precedence;  // those of expr-lang; all are left-associative
  What what;
  Takes takes;
};

constexpr Binary kBinaries[] = {
    {"||", 10, What::either, Takes::booleans},
    {"or", 10, What::either, Takes::booleans},
    {"&&", 15, What::both, Takes::booleans},
    {"and", 15, What::both, Takes::booleans},
    {"==", 20, What::equal, Takes::comparable},
    {"!=", 20, What::unequal, Takes::comparable},
    {"<", 20, What::less, Takes::ordered},
    {"<=", 20, What::less_or_equal, Takes::ordered},
    {">", 20, What::greater, Takes::ordered},
    {">=", 20, What::greater_or_equal, Takes::ordered},
    {"in", 20, What::in, Takes::member},
    {"contains", 20, What::contains, Takes::texts},
    {"startsWith", 20, What::starts_with, Takes::texts},
    {"endsWith", 20, What::ends_with, Takes::texts},
    {"matches", 20, What::matches, Takes::texts},
    {"+", 30, What::add, Takes::numbers},
    {"-", 30, What::subtract, Takes::numbers},
    {"*", 60, What::multiply, Takes::numbers},
    {"/", 60, What::divide, Takes::numbers},
    {"%", 60, What::remainder, Takes::integers},
};
constexpr unsigned kNotPrecedence = 50, kSignPrecedence = 90;

struct Function {
  std::string_view name;
  What what;
  Kind kind;
  std::size_t arguments;  // texts
};

constexpr Function kFunctions[] = {
    {"bufsize", What::bufsize, Kind::integer, 0},
    {"class", What::class_of, Kind::text, 0},
    {"client_ip", What::client_ip, Kind::text, 0},
    {"do", What::dnssec_ok, Kind::boolean, 0},
    {"id", What::id, Kind::integer, 0},
    {"name", What::name, Kind::text, 0},
    {"opcode", What::opcode, Kind::integer, 0},
    {"port", What::port, Kind::text, 0},
    {"proto", What::proto, Kind::text, 0},
    {"server_ip", What::server_ip, Kind::text, 0},
    {"server_port", What::server_port, Kind::text, 0},
    {"size", What::size, Kind::integer, 0},
    {"type", What::type, Kind::text, 0},
    {"incidr", What::incidr, Kind::boolean, 2},
    {"metadata", What::metadata, Kind::text, 1},
};

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::boolean:
      return "a truth value";
    case Kind::integer:
      return "a whole number";
    case Kind::real:
      return "a number";
    case Kind::text:
      return "a text";
    case Kind::list:
      return "a list";
  }
  return "";
}

bool is_number(Kind kind) { return kind == Kind::integer || kind == Kind::real; }
bool are_comparable(Kind a, Kind b) { return (a == b && a != Kind::list) || (is_number(a) && is_number(b)); }

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<std::vector<Node>> run() {
    TRY(const Index whole, expression(0));
    if (now().type != Token::Type::end) return unexpected();
    if (nodes_[whole].kind != Kind::boolean) {
      return fail_at(0, fmt::format("the whole is {}; expected what is true or false", name_of(nodes_[whole].kind)));
    }
    CHECK(whole + 1U == nodes_.size());
    return std::move(nodes_);
  }

 private:
  [[nodiscard]] const Token& now() const { return tokens_[at_]; }
  [[nodiscard]] bool is(std::string_view text) const {
    return (now().type == Token::Type::word || now().type == Token::Type::symbol) && now().text == text;
  }
  bool take(std::string_view text) {
    if (!is(text)) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] Result<> expect(std::string_view text) {
    if (take(text)) return {};
    return fail_at(now().at, fmt::format("expected '{}', not {}", text, shown()));
  }
  [[nodiscard]] std::string shown() const {
    return now().type == Token::Type::end ? "the end" : fmt::format("'{}'", now().text);
  }
  [[nodiscard]] std::unexpected<Error> unexpected() const {
    return fail_at(now().at, fmt::format("{} was not expected", shown()));
  }

  Result<Index> add(Node node) {
    if (nodes_.size() == kMaxNodes) return fail_at(now().at, fmt::format("more than {} parts", kMaxNodes));
    nodes_.push_back(std::move(node));
    return static_cast<Index>(nodes_.size() - 1);
  }
  Result<Index> add(What what, Kind kind, std::vector<Index> operands) {
    Node node;
    node.what = what;
    node.kind = kind;
    node.operands = std::move(operands);
    return add(std::move(node));
  }

  // Operators of at least this precedence.
  Result<Index> expression(unsigned precedence) {
    if (++nesting_ > kMaxNesting) return fail_at(now().at, fmt::format("more than {} levels", kMaxNesting));
    TRY(Index left, operand());
    while (const Binary* const binary = this->binary(precedence)) {
      const std::size_t at = now().at;
      const bool negated = take("not");
      ++at_;
      TRY(const Index right, expression(binary->precedence + 1));
      TRY(left, combine(*binary, left, right, at));
      if (negated) {
        TRY(left, add(What::negation, Kind::boolean, {left}));
      }
    }
    while (precedence == 0 && is("?")) {
      TRY(left, conditional(left));
    }
    --nesting_;
    return left;
  }

  // The operator that comes next, if it has at least this precedence; `not in` and the like too.
  [[nodiscard]] const Binary* binary(unsigned precedence) const {
    const bool negated = is("not");
    const Token& token = tokens_[at_ + (negated ? 1 : 0)];
    if (token.type != Token::Type::word && token.type != Token::Type::symbol) return nullptr;
    const auto* const found = std::ranges::find(kBinaries, token.text, &Binary::name);
    if (found == std::end(kBinaries) || found->precedence < precedence) return nullptr;
    if (negated && found->takes != Takes::texts && found->takes != Takes::member) return nullptr;
    return found;
  }

  Result<Index> conditional(Index condition) {
    const std::size_t at = now().at;
    ++at_;
    TRY(const Index yes, expression(0));
    TRY(expect(":"));
    TRY(const Index no, expression(0));
    const Kind kind = nodes_[yes].kind;
    if (nodes_[condition].kind != Kind::boolean) return fail_at(at, "'?' wants a truth value before it");
    if (kind == Kind::list || kind != nodes_[no].kind) {
      return fail_at(at, fmt::format("'?' chooses between {} and {}", name_of(kind), name_of(nodes_[no].kind)));
    }
    return add(What::conditional, kind, {condition, yes, no});
  }

  Result<Index> operand() {
    if (take("!") || take("not")) {
      TRY(const Index of, expression(kNotPrecedence));
      if (nodes_[of].kind == Kind::boolean) return add(What::negation, Kind::boolean, {of});
      return fail_at(now().at, fmt::format("'not' wants a truth value, not {}", name_of(nodes_[of].kind)));
    }
    if (is("-") || is("+")) {
      const bool minus = take("-") || !take("+");
      TRY(const Index of, expression(kSignPrecedence));
      const Kind kind = nodes_[of].kind;
      if (!is_number(kind)) return fail_at(now().at, fmt::format("a sign before {}", name_of(kind)));
      return minus ? add(What::minus, kind, {of}) : Result<Index>(of);
    }
    if (take("(")) {
      TRY(const Index inner, expression(0));
      TRY(expect(")"));
      return inner;
    }
    if (take("[")) return list();
    return now().type == Token::Type::word ? word() : literal();
  }

  Result<Index> list() {
    std::vector<Index> elements;
    while (!take("]")) {
      if (!elements.empty()) TRY(expect(","));
      if (!elements.empty() && take("]")) break;
      const std::size_t at = now().at;
      TRY(const Index element, expression(0));
      if (nodes_[element].kind == Kind::list) return fail_at(at, "a list in a list");
      elements.push_back(element);
    }
    return add(What::list, Kind::list, std::move(elements));
  }

  Result<Index> literal() {
    Node node;
    switch (now().type) {
      case Token::Type::integer:
        node.kind = Kind::integer;
        break;
      case Token::Type::real:
        node.kind = Kind::real;
        break;
      case Token::Type::text:
        node.kind = Kind::text;
        node.text = now().text;
        break;
      default:
        return unexpected();
    }
    node.literal = {node.kind, false, now().integer, now().real, {}};
    ++at_;
    return add(std::move(node));
  }

  Result<Index> word() {
    const Token& token = now();
    if (token.text == "true" || token.text == "false") {
      Node node;
      node.literal.boolean = token.text == "true";
      ++at_;
      return add(std::move(node));
    }
    const auto* const function = std::ranges::find(kFunctions, token.text, &Function::name);
    if (function == std::end(kFunctions)) return fail_at(token.at, fmt::format("'{}' is not known", token.text));
    ++at_;
    return call(*function, token.at);
  }

  Result<Index> call(const Function& function, std::size_t at) {
    TRY(expect("("));
    Node node;
    while (!take(")")) {
      if (!node.operands.empty()) TRY(expect(","));
      TRY(const Index argument, expression(0));
      node.operands.push_back(argument);
    }
    const auto is_text = [this](Index index) { return nodes_[index].kind == Kind::text; };
    if (node.operands.size() != function.arguments || !std::ranges::all_of(node.operands, is_text)) {
      constexpr const char* kArguments[] = {"no arguments", "one text", "two texts"};
      return fail_at(at, fmt::format("{}() takes {}", function.name, kArguments[function.arguments]));
    }
    node.what = function.what;
    node.kind = function.kind;
    if (function.what == What::incidr) {
      const Node& cidr = nodes_[node.operands[1]];
      const Result<Prefix> prefix = Prefix::parse(cidr.text);
      if (cidr.what != What::literal || !prefix || cidr.text.find('/') == std::string::npos) {
        return fail_at(at, "incidr() wants a network as its second argument, written as it is: '192.0.2.0/24'");
      }
      node.prefix = *prefix;
    }
    constexpr std::size_t kName = 1100, kOther = 256;  // bytes; a name of 255 bytes of \DDD
    if (node.kind == Kind::text) node.scratch.reserve(function.what == What::name ? kName : kOther);
    return add(std::move(node));
  }

  Result<Index> combine(const Binary& binary, Index left, Index right, std::size_t at) {
    const Kind a = nodes_[left].kind, b = nodes_[right].kind;
    const auto mismatch = [&] {
      return fail_at(at, fmt::format("'{}' between {} and {}", binary.name, name_of(a), name_of(b)));
    };
    Node node;
    node.what = binary.what;
    node.operands = {left, right};
    switch (binary.takes) {
      case Takes::booleans:
        if (a != Kind::boolean || b != Kind::boolean) return mismatch();
        break;
      case Takes::comparable:
        if (!are_comparable(a, b)) return mismatch();
        break;
      case Takes::ordered:
        if (!are_comparable(a, b) || a == Kind::boolean) return mismatch();
        break;
      case Takes::member:
        if (a == Kind::list || b != Kind::list || nodes_[right].what != What::list) return mismatch();
        break;
      case Takes::texts:
        if (a != Kind::text || b != Kind::text) return mismatch();
        break;
      case Takes::numbers:
        if (!is_number(a) || !is_number(b)) return mismatch();
        node.kind = a == Kind::real || b == Kind::real || binary.what == What::divide ? Kind::real : Kind::integer;
        break;
      case Takes::integers:
        if (a != Kind::integer || b != Kind::integer) return mismatch();
        node.kind = Kind::integer;
        break;
    }
    if (binary.what == What::matches) {
      if (nodes_[right].what != What::literal) return fail_at(at, "'matches' wants its expression written as it is");
      Result<regex::Regex> regex = regex::Regex::compile(nodes_[right].text);
      if (!regex) return fail_at(at, regex.error().text());
      node.regex = *std::move(regex);
    }
    return add(std::move(node));
  }

  std::vector<Token> tokens_;
  std::vector<Node> nodes_;
  std::size_t at_ = 0;
  unsigned nesting_ = 0;
};

}  // namespace

Result<std::vector<Node>> parse_expression(std::string_view text) {
  if (text.size() > kMaxBytes) return fail("an expression of more than {} bytes", kMaxBytes);
  TRY(std::vector<Token> tokens, tokenize(text));
  return Parser(std::move(tokens)).run();
}

}  // namespace swage::plugins::view
