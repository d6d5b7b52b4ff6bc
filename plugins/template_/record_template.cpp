#include "plugins/template_/record_template.h"

#include <algorithm>
#include <charconv>

#include "core/dns/name_text.h"
#include "core/text.h"

namespace swage::plugins::template_ {
namespace {

using Kind = Expression::Kind;

constexpr unsigned kMaxDepth = 8;  // of parentheses
constexpr std::string_view kBlanks = " \t\r\n";

struct Field {
  std::string_view text;
  Kind kind;
};
constexpr auto kFields = std::to_array<Field>({{".Zone", Kind::zone},
                                               {".Name", Kind::name},
                                               {".Class", Kind::rclass},
                                               {".Type", Kind::type},
                                               {".Remote", Kind::remote},
                                               {".Question.Name", Kind::question_name},
                                               {".Question.Qtype", Kind::question_type},
                                               {".Question.Qclass", Kind::question_class},
                                               {".Message.Id", Kind::message_id}});

bool is_word(char c) { return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-' || c == '+' || c == '$'; }

// The inside of one {{ … }}.
class ActionParser {
 public:
  explicit ActionParser(std::string_view text) : rest_(text) {}

  Result<Expression> parse() {
    TRY(Expression expression, call());
    skip_blanks();
    if (!rest_.empty()) return fail("unexpected '{}'", rest_);
    return expression;
  }

 private:
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size())); }
  [[nodiscard]] bool at_end() {
    skip_blanks();
    return rest_.empty() || rest_[0] == ')';
  }

  // A function and its arguments, or a value.
  Result<Expression> call() {
    skip_blanks();
    const std::string_view word = next_word();
    if (word.empty() || word[0] < 'A') return value();
    rest_.remove_prefix(word.size());
    if (word == "index") return index();
    if (word == "parseInt") return parse_int();
    return fail("'{}' is not supported: only index and parseInt are", word);
  }

  [[nodiscard]] std::string_view next_word() const {
    const auto end = std::ranges::find_if_not(rest_, is_word);
    return rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
  }

  Result<Expression> index() {
    skip_blanks();
    const bool of_match = rest_.starts_with(".Match ");
    if (!of_match && !rest_.starts_with(".Group ")) return fail("index: expected .Match or .Group");
    rest_.remove_prefix(std::string_view(".Match ").size());
    TRY(Expression key, value());
    if (of_match && key.kind != Kind::number) return fail("index .Match: expected a number");
    if (!of_match && key.kind != Kind::text) return fail("index .Group: expected a text");
    key.kind = of_match ? Kind::match : Kind::group;
    return key;
  }

  Result<Expression> parse_int() {
    Expression result{.kind = Kind::parse_int};
    for (int i = 0; i < 3; ++i) {
      if (at_end()) return fail("parseInt: expected a text, a base and a size in bits");
      TRY(Expression argument, value());
      if (i > 0 && argument.kind != Kind::number) return fail("parseInt: base and bits are numbers");
      result.arguments.push_back(std::move(argument));
    }
    const std::uint64_t base = result.arguments[1].number, bits = result.arguments[2].number;
    if (base != 0 && (base < 2 || base > 36)) return fail("parseInt: base {} is none", base);
    if (bits > 64) return fail("parseInt: {} bits are too many", bits);
    return result;
  }

  Result<Expression> value() {
    skip_blanks();
    if (rest_.empty()) return fail("expected a value");
    if (rest_[0] == '(') {
      if (++depth_ > kMaxDepth) return fail("too many parentheses");
      rest_.remove_prefix(1);
      TRY(Expression inside, call());
      skip_blanks();
      if (!rest_.starts_with(')')) return fail("expected ')'");
      rest_.remove_prefix(1);
      --depth_;
      return inside;
    }
    if (rest_[0] == '"' || rest_[0] == '`') return quoted();
    const std::string_view word = next_word();
    if (word.empty()) return fail("unexpected '{}'", rest_.substr(0, 1));
    rest_.remove_prefix(word.size());
    return field_or_number(word);
  }

  Result<Expression> quoted() {
    const std::size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) return fail("a quote is not closed");
    Expression text{.kind = Kind::text, .text = std::string(rest_.substr(1, end - 1))};
    if (rest_[0] == '"' && text.text.find('\\') != std::string::npos)
      return fail("escapes in quotes are not supported");
    rest_.remove_prefix(end + 1);
    return text;
  }

  static Result<Expression> field_or_number(std::string_view word) {
    if (is_digit(word[0])) {
      Expression number{.kind = Kind::number};
      const auto [end, wrong] = std::from_chars(word.begin(), word.end(), number.number);
      if (wrong != std::errc() || end != word.end()) return fail("'{}' is not a number", word);
      return number;
    }
    const auto found = std::ranges::find(kFields, word, &Field::text);
    if (found != kFields.end()) return Expression{.kind = found->kind};
    constexpr std::string_view kGroup = ".Group.";
    if (word.starts_with(kGroup) && word.size() > kGroup.size() && word.find('.', kGroup.size()) == word.npos) {
      return Expression{.kind = Kind::group, .text = std::string(word.substr(kGroup.size()))};
    }
    return fail("'{}' is not supported", word);
  }

  std::string_view rest_;
  unsigned depth_ = 0;
};

class Writer {
 public:
  Writer(const QueryParts& parts, Output& into) : facts_(parts), into_(into) {}

  Result<> write(const Expression& expression) {
    switch (expression.kind) {
      case Kind::number:
        return put(expression.number);
      case Kind::question_type:
        return put(static_cast<std::uint16_t>(facts_.query.qtype));
      case Kind::question_class:
        return put(static_cast<std::uint16_t>(facts_.query.qclass));
      case Kind::message_id:
        return put(facts_.query.id);
      case Kind::remote:
        into_.append(facts_.query.client.address.to_string());
        return {};
      case Kind::question_name:
        into_.append(facts_.query.qname.to_string());
        return {};
      case Kind::parse_int:
        return parse_int(expression);
      default:
        break;
    }
    TRY(const std::string_view text, text_of(expression));
    into_.append(text);
    return {};
  }

 private:
  Result<> put(std::uint64_t number) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
    into_.append({digits.data(), static_cast<std::size_t>(end - digits.data())});
    return {};
  }

  // Of what is text already.
  Result<std::string_view> text_of(const Expression& expression) {
    switch (expression.kind) {
      case Kind::text:
        return expression.text;
      case Kind::zone:
        return facts_.zone;
      case Kind::name:
        return facts_.name;
      case Kind::rclass:
        return facts_.rclass;
      case Kind::type:
        return facts_.type;
      case Kind::match:
        return group(expression.number);
      case Kind::group: {
        std::size_t number = facts_.match.size();
        const auto end = expression.text.data() + expression.text.size();
        if (std::from_chars(expression.text.data(), end, number).ptr != end) {
          const auto found = std::ranges::find(facts_.groups, expression.text, &GroupName::name);
          number = found == facts_.groups.end() ? facts_.match.size() : found->number;
        }
        return group(number);
      }
      default:
        return fail("a number where a text is needed");
    }
  }

  Result<std::string_view> group(std::uint64_t number) const {
    if (number >= facts_.match.size()) return fail("the regular expression that matched has no such group");
    const std::string_view text = facts_.match[number];
    if (text.empty()) return text;
    // Half of an escape would change what the characters beside it mean.
    const auto start = static_cast<std::size_t>(text.data() - facts_.name.data());
    if (dns::is_in_escape(facts_.name, start) || dns::is_in_escape(facts_.name, start + text.size())) {
      return fail("the group '{}' has half of an escape", text);
    }
    return text;
  }

  // As Go's strconv.ParseUint.
  Result<> parse_int(const Expression& expression) {
    TRY(const std::string_view text, text_of(expression.arguments[0]));
    const std::uint64_t bits = expression.arguments[2].number == 0 ? 64 : expression.arguments[2].number;
    std::uint64_t base = expression.arguments[1].number;
    std::string_view digits = text;
    if (base == 0) {
      base = 10;
      if (digits.starts_with("0x") || digits.starts_with("0X")) {
        base = 16;
        digits.remove_prefix(2);
      } else if (digits.size() > 1 && digits[0] == '0') {
        base = 8;
      }
    }
    std::uint64_t number = 0;
    const auto [end, wrong] = std::from_chars(digits.begin(), digits.end(), number, static_cast<int>(base));
    if (wrong != std::errc() || end != digits.end() || (bits < 64 && number >> bits != 0)) {
      return fail("parseInt: '{}' is not a number of base {} and {} bits", text, base, bits);
    }
    return put(number);
  }

  const QueryParts& facts_;
  Output& into_;
};

}  // namespace

void Output::append(std::string_view text) {
  const std::size_t fits = std::min(text.size(), bytes_.size() - size_);
  overflow_ = overflow_ || fits < text.size();
  std::copy_n(text.data(), fits, bytes_.data() + size_);
  size_ += fits;
}

Result<RecordTemplate> RecordTemplate::parse(std::string_view text) {
  RecordTemplate result;
  result.text_ = text;
  bool trims = false;  // the action before ended with " -}}"
  while (true) {
    const std::size_t open = text.find("{{");
    std::string_view literal = text.substr(0, open);
    if (trims) literal.remove_prefix(std::min(literal.find_first_not_of(kBlanks), literal.size()));
    if (open == std::string_view::npos) {
      result.literals_.emplace_back(literal);
      return result;
    }
    const std::size_t close = text.find("}}", open);
    if (close == std::string_view::npos) return fail("'{{{{' without '}}}}' in '{}'", result.text_);
    std::string_view action = text.substr(open + 2, close - open - 2);
    text.remove_prefix(close + 2);
    if (action.starts_with("- ")) {
      action.remove_prefix(2);
      literal = literal.substr(0, literal.find_last_not_of(kBlanks) + 1);
    }
    trims = action.ends_with(" -");
    if (trims) action.remove_suffix(2);
    auto expression = ActionParser(action).parse();
    if (!expression) return fail("'{{{{{}}}}}': {}", action, expression.error().text());
    result.literals_.emplace_back(literal);
    result.expressions_.push_back(*std::move(expression));
  }
}

Result<> RecordTemplate::write(const QueryParts& parts, Output& into) const {
  Writer writer(parts, into);
  for (std::size_t i = 0; i < expressions_.size(); ++i) {
    into.append(literals_[i]);
    TRY(writer.write(expressions_[i]));
  }
  into.append(literals_.back());
  if (into.overflow()) return fail("the record has more than {} bytes", Output::kMax);
  return {};
}

}  // namespace swage::plugins::template_
