#include "plugins/forward/relevant.h"

#include <algorithm>
#include <vector>

namespace swage::plugins::forward {
namespace {

using dns::NameView;
using dns::Record;
using dns::Type;

constexpr std::size_t kMostNames = 32;       // of a chain of CNAMEs
constexpr std::size_t kMostAdditional = 64;  // records: each is looked for in all others

bool has(const std::vector<NameView>& names, NameView name) { return std::ranges::find(names, name) != names.end(); }

bool any_is_under(const std::vector<NameView>& names, NameView zone) {
  return std::ranges::any_of(names, [zone](NameView name) { return name.is_under(zone); });
}

// qname, and where its CNAMEs lead, in whatever order they stand.
std::vector<NameView> names_of_chain(const std::vector<Record>& answer, NameView qname) {
  std::vector<NameView> names{qname};
  for (bool grown = true; grown;) {
    grown = false;
    for (const Record& record : answer) {
      if (record.type != Type::cname || !has(names, record.owner)) continue;
      const NameView target(record.rdata.data(), record.rdata.size());
      if (has(names, target) || names.size() == kMostNames) continue;
      names.push_back(target);
      grown = true;
    }
  }
  return names;
}

// The type that it is about: of an RRSIG record, the type that it signs.
Type subject(const Record& record) {
  const bool is_signature = record.type == Type::rrsig && record.rdata.size() >= 2;
  return is_signature ? static_cast<Type>(load_u16(record.rdata.data())) : record.type;
}

bool mentions(const Record& record, NameView name) {
  const auto same = [](std::uint8_t a, std::uint8_t b) { return dns::lower(a) == dns::lower(b); };
  return !std::ranges::search(record.rdata, name.bytes(), same).empty();
}

// A CNAME record that was made of a DNAME record has labels of the question, in the random spelling in which that was
// asked.
void forget_spelling(dns::Response& response) {
  if (std::ranges::find(response.answer, Type::dname, &Record::type) == response.answer.end()) return;
  for (Record& record : response.answer) {
    if (record.type != Type::cname) continue;
    const dns::Name target = dns::Name(NameView(record.rdata.data(), record.rdata.size())).lowercased();
    record.rdata = response.arena.copy(target.view().bytes());
  }
}

}  // namespace

void keep_relevant(dns::Response& response, NameView qname) {
  const std::vector<NameView> names = names_of_chain(response.answer, qname);
  std::erase_if(response.answer, [&](const Record& record) {
    if (has(names, record.owner)) return false;
    return subject(record) != Type::dname || !any_is_under(names, record.owner);
  });
  std::erase_if(response.authority, [&](const Record& record) {
    const Type type = subject(record);
    const bool of_zone = type == Type::ns || type == Type::soa || type == Type::ds;
    return of_zone && !any_is_under(names, record.owner);
  });
  if (response.additional.size() > kMostAdditional) response.additional.resize(kMostAdditional);
  std::erase_if(response.additional, [&](const Record& record) {
    const auto by = [&](const Record& each) { return mentions(each, record.owner); };
    return record.owner.is_root() || (!has(names, record.owner) && std::ranges::none_of(response.answer, by) &&
                                      std::ranges::none_of(response.authority, by));
  });
  for (Record& record : response.additional) record.optional = true;
  forget_spelling(response);
}

}  // namespace swage::plugins::forward
