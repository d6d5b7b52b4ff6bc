#include "plugins/chaos/chaos.h"

#include <algorithm>
#include <set>

#include "core/net.h"

namespace swage::plugins::chaos {
namespace {

constexpr std::string_view kVersion = "swage";  // without a number: see README.md

// A character-string (RFC 1035 section 3.3).
std::string character_string(std::string_view text) {
  text = text.substr(0, 255);
  std::string data(1, static_cast<char>(text.size()));
  return data.append(text);
}

dns::Name name(std::string_view text) {
  const Result<dns::Name> parsed = dns::Name::parse(text);
  CHECK(parsed);
  return *parsed;
}

}  // namespace

Chaos::Chaos(const Texts& texts) {
  const std::vector<std::string> version{character_string(texts.version)};
  const std::vector<std::string> host{character_string(texts.host)};
  std::vector<std::string> authors;
  for (const std::string& author : texts.authors) authors.push_back(character_string(author));
  entries_ = {{name("version.bind"), version},
              {name("version.server"), version},
              {name("hostname.bind"), host},
              {name("id.server"), host}};
  if (!authors.empty()) entries_.push_back({name("authors.bind"), std::move(authors)});
}

Result<Outcome> Chaos::serve(const Query& query, Response& response, Next next) const {
  if (query.qclass != dns::Class::ch || query.qtype != dns::Type::txt) return next(query, response);
  const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                  [&query](const Entry& candidate) { return candidate.name == query.qname; });
  if (entry == entries_.end()) return next(query, response);
  response.rcode = dns::Rcode::noerror;
  for (const std::string& rdata : entry->rdata) {
    response.answer.push_back(
        {.owner = query.qname, .type = dns::Type::txt, .rclass = dns::Class::ch, .rdata = as_bytes(rdata)});
  }
  return Outcome::send;
}

Result<> setup(Controller& controller) {
  controller.once();
  const std::vector<std::string> words = controller.remaining_args();
  Chaos::Texts texts{.version = std::string(kVersion), .host = host_name(), .authors = {}};
  if (!words.empty()) {
    texts.version = words.front();
    const std::set<std::string> authors(words.begin() + 1, words.end());
    texts.authors.assign(authors.begin(), authors.end());
  }
  controller.block().accepts_chaos = true;
  controller.add(std::make_unique<const Chaos>(texts));
  return {};
}

}  // namespace swage::plugins::chaos
