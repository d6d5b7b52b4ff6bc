#include "tests/support/rdata_mutants.h"

#include <array>
#include <random>
#include <sstream>

#include "tests/support/dns_message.h"
#include "tests/support/rdata_forms.h"

namespace swage::tests {
namespace {

using Random = std::mt19937;

template <typename Range>
auto& one_of(Range& range, Random& random) {
  return range[random() % range.size()];
}

std::string mutant_text(const std::string& text, Random& random) {
  static constexpr std::array<const char*, 22> kWords = {
      "0",   "1",        "-1", "255", "256",   "65535", "65536", "4294967295", "4294967296", "99999999999999999999",
      "1.5", "0x1",      "m.", ".",   "a..b.", "A",     "TYPE1", "AAAA",       "AA==",       "abc",
      "::1", "192.0.2.1"};
  static constexpr std::string_view kLetters = "0123456789abcdefzA.:/+=-,!{}*";
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; in >> word;) words.push_back(word);
  if (words.empty()) return one_of(kWords, random);
  std::string& word = one_of(words, random);
  const bool is_quoted = word.find('"') != std::string::npos || word.find('\\') != std::string::npos;
  switch (random() % (is_quoted ? 3 : 6)) {
    case 0:
      words.push_back(one_of(kWords, random));
      break;
    case 1:
      words.pop_back();
      break;
    case 2:
      if (!is_quoted) word = one_of(kWords, random);
      break;
    case 3:
      word[random() % word.size()] = one_of(kLetters, random);
      break;
    case 4:
      word.insert(word.begin() + static_cast<std::ptrdiff_t>(random() % (word.size() + 1)), one_of(kLetters, random));
      break;
    default:
      word.erase(word.begin() + static_cast<std::ptrdiff_t>(random() % word.size()));
  }
  std::string result;
  for (const std::string& each : words) result += (result.empty() ? "" : " ") + each;
  return result;
}

std::string mutant_bytes(const std::string& wire, Random& random) {
  static constexpr std::array<std::uint8_t, 8> kBytes = {0, 1, 2, 3, 63, 64, 0xC0, 0xFF};
  Packet bytes = from_hex(wire);
  if (bytes.empty()) return generic_text(std::array{one_of(kBytes, random)});
  const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(random() % bytes.size());
  switch (random() % 5) {
    case 0:
      *place = one_of(kBytes, random);
      break;
    case 1:
      *place ^= static_cast<std::uint8_t>(1U << random() % 8);
      break;
    case 2:
      bytes.insert(place, one_of(kBytes, random));
      break;
    case 3:
      bytes.erase(place);
      break;
    default:
      bytes.resize(random() % bytes.size());
  }
  return generic_text(bytes);
}

}  // namespace

std::vector<std::string> rdata_mutants(unsigned count, unsigned seed) {
  Random random(seed);
  std::vector<const RdataForm*> right;
  for (const RdataForm& form : rdata_forms()) {
    if (form.kind == RdataForm::right && form.type != "SOA") right.push_back(&form);
  }
  std::vector<std::string> mutants;
  while (mutants.size() < count) {
    const RdataForm& form = *one_of(right, random);
    const bool as_text = random() % 2 == 0 && form.text.find('#') == std::string::npos;
    mutants.push_back(form.type + " " +
                      (as_text ? mutant_text(form.text, random) : mutant_bytes(form.expected, random)));
  }
  return mutants;
}

}  // namespace swage::tests
