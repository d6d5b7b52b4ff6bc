// The rule that changes the name of the question, and with it names in the answer.
#include <algorithm>

#include "plugins/rewrite/rules.h"
#include "plugins/rewrite/text_match.h"
#include "plugins/rewrite/values.h"

namespace swage::plugins::rewrite {
namespace {

// How the answer is changed: the owners of its records, or the names in their data.
struct AnswerRule {
  enum class Part : std::uint8_t { owners, values };
  Part part;
  // What does it: one of these; nothing is `auto`, which maps the name after the rule, and names below it, to the one
  // before.
  std::optional<RegexRewriter> regex{};
  std::optional<std::pair<std::string, std::string>> suffix{};  // from, to

  // What `name` becomes; nullopt where it stays.
  [[nodiscard]] std::optional<dns::Name> map(dns::NameView name, const Rule::Names& names) const {
    if (!regex && !suffix) return remap(name, names);
    const dns::NameText text(name);
    dns::NameText next;
    if (regex) {
      if (!regex->rewrite(text.view(), next).value_or(false)) return std::nullopt;
    } else {
      if (!has_suffix(text.view(), suffix->first)) return std::nullopt;
      next.append(text.view().substr(0, text.view().size() - suffix->first.size()));
      next.append(suffix->second);
    }
    if (next.overflow() || next.view() == text.view()) return std::nullopt;
    const auto parsed = dns::Name::parse(next.view());
    return parsed ? std::optional(*parsed) : std::nullopt;
  }

  static std::optional<dns::Name> remap(dns::NameView name, const Rule::Names& names) {
    if (!name.is_under(names.behind) || (names.behind.is_root() && !name.is_root())) return std::nullopt;
    const std::size_t above = name.size() - names.behind.size();
    if (above + names.before.size() > dns::kMaxName) return std::nullopt;
    std::array<std::uint8_t, dns::kMaxName> bytes;
    std::copy_n(name.data(), above, bytes.begin());
    std::ranges::copy(names.before.bytes(), bytes.begin() + static_cast<std::ptrdiff_t>(above));
    return dns::Name(dns::NameView(bytes.data(), above + names.before.size()));
  }
};

class NameRule : public Rule {
 public:
  NameRule(bool stops, MatchKind kind, std::string from, std::string to, std::optional<RegexRewriter> regex,
           std::vector<AnswerRule> answers)
      : Rule(stops),
        kind_(kind),
        from_(std::move(from)),
        to_(std::move(to)),
        regex_(std::move(regex)),
        answers_(std::move(answers)) {}

  Result<Applied> ask(Rewriting& rewriting) const override {
    dns::NameText next;
    TRY(const bool matches, rewrite(rewriting.name(), next));
    if (!matches) return Applied::no;
    TRY(rewriting.set_name(next));
    return Applied::yes;
  }

  void answer(const Names& names, Response& response) const override {
    for (auto* const section : {&response.answer, &response.authority, &response.additional}) {
      for (dns::Record& record : *section) answer(names, record, response.arena);
    }
  }

 private:
  Result<bool> rewrite(std::string_view name, dns::NameText& next) const {
    switch (kind_) {
      case MatchKind::exact:
        next.append(to_);
        return name == from_;
      case MatchKind::prefix:
        if (!has_prefix(name, from_)) return false;
        next.append(to_);
        next.append(name.substr(from_.size()));
        return true;
      case MatchKind::suffix:
        if (!has_suffix(name, from_)) return false;
        next.append(name.substr(0, name.size() - from_.size()));
        next.append(to_);
        return true;
      case MatchKind::substring:
        return replace_all(name, next);
      case MatchKind::regex:
        return regex_->rewrite(name, next);
    }
    return false;
  }

  bool replace_all(std::string_view name, dns::NameText& next) const {
    std::size_t found = find_part(name, from_);
    if (found == std::string_view::npos) return false;
    std::size_t at = 0;
    for (; found != std::string_view::npos; found = find_part(name, from_, at)) {
      next.append(name.substr(at, found - at));
      next.append(to_);
      at = found + from_.size();
    }
    next.append(name.substr(at));
    return true;
  }

  void answer(const Names& names, dns::Record& record, dns::Arena& arena) const {
    for (auto rule = answers_.rbegin(); rule != answers_.rend(); ++rule) {
      if (rule->part == AnswerRule::Part::owners) {
        if (const auto mapped = rule->map(record.owner, names)) record.owner = arena.copy(mapped->view());
      } else if (const auto value = find_value(record)) {
        if (const auto mapped = rule->map(value->name, names)) replace_value(record, *value, *mapped, arena);
      }
    }
  }

  MatchKind kind_;
  std::string from_, to_;
  std::optional<RegexRewriter> regex_;
  std::vector<AnswerRule> answers_;
};

struct Answers {
  bool automatic_owners = false, automatic_values = false;
  std::vector<AnswerRule> rules{};
};

bool is_keyword(std::string_view word) {
  return word == "answer" || word == "auto" || word == "name" || word == "value";
}

// What follows is the next rule, and no TO: "auto" is not a regular expression then.
bool ends_rule(Words words, std::size_t at) { return at >= words.size() || is_keyword(words[at]); }

// [answer] (auto | name auto | value auto | name FROM TO | value FROM TO)…
//
// CoreDNS's README writes `answer name auto`, and CoreDNS reads FROM=auto TO=answer where `answer value …` follows it.
Result<Answers> parse_answers(Words words) {
  Answers answers;
  bool has_names = false;
  for (std::size_t at = 0; at < words.size();) {
    if (words[at] == "answer") {
      ++at;
    } else if (at == 0) {
      return fail("expected 'answer', not '{}'", words[at]);
    }
    if (at == words.size()) return fail("expected auto, name or value after 'answer'");
    const std::string& what = words[at++];
    if (what == "auto") {
      answers.automatic_owners = answers.automatic_values = true;
      continue;
    }
    if (what != "name" && what != "value") return fail("expected auto, name or value, not '{}'", what);
    const bool is_name = what == "name";
    if (at < words.size() && words[at] == "auto" && ends_rule(words, at + 1)) {
      (is_name ? answers.automatic_owners : answers.automatic_values) = true;
      ++at;
      continue;
    }
    if (words.size() - at < 2) return fail("'answer {}': 2 arguments required", what);
    for (const std::string& word : words.subspan(at, 2)) {
      if (word == "answer") return fail("'answer {}': expected FROM and TO before the next 'answer'", what);
    }
    TRY(RegexRewriter rewriter, RegexRewriter::parse(words[at], words[at + 1]));
    at += 2;
    has_names = has_names || is_name;
    answers.rules.push_back(
        {.part = is_name ? AnswerRule::Part::owners : AnswerRule::Part::values, .regex = std::move(rewriter)});
  }
  if (answers.automatic_owners && has_names) return fail("'answer auto' cannot be combined with 'answer name'");
  return answers;
}

}  // namespace

NewRule make_name_rule(bool stops, Words words) {
  if (words.size() < 2) return fail("a name rule needs FROM and TO");
  auto kind = MatchKind::exact;
  if (words.size() > 2) {
    const auto given = parse_match_kind(words[0]);
    if (!given) return fail("expected exact, prefix, suffix, substring or regex, not '{}'", words[0]);
    kind = *given;
    words = words.subspan(1);
  }
  const std::string from = normalized(words[0]), to = normalized(words[1]);
  if (kind == MatchKind::exact) {
    const auto name = dns::Name::parse(to);
    if (!name) return fail("'{}' is not a valid name: {}", words[1], name.error().text());
  }
  if (kind == MatchKind::prefix || kind == MatchKind::suffix) {
    dns::NameText sample;
    const bool before = kind == MatchKind::prefix;  // the rest of the name comes behind; that of a suffix before
    sample.append(before ? to : to.starts_with('.') ? "x" : "");
    sample.append(before ? "x." : to);
    TRY(check_name(sample, words[1]));
  }
  std::optional<RegexRewriter> regex;
  if (kind == MatchKind::regex) {
    TRY(RegexRewriter rewriter, RegexRewriter::parse(words[0], words[1]));
    regex.emplace(std::move(rewriter));
  }
  TRY(Answers answers, parse_answers(words.subspan(2)));
  std::vector<AnswerRule> rules;
  for (const auto part : {AnswerRule::Part::owners, AnswerRule::Part::values}) {
    const bool asked = part == AnswerRule::Part::owners ? answers.automatic_owners : answers.automatic_values;
    if (!asked && kind != MatchKind::exact) continue;
    AnswerRule rule{.part = part};
    if (kind == MatchKind::suffix) rule.suffix.emplace(to, from);
    rules.push_back(std::move(rule));
  }
  std::ranges::move(answers.rules, std::back_inserter(rules));
  return std::make_unique<const NameRule>(stops, kind, from, to, std::move(regex), std::move(rules));
}

}  // namespace swage::plugins::rewrite
