#include "tests/support/comparable_answer.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "core/text.h"

namespace swage::tests {
namespace {

// The next word of `text` from `at`, which moves past it.
std::string word(const std::string& text, std::size_t& at) {
  const std::size_t end = std::min(text.find(' ', at), text.size());
  const std::string result = text.substr(at, end - at);
  at = std::min(end + 1, text.size());
  return result;
}

}  // namespace

RecordText RecordText::parse(const std::string& text) {
  const std::string lower = lower_case(text);
  RecordText record;
  std::size_t at = 0;
  record.owner = word(lower, at);
  record.ttl = word(lower, at);
  static_cast<void>(word(lower, at));  // the class
  record.type = word(lower, at);
  record.data = lower.substr(at);
  return record;
}

std::string RecordText::covered() const { return type == "rrsig" ? data.substr(0, data.find(' ')) : ""; }

std::string RecordText::to_string() const { return fmt::format("{} {} {} {}", owner, ttl, type, data); }

bool is_below(const std::string& name, const std::string& parent) {
  return name == parent || parent == "." || name.ends_with("." + parent);
}

ComparableAnswer::ComparableAnswer(const Decoded& decoded, const std::string& apex)
    : rcode(decoded.rcode_text()), aa(decoded.has(kAa)) {
  for (const std::string& text : decoded.answer) doubled |= !answer.insert(RecordText::parse(text)).second;
  for (const std::string& text : decoded.authority) doubled |= !authority.insert(RecordText::parse(text)).second;
  if (!answer.empty()) {
    std::erase_if(authority, [&](const RecordText& record) {
      return record.owner == apex && (record.type == "ns" || record.covered() == "ns");
    });
  }
  for (const std::string& text : decoded.additional) {
    const RecordText record = RecordText::parse(text);
    const bool address = record.type == "a" || record.type == "aaaa";
    const bool demanded =
        address && std::any_of(authority.begin(), authority.end(), [&](const RecordText& server) {
          return server.type == "ns" && server.data == record.owner && is_below(record.owner, server.owner);
        });
    doubled |= !(demanded ? glue : extra).insert(record).second;
  }
}

std::string ComparableAnswer::to_string() const {
  std::string text = fmt::format("{}{}{}\n", rcode, aa ? " aa" : "", doubled ? " (a record twice)" : "");
  for (const auto& [title, section] : {std::pair("answer", &answer), {"authority", &authority}, {"glue", &glue}}) {
    for (const RecordText& record : *section) text += fmt::format("      {:<10}{}\n", title, record.to_string());
  }
  return text;
}

}  // namespace swage::tests
