// What another nameserver may answer: any bytes, to one question. What passes is decoded, cut down to what has to do
// with the question, stored, and answered from.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/dns/decode.h"
#include "core/dns/encode.h"
#include "core/dns/stored_answer.h"
#include "core/upstream/question.h"
#include "plugins/forward/relevant.h"

namespace {

using namespace swage;

void expect(bool holds) {
  if (!holds) std::abort();
}

// The id is "id", and every letter is in lower case.
class Fixed final : public crypto::Random {
 public:
  void fill(MutableBytes bytes) override {
    std::ranges::fill(bytes, std::uint8_t{0});
    bytes[0] = 'i';
    bytes[1] = 'd';
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Fixed random;
  static const upstream::Question question{.name = *dns::Name::parse("www.example.org.")};
  static const upstream::Asked asked(question, {}, random);
  static dns::Response received, told;
  static std::vector<std::uint8_t> out(0xFFFF);
  const Bytes input(data, std::min<std::size_t>(size, 0xFFFF));
  const upstream::Verdict verdict = asked.judge(input);
  expect(verdict == upstream::Verdict::foreign || input.size() >= 12);
  received.clear();
  if (!dns::decode(input, received)) return 0;
  plugins::forward::keep_relevant(received, question.name);
  const Result<dns::StoredAnswer> stored = dns::store(received, question.name);
  if (!stored) return 0;
  dns::Query query;
  query.ask(question.name);
  query.transport = dns::Transport::tcp;
  told.clear();
  expect(dns::load(stored->bytes, query, told));
  expect(told.answer.size() == received.answer.size());
  expect(dns::encode(query, told, out) <= out.size());
  return 0;
}
