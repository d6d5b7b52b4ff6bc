// The rule that changes where an alias in the answer leads, and asks the server itself for what is there.
#include <algorithm>

#include "core/plugin/lookup.h"
#include "core/text.h"
#include "plugins/rewrite/name_change.h"
#include "plugins/rewrite/rules.h"

namespace swage::plugins::rewrite {
namespace {

class CnameRule : public Rule {
 public:
  CnameRule(bool stops, NameChange change) : Rule(stops), change_(std::move(change)) {}

  Result<Applied> ask(Rewriting&) const override { return Applied::yes; }

  // What comes after the alias was of the old name, and so were its signatures and the other sections.
  Result<Outcome> answer(const Asked& asked, Response& response) const override {
    for (std::size_t i = 0; i < response.answer.size(); ++i) {
      const auto target = new_target(response.answer[i]);
      if (!target) continue;
      response.answer.resize(i + 1);
      response.answer[i].rdata = response.arena.copy(target->view().bytes());
      std::erase_if(response.answer, [](const dns::Record& each) { return each.type != dns::Type::cname; });
      response.authority.clear();
      response.additional.clear();
      response.rcode = dns::Rcode::noerror;
      return follow_alias(asked.query, response);
    }
    return Outcome::send;
  }

 private:
  [[nodiscard]] std::optional<dns::Name> new_target(const dns::Record& record) const {
    if (record.type != dns::Type::cname) return std::nullopt;
    const dns::NameView target(record.rdata.data(), record.rdata.size());
    dns::NameText next;
    if (!change_.apply(dns::NameText(target).view(), next).value_or(false)) return std::nullopt;
    std::string_view text = next.view();
    // A group may have the final dot, and TO one more.
    if (text.ends_with("..") && !dns::is_in_escape(text, text.size() - 2)) text.remove_suffix(1);
    const auto name = next.overflow() ? fail("too long") : dns::Name::parse(text);
    return name ? std::optional(*name) : std::nullopt;
  }

  NameChange change_;
};

}  // namespace

NewRule make_cname_rule(bool stops, Words words) {
  if (words.size() != 2 && words.size() != 3) return fail("a cname rule has FROM and TO, with how FROM matches before");
  auto kind = MatchKind::exact;
  if (words.size() == 3) {
    const auto given = parse_match_kind(words[0]);
    if (!given) return fail("expected exact, prefix, suffix, substring or regex, not '{}'", words[0]);
    kind = *given;
    words = words.subspan(1);
  }
  const bool is_exact = kind == MatchKind::exact;
  const auto written = [&](const std::string& word) {
    return is_exact ? normalized(word) : kind == MatchKind::regex ? word : lower_case(word);
  };
  if (is_exact) {
    const auto name = dns::Name::parse(written(words[1]));
    if (!name) return fail("'{}' is not a valid name: {}", words[1], name.error().text());
  }
  TRY(NameChange change, NameChange::parse(kind, written(words[0]), written(words[1])));
  return std::make_unique<const CnameRule>(stops, std::move(change));
}

}  // namespace swage::plugins::rewrite
