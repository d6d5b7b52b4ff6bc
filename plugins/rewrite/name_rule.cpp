// The rule that changes the name of the question, and with it names in the answer.
#include <algorithm>

#include "plugins/rewrite/name_change.h"
#include "plugins/rewrite/rules.h"
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
  [[nodiscard]] std::optional<dns::Name> map(dns::NameView name, const Rule::Asked& asked) const {
    if (!regex && !suffix) return remap(name, asked);
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

  static std::optional<dns::Name> remap(dns::NameView name, const Rule::Asked& asked) {
    if (!name.is_under(asked.behind) || (asked.behind.is_root() && !name.is_root())) return std::nullopt;
    const std::size_t above = name.size() - asked.behind.size();
    if (above + asked.before.size() > dns::kMaxName) return std::nullopt;
    std::array<std::uint8_t, dns::kMaxName> bytes;
    std::copy_n(name.data(), above, bytes.begin());
    std::ranges::copy(asked.before.bytes(), bytes.begin() + static_cast<std::ptrdiff_t>(above));
    return dns::Name(dns::NameView(bytes.data(), above + asked.before.size()));
  }
};

class NameRule : public Rule {
 public:
  NameRule(bool stops, NameChange change, std::vector<AnswerRule> answers)
      : Rule(stops), change_(std::move(change)), answers_(std::move(answers)) {}

  Result<Applied> ask(Rewriting& rewriting) const override {
    dns::NameText next;
    TRY(const bool matches, change_.apply(rewriting.name(), next));
    if (!matches) return Applied::no;
    TRY(rewriting.set_name(next));
    return Applied::yes;
  }

  Result<Outcome> answer(const Asked& asked, Response& response) const override {
    for (auto* const section : {&response.answer, &response.authority, &response.additional}) {
      for (dns::Record& record : *section) answer(asked, record, response.arena);
    }
    return Outcome::send;
  }

 private:
  void answer(const Asked& asked, dns::Record& record, dns::Arena& arena) const {
    for (auto rule = answers_.rbegin(); rule != answers_.rend(); ++rule) {
      if (rule->part == AnswerRule::Part::owners) {
        if (const auto mapped = rule->map(record.owner, asked)) record.owner = arena.copy(mapped->view());
      } else if (const auto value = find_value(record)) {
        if (const auto mapped = rule->map(value->name, asked)) replace_value(record, *value, *mapped, arena);
      }
    }
  }

  NameChange change_;
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
  const bool is_regex = kind == MatchKind::regex;
  TRY(NameChange change, NameChange::parse(kind, is_regex ? words[0] : from, is_regex ? words[1] : to));
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
  return std::make_unique<const NameRule>(stops, std::move(change), std::move(rules));
}

}  // namespace swage::plugins::rewrite
