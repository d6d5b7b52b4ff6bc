// The rules that change a number: class and type of the question, TTLs and rcode of the answer.
#include <algorithm>
#include <array>

#include "core/config/values.h"
#include "core/text.h"
#include "plugins/rewrite/rules.h"
#include "plugins/rewrite/text_match.h"

namespace swage::plugins::rewrite {
namespace {

class ClassRule : public Rule {
 public:
  ClassRule(bool stops, dns::Class from, dns::Class to) : Rule(stops), from_(from), to_(to) {}
  Result<Applied> ask(Rewriting& rewriting) const override {
    if (rewriting.query().qclass != from_) return Applied::no;
    rewriting.set_class(to_);
    return Applied::yes;
  }

 private:
  dns::Class from_, to_;
};

class TypeRule : public Rule {
 public:
  TypeRule(bool stops, dns::Type from, dns::Type to) : Rule(stops), from_(from), to_(to) {}
  Result<Applied> ask(Rewriting& rewriting) const override {
    if (rewriting.query().qtype != from_) return Applied::no;
    rewriting.set_type(to_);
    return Applied::yes;
  }

 private:
  dns::Type from_, to_;
};

class TtlRule : public Rule {
 public:
  struct Range {
    std::uint32_t min, max;  // seconds
  };
  TtlRule(bool stops, Matcher matcher, Range range) : Rule(stops), matcher_(std::move(matcher)), range_(range) {}
  Result<Applied> ask(Rewriting& rewriting) const override {
    return matcher_.matches(rewriting.name()) ? Applied::yes : Applied::no;
  }
  Result<Outcome> answer(const Asked&, Response& response) const override {
    for (auto* const section : {&response.answer, &response.authority, &response.additional}) {
      for (dns::Record& record : *section) record.ttl = std::clamp(record.ttl, range_.min, range_.max);
    }
    return Outcome::send;
  }

 private:
  Matcher matcher_;
  Range range_;
};

class RcodeRule : public Rule {
 public:
  RcodeRule(bool stops, Matcher matcher, dns::Rcode from, dns::Rcode to)
      : Rule(stops), matcher_(std::move(matcher)), from_(from), to_(to) {}
  Result<Applied> ask(Rewriting& rewriting) const override {
    return matcher_.matches(rewriting.name()) ? Applied::yes : Applied::no;
  }
  Result<Outcome> answer(const Asked&, Response& response) const override {
    if (response.rcode == from_) response.rcode = to_;
    return Outcome::send;
  }

 private:
  Matcher matcher_;
  dns::Rcode from_, to_;
};

// [exact|…] STRING in front of `behind` more words.
Result<Matcher> parse_matcher(Words words, std::size_t behind, std::string_view field) {
  if (words.size() == behind + 1) return Matcher::parse(MatchKind::exact, words[0]);
  if (words.size() != behind + 2) return fail("wrong number of arguments for a {} rule", field);
  const auto kind = parse_match_kind(words[0]);
  if (!kind) return fail("expected exact, prefix, suffix, substring or regex, not '{}'", words[0]);
  return Matcher::parse(*kind, words[1]);
}

// "30", "30-300", "-30", "30-".
Result<TtlRule::Range> parse_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    TRY(const std::uint32_t ttl, config::parse_ttl(text));
    return TtlRule::Range{ttl, ttl};
  }
  if (text == "-") return fail("'-' is not a range of TTLs");
  TtlRule::Range range{0, 0x7FFFFFFF};
  if (dash > 0) {
    TRY(range.min, config::parse_ttl(text.substr(0, dash)));
  }
  if (dash + 1 < text.size()) {
    TRY(range.max, config::parse_ttl(text.substr(dash + 1)));
  }
  if (range.min > range.max) return fail("'{}' is not a range of TTLs", text);
  return range;
}

Result<dns::Rcode> parse_rcode(const std::string& text) {
  // By number; those that are not assigned have no name.
  static constexpr std::array<std::string_view, 24> kNames = {
      "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
      "NXRRSET", "NOTAUTH", "NOTZONE",  "",         "",        "",        "",         "",
      "BADSIG",  "BADKEY",  "BADTIME",  "BADMODE",  "BADNAME", "BADALG",  "BADTRUNC", "BADCOOKIE"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (!kNames[i].empty() && equal_without_case(kNames[i], text)) return static_cast<dns::Rcode>(i);
  }
  if (equal_without_case(text, "NOTIMPL")) return dns::Rcode::notimp;  // as CoreDNS has it, too
  if (equal_without_case(text, "BADVERS")) return static_cast<dns::Rcode>(16);
  const auto number = config::parse_integer<std::uint16_t>(text, 0, 23);
  if (!number) return fail("'{}' is not an rcode", text);
  return static_cast<dns::Rcode>(*number);
}

}  // namespace

NewRule make_class_rule(bool stops, Words words) {
  if (words.size() != 2) return fail("a class rule has exactly two arguments");
  TRY(const dns::Class from, dns::parse_class(words[0]));
  TRY(const dns::Class to, dns::parse_class(words[1]));
  return std::make_unique<const ClassRule>(stops, from, to);
}

NewRule make_type_rule(bool stops, Words words) {
  if (words.size() != 2) return fail("a type rule has exactly two arguments");
  TRY(const dns::Type from, dns::parse_type(words[0]));
  TRY(const dns::Type to, dns::parse_type(words[1]));
  return std::make_unique<const TypeRule>(stops, from, to);
}

NewRule make_ttl_rule(bool stops, Words words) {
  TRY(Matcher matcher, parse_matcher(words, 1, "ttl"));
  TRY(const TtlRule::Range range, parse_range(words.back()));
  return std::make_unique<const TtlRule>(stops, std::move(matcher), range);
}

NewRule make_rcode_rule(bool stops, Words words) {
  TRY(Matcher matcher, parse_matcher(words, 2, "rcode"));
  TRY(const dns::Rcode from, parse_rcode(words[words.size() - 2]));
  TRY(const dns::Rcode to, parse_rcode(words.back()));
  return std::make_unique<const RcodeRule>(stops, std::move(matcher), from, to);
}

}  // namespace swage::plugins::rewrite
